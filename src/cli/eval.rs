//! Options of `framegate eval`.

use std::path::PathBuf;

use clap::Args;

use super::{BackendArgs, FetchArgs, FrameArgs, ModelArgs, OverlapArgs, ReportArgs};

/// Options of `framegate eval`.
#[derive(Debug, Args)]
#[command(
    after_help = "A labelled object is found if a box of its class contains its centre and the box's longer side is\n\
    0.5 to 2 times the object's. A box is correct if it finds a labelled object.\n\
    \n\
    The ground truth is a JSON file, `objects` by image:\n  \
    {\"a.jpg\": {\"objects\": [{\"label\": \"qr_code\", \"x\": 12, \"y\": 30, \"w\": 200, \"h\": 198}]}, …}\n\
    \n\
    Examples:\n  \
    framegate eval --ground-truth codes.json --images photos/\n  \
    framegate eval --model yolox_nano.onnx --ground-truth street.json --images street/ \
    --annotate marked"
)]
pub struct EvalArgs {
    /// The objects that are in the images
    #[arg(long, env = "FRAMEGATE_GROUND_TRUTH", value_name = "FILE.json")]
    pub ground_truth: PathBuf,
    /// Directory of the images that the ground truth names
    #[arg(long, env = "FRAMEGATE_IMAGES", value_name = "DIR")]
    pub images: PathBuf,
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
    /// Lowest score of a box, 0 to 1
    #[arg(
        long,
        env = "FRAMEGATE_CONF",
        value_name = "SCORE",
        default_value_t = 0.3,
        help_heading = "Detections"
    )]
    pub conf: f32,
    /// Duplicate boxes.
    #[command(flatten)]
    pub overlap: OverlapArgs,
    /// Also write each image into this directory, with boxes and missed objects drawn in
    #[arg(long, env = "FRAMEGATE_ANNOTATE", value_name = "DIR", help_heading = "Detections")]
    pub annotate: Option<PathBuf>,
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
