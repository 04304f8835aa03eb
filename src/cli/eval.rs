//! Options of `framegate eval`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::{
    BackendArgs, FetchArgs, FrameArgs, ModelArgs, OverlapArgs, ReadArgs, ReportArgs, TileArgs,
};

/// Options of `framegate eval`.
#[derive(Debug, Args)]
#[command(
    after_help = "A labelled object is found if a box of its class contains its centre and the box's longer side is\n\
    0.5 to 2 times the object's. A box is correct if it finds a labelled object.\n\
    \n\
    mAP is COCO's: 101 recalls, overlaps of 0.5 (mAP50) or of 0.5 to 0.95 (mAP50-95), at most 100 boxes per class\n\
    and image.\n\
    \n\
    The ground truth is a JSON file, COCO's or `objects` by image:\n  \
    {\"a.jpg\": {\"objects\": [{\"label\": \"qr_code\", \"x\": 12, \"y\": 30, \"w\": 200, \"h\": 198}]}, …}\n\
    where an object, or an annotation of COCO's, may have a \"text\": then boxes are read too,\n\
    and texts are compared.\n\
    or a YOLO folder (images/, labels/, data.yaml or classes.txt), a data.yaml with `val`, or a folder of\n\
    Pascal VOC (JPEGImages/, Annotations/). Classes are known by their names.\n\
    \n\
    Examples:\n  \
    framegate eval --ground-truth codes.json --images photos/\n  \
    framegate eval --model yolox_nano.onnx --ground-truth instances_val2017.json --images val2017/\n  \
    framegate eval --model yolo11n.onnx --ground-truth dataset/data.yaml --iou 0.7\n  \
    framegate eval --model yolo11n.onnx --tracks MOT17-02/gt/gt.txt --images MOT17-02/img1 --class person\n  \
    framegate eval --model yolox_nano.onnx --ground-truth street.json --images street/ \
    --annotate marked"
)]
pub struct EvalArgs {
    /// The objects that are in the images: a file, or a folder of YOLO or Pascal VOC
    #[arg(
        long,
        env = "FRAMEGATE_GROUND_TRUTH",
        value_name = "PATH",
        required_unless_present = "tracks",
        conflicts_with = "tracks"
    )]
    pub ground_truth: Option<PathBuf>,
    /// Format of the ground truth [default: recognised by what is there]
    #[arg(
        long,
        env = "FRAMEGATE_GROUND_TRUTH_FORMAT",
        visible_alias = "format",
        value_name = "FORMAT",
        value_enum
    )]
    pub ground_truth_format: Option<GroundTruthFormat>,
    /// Directory of the images that the ground truth names [default: that of the YOLO or Pascal VOC folder]; with
    /// --tracks the directory of the frames, or a video
    #[arg(long, env = "FRAMEGATE_IMAGES", value_name = "DIR")]
    pub images: Option<PathBuf>,
    /// More images, in which there is nothing to find: JPEG files or directories of them
    #[arg(long, env = "FRAMEGATE_NEGATIVES", value_name = "PATH", value_delimiter = ',')]
    pub negatives: Vec<PathBuf>,
    /// The model.
    #[command(flatten)]
    pub model: ModelArgs,
    /// Input size in pixels, for a model that accepts several [default: the model's own]
    #[arg(long, env = "FRAMEGATE_INPUT_SIZE", value_name = "WIDTHxHEIGHT")]
    pub input_size: Option<String>,
    /// The backend.
    #[command(flatten)]
    pub backend: BackendArgs,
    /// Lowest score of a box, 0 to 1, for everything but mAP
    #[arg(
        long,
        env = "FRAMEGATE_CONF",
        value_name = "SCORE",
        default_value_t = 0.3,
        help_heading = "Detections"
    )]
    pub conf: f32,
    /// Lowest score of a box that counts for mAP, at most --conf. The lower, the more of the curve is seen, and the
    /// longer an image takes
    #[arg(
        long,
        env = "FRAMEGATE_MAP_CONF",
        value_name = "SCORE",
        default_value_t = 0.001,
        help_heading = "Detections"
    )]
    pub map_conf: f32,
    /// Duplicate boxes.
    #[command(flatten)]
    pub overlap: OverlapArgs,
    /// Texts.
    #[command(flatten)]
    pub read: ReadArgs,
    /// Tiles.
    #[command(flatten)]
    pub tiles: TileArgs,
    /// Also write each image into this directory, with boxes and missed objects drawn in
    #[arg(long, env = "FRAMEGATE_ANNOTATE", value_name = "DIR", help_heading = "Detections")]
    pub annotate: Option<PathBuf>,
    /// Objects that move.
    #[command(flatten)]
    pub tracks: TracksArgs,
    /// Frame limits.
    #[command(flatten)]
    pub frames: FrameArgs,
    /// Report format.
    #[command(flatten)]
    pub report: ReportArgs,
    /// Fetched models.
    #[command(flatten)]
    pub fetch: FetchArgs,
}

/// Numbers that objects are given in a sequence.
#[derive(Debug, Args)]
#[command(next_help_heading = "Tracks")]
pub struct TracksArgs {
    /// Evaluate the numbers that objects keep from frame to frame (IDF1, MOTA, HOTA), against labels of a sequence:
    /// a gt.txt of the MOTChallenge. Images have the number of their frame as their name
    #[arg(long, env = "FRAMEGATE_TRACKS", value_name = "FILE.txt")]
    pub tracks: Option<PathBuf>,
    /// Frames per second of images [default: that of the seqinfo.ini beside the labels]
    #[arg(long, env = "FRAMEGATE_FRAME_RATE", value_name = "F")]
    pub frame_rate: Option<f64>,
    /// The model's class that the labels are about [default: its only one]
    #[arg(long, env = "FRAMEGATE_CLASS", value_name = "LABEL")]
    pub class: Option<String>,
}

/// A format of labels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum GroundTruthFormat {
    /// Framegate's own JSON file: `objects` by image.
    Framegate,
    /// COCO's JSON file: `images`, `annotations` and `categories`.
    Coco,
    /// A folder with images/ and labels/*.txt, the names of the classes in data.yaml or classes.txt.
    Yolo,
    /// A folder with JPEGImages/ and Annotations/*.xml.
    Voc,
}
