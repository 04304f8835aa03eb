//! Options of `framegate infer`.

use std::path::PathBuf;

use clap::Args;

use super::{BackendArgs, ModelFileArgs};
use crate::stages::{DecodeLimits, Thresholds};

/// Options of `framegate infer`.
#[derive(Debug, Args)]
#[command(after_help = "Prints one JSON object an image, in the order given:\n  \
    {\"file\",\"width\",\"height\",\"detections\":[{\"label\",\"class_id\",\"score\",\"x\",\"y\",\"w\",\"h\"}],\"timings_ms\"}\n\
    and {\"file\",\"error\",\"detail\"} for one that could not be processed.\n\
    \n\
    Examples:\n  \
    framegate infer --model yolox_nano.onnx --labels coco.txt street.jpg\n  \
    framegate infer --model faces.onnx --conf 0.5 --annotate marked photos/\n  \
    ffmpeg -i clip.mp4 -f mjpeg - | framegate infer --model yolox_nano.onnx -")]
pub struct InferArgs {
    /// JPEG files, directories (their .jpg and .jpeg files), or `-` for concatenated JPEGs (MJPEG)
    /// on standard input
    #[arg(required = true, value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// The detector, an ONNX file
    #[arg(long, env = "FRAMEGATE_MODEL", value_name = "FILE.onnx")]
    pub model: PathBuf,
    /// How to read the model file.
    #[command(flatten)]
    pub model_file: ModelFileArgs,
    /// What computes.
    #[command(flatten)]
    pub backend: BackendArgs,
    /// Lowest score of a detection, 0 to 1
    #[arg(
        long,
        env = "FRAMEGATE_CONF",
        value_name = "SCORE",
        default_value_t = Thresholds::USUAL.confidence,
        help_heading = "Detections"
    )]
    pub conf: f32,
    /// Overlap, as intersection over union, above which the weaker of two boxes of a class is
    /// dropped, 0 to 1
    #[arg(
        long,
        env = "FRAMEGATE_IOU",
        value_name = "IOU",
        default_value_t = Thresholds::USUAL.iou,
        help_heading = "Detections"
    )]
    pub iou: f32,
    /// Also write each picture, upright and with its detections drawn in, into this directory
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
    /// Largest file or frame, in units of 1 048 576 bytes
    #[arg(
        long,
        env = "FRAMEGATE_MAX_FRAME_SIZE_MB",
        value_name = "N",
        default_value_t = 64,
        help_heading = "Limits"
    )]
    pub max_frame_size_mb: usize,
    /// Greatest width of a frame in pixels; a larger frame is refused before it is decoded
    #[arg(
        long,
        env = "FRAMEGATE_MAX_FRAME_WIDTH",
        value_name = "N",
        default_value_t = DecodeLimits::USUAL.max_width,
        help_heading = "Limits"
    )]
    pub max_frame_width: usize,
    /// Greatest height of a frame in pixels
    #[arg(
        long,
        env = "FRAMEGATE_MAX_FRAME_HEIGHT",
        value_name = "N",
        default_value_t = DecodeLimits::USUAL.max_height,
        help_heading = "Limits"
    )]
    pub max_frame_height: usize,
    /// Most pixels of a frame, its width times its height
    #[arg(
        long,
        env = "FRAMEGATE_MAX_FRAME_PIXELS",
        value_name = "N",
        default_value_t = DecodeLimits::USUAL.max_pixels,
        help_heading = "Limits"
    )]
    pub max_frame_pixels: usize,
}
