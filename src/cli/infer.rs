//! Options of `framegate infer`.

use std::path::PathBuf;

use clap::Args;

use super::{BackendArgs, DetectionArgs, FrameArgs, ModelArgs, ModelFileArgs};

/// Options of `framegate infer`.
#[derive(Debug, Args)]
#[command(after_help = "Prints one JSON object an image, in the order given:\n  \
    {\"file\",\"width\",\"height\",\"detections\":[{\"label\",\"class_id\",\"score\",\"x\",\"y\",\"w\",\"h\"}],\"timings_ms\"}\n\
    and {\"file\",\"error\",\"detail\"} for one that could not be processed.\n\
    \n\
    Examples:\n  \
    framegate infer ticket.jpg\n  \
    framegate infer --model yolox_nano.onnx --labels coco.txt street.jpg\n  \
    framegate infer --model faces.onnx --conf 0.5 --annotate marked photos/\n  \
    ffmpeg -i clip.mp4 -f mjpeg - | framegate infer --model yolox_nano.onnx -")]
pub struct InferArgs {
    /// JPEG files, directories (their .jpg and .jpeg files), or `-` for concatenated JPEGs (MJPEG)
    /// on standard input
    #[arg(required = true, value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// Which detector.
    #[command(flatten)]
    pub model: ModelArgs,
    /// How to read the model file.
    #[command(flatten)]
    pub model_file: ModelFileArgs,
    /// What computes.
    #[command(flatten)]
    pub backend: BackendArgs,
    /// Which detections count.
    #[command(flatten)]
    pub detections: DetectionArgs,
    /// Also write each image, upright and with its detections drawn in, into this directory
    #[arg(long, env = "FRAMEGATE_ANNOTATE", value_name = "DIR", help_heading = "Detections")]
    pub annotate: Option<PathBuf>,
    /// Most frames to run through the model at once, 1 to 16
    #[arg(
        long,
        env = "FRAMEGATE_BATCH",
        value_name = "N",
        default_value_t = 4,
        help_heading = "Limits"
    )]
    pub batch: usize,
    /// Bounds on frames.
    #[command(flatten)]
    pub frames: FrameArgs,
}
