//! Options for frames and detections, shared by the commands that run frames.

use clap::Args;

use crate::stages::{DecodeLimits, Thresholds};

/// Detection thresholds.
#[derive(Debug, Clone, Copy, Args)]
#[command(next_help_heading = "Detections")]
pub struct DetectionArgs {
    /// Lowest score of a detection, 0 to 1
    #[arg(
        long,
        env = "FRAMEGATE_CONF",
        value_name = "SCORE",
        default_value_t = Thresholds::DEFAULT.confidence
    )]
    pub conf: f32,
    /// Duplicate boxes.
    #[command(flatten)]
    pub overlap: OverlapArgs,
}

/// When two boxes count as duplicates.
#[derive(Debug, Clone, Copy, Args)]
#[command(next_help_heading = "Detections")]
pub struct OverlapArgs {
    /// Overlap (intersection over union) above which the lower-scoring of two boxes of a class is
    /// dropped, 0 to 1
    #[arg(
        long,
        env = "FRAMEGATE_IOU",
        value_name = "IOU",
        default_value_t = Thresholds::DEFAULT.iou
    )]
    pub iou: f32,
}

/// Limits for frames in files and on standard input.
#[derive(Debug, Clone, Copy, Args)]
#[command(next_help_heading = "Limits")]
pub struct FrameArgs {
    /// Largest file or frame in MiB
    #[arg(long, env = "FRAMEGATE_MAX_FRAME_SIZE_MB", value_name = "N", default_value_t = 64)]
    pub max_frame_size_mb: usize,
    /// Limits for decoded frames.
    #[command(flatten)]
    pub decode: DecodeArgs,
}

/// Limits for decoded frames.
#[derive(Debug, Clone, Copy, Args)]
#[command(next_help_heading = "Limits")]
pub struct DecodeArgs {
    /// Largest frame width in pixels; larger frames are refused before they are decoded
    #[arg(
        long,
        env = "FRAMEGATE_MAX_FRAME_WIDTH",
        value_name = "N",
        default_value_t = DecodeLimits::DEFAULT.max_width
    )]
    pub max_frame_width: usize,
    /// Largest frame height in pixels
    #[arg(
        long,
        env = "FRAMEGATE_MAX_FRAME_HEIGHT",
        value_name = "N",
        default_value_t = DecodeLimits::DEFAULT.max_height
    )]
    pub max_frame_height: usize,
    /// Largest frame area in pixels, width times height [default: 40000000; serve: 16777216]
    #[arg(long, env = "FRAMEGATE_MAX_FRAME_PIXELS", value_name = "N")]
    pub max_frame_pixels: Option<usize>,
}
