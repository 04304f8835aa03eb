//! Options of `framegate infer`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::{
    BackendArgs, DetailArgs, DetectionArgs, FetchArgs, FrameArgs, ModelArgs, ModelFileArgs,
    ReadArgs, TileArgs,
};

/// Options of `framegate infer`.
#[derive(Debug, Args)]
#[command(
    after_help = "Prints one JSON object per image, in the order given (--format jsonl):\n  \
    {\"file\",\"width\",\"height\",\"detections\":[{\"label\",\"class_id\",\"score\",\"x\",\"y\",\"w\",\"h\"}],\"timings_ms\"}\n\
    or {\"file\",\"error\",\"detail\"} for an image that could not be processed. Frames of a video, each on a\n\
    line of its own, also have \"frame_index\", from 0, and \"time_ms\".\n\
    The other formats have no room for a failure; it is logged, and the exit status is 1.\n\
    \n\
    Examples:\n  \
    framegate infer ticket.jpg\n  \
    framegate infer --model yolox_nano.onnx --labels coco.txt street.jpg\n  \
    framegate infer --model yolox_nano.onnx --format coco photos/ > detections.json\n  \
    framegate infer --model yolox_nano.onnx --format yolo --output-dir labels photos/\n  \
    framegate infer --model faces.onnx --conf 0.5 --annotate marked photos/\n  \
    framegate infer --tiles auto wall.jpg\n  \
    framegate infer --model yolox_nano.onnx --fps 5 --annotate marked.mp4 clip.mp4\n  \
    ffmpeg -i rtsp://camera/ -f mjpeg - | framegate infer --model yolox_nano.onnx -"
)]
pub struct InferArgs {
    /// JPEG files, videos (MP4 with H.264; others if ffmpeg is installed), directories (their .jpg and .jpeg
    /// files), .mjpeg files of concatenated JPEGs, or `-` for such on standard input
    #[arg(required = true, value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// The model.
    #[command(flatten)]
    pub model: ModelArgs,
    /// Model file options.
    #[command(flatten)]
    pub model_file: ModelFileArgs,
    /// The backend.
    #[command(flatten)]
    pub backend: BackendArgs,
    /// Detection thresholds.
    #[command(flatten)]
    pub detections: DetectionArgs,
    /// Masks.
    #[command(flatten)]
    pub details: DetailArgs,
    /// Texts.
    #[command(flatten)]
    pub read: ReadArgs,
    /// Tiles.
    #[command(flatten)]
    pub tiles: TileArgs,
    /// Format of the results
    #[arg(
        long,
        env = "FRAMEGATE_FORMAT",
        value_name = "FORMAT",
        value_enum,
        default_value_t = ResultFormat::Jsonl,
        help_heading = "Results"
    )]
    pub format: ResultFormat,
    /// Directory of the files of --format yolo
    #[arg(long, env = "FRAMEGATE_OUTPUT_DIR", value_name = "DIR", help_heading = "Results")]
    pub output_dir: Option<PathBuf>,
    /// Also write each image into this directory, upright and with its detections drawn in. A name such as
    /// marked.mp4 makes a video of a video, by ffmpeg
    #[arg(long, env = "FRAMEGATE_ANNOTATE", value_name = "DIR", help_heading = "Detections")]
    pub annotate: Option<PathBuf>,
    /// Which frames of videos.
    #[command(flatten)]
    pub selection: SelectionArgs,
    /// Largest batch of frames run through the model at once, 1 to 16
    #[arg(
        long,
        env = "FRAMEGATE_BATCH",
        value_name = "N",
        default_value_t = 4,
        help_heading = "Limits"
    )]
    pub batch: usize,
    /// Frame limits.
    #[command(flatten)]
    pub frames: FrameArgs,
    /// Fetched models.
    #[command(flatten)]
    pub fetch: FetchArgs,
}

/// A format of results.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ResultFormat {
    /// A JSON object on a line for each image.
    Jsonl,
    /// One JSON object in COCO's format: images, categories, and detections as annotations with a score.
    Coco,
    /// A table with a header and a row for each detection.
    Csv,
    /// A text file for each image in --output-dir, a line for each detection: class number, centre, width and height
    /// as shares of the image's; the names of the classes in classes.txt.
    Yolo,
}

/// Which frames of videos are wanted.
#[derive(Debug, Clone, Copy, Args)]
#[command(next_help_heading = "Videos")]
pub struct SelectionArgs {
    /// Take every Nth frame, beginning with the first
    #[arg(long, env = "FRAMEGATE_STRIDE", value_name = "N", default_value_t = 1)]
    pub stride: usize,
    /// Take at most N frames of each video
    #[arg(long, env = "FRAMEGATE_MAX_FRAMES", value_name = "N")]
    pub max_frames: Option<usize>,
    /// Take at most F frames for each second of a video
    #[arg(long, env = "FRAMEGATE_FPS", value_name = "F")]
    pub fps: Option<f64>,
}
