//! Options of `framegate eval`.

use std::path::PathBuf;

use clap::Args;

use super::{BackendArgs, FrameArgs, ModelArgs, OverlapArgs, ReportArgs};

/// Options of `framegate eval`.
#[derive(Debug, Args)]
#[command(
    after_help = "A labelled object is found when a box of its class contains its centre and the box's longer side\n\
    is 0.5 to 2 times the label's. A box is right when it finds a labelled object.\n\
    \n\
    The labels are a JSON file:\n  \
    {\"a.jpg\": {\"objects\": [{\"label\": \"qr_code\", \"x\": 12, \"y\": 30, \"w\": 200, \"h\": 198}]}, …}\n\
    \n\
    Examples:\n  \
    framegate eval --labels codes.json --images photos/\n  \
    framegate eval --model yolox_nano.onnx --labels street.json --images street/ --annotate marked"
)]
pub struct EvalArgs {
    /// What is in the images
    #[arg(long, env = "FRAMEGATE_LABELS", value_name = "FILE.json")]
    pub labels: PathBuf,
    /// Directory of the images that the labels name
    #[arg(long, env = "FRAMEGATE_IMAGES", value_name = "DIR")]
    pub images: PathBuf,
    /// More images, which hold nothing that the model should find: JPEG files or directories of them
    #[arg(long, env = "FRAMEGATE_NEGATIVES", value_name = "PATH", value_delimiter = ',')]
    pub negatives: Vec<PathBuf>,
    /// Which detector.
    #[command(flatten)]
    pub model: ModelArgs,
    /// Input size of a model that takes several, in pixels [default: the one in the model]
    #[arg(long, env = "FRAMEGATE_INPUT_SIZE", value_name = "WIDTHxHEIGHT")]
    pub input_size: Option<String>,
    /// What computes.
    #[command(flatten)]
    pub backend: BackendArgs,
    /// Lowest score of a box that counts, 0 to 1
    #[arg(
        long,
        env = "FRAMEGATE_CONF",
        value_name = "SCORE",
        default_value_t = 0.3,
        help_heading = "Detections"
    )]
    pub conf: f32,
    /// Which boxes are one.
    #[command(flatten)]
    pub overlap: OverlapArgs,
    /// Also write each image, with its boxes and the objects missed drawn in, into this directory
    #[arg(long, env = "FRAMEGATE_ANNOTATE", value_name = "DIR", help_heading = "Detections")]
    pub annotate: Option<PathBuf>,
    /// Bounds on frames.
    #[command(flatten)]
    pub frames: FrameArgs,
    /// How the report is printed.
    #[command(flatten)]
    pub report: ReportArgs,
}
