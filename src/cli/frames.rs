//! Options on frames and on what is found in them, for every command that runs them.

use clap::Args;

use crate::stages::{DecodeLimits, Thresholds};

/// Which detections count.
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
    /// Which boxes are one.
    #[command(flatten)]
    pub overlap: OverlapArgs,
}

/// Which boxes are one.
#[derive(Debug, Clone, Copy, Args)]
#[command(next_help_heading = "Detections")]
pub struct OverlapArgs {
    /// Overlap, as intersection over union, above which the weaker of two boxes of a class is
    /// dropped, 0 to 1
    #[arg(
        long,
        env = "FRAMEGATE_IOU",
        value_name = "IOU",
        default_value_t = Thresholds::DEFAULT.iou
    )]
    pub iou: f32,
}

/// Bounds on frames in files and on standard input.
#[derive(Debug, Clone, Copy, Args)]
#[command(next_help_heading = "Limits")]
pub struct FrameArgs {
    /// Largest file or frame, in units of 1 048 576 bytes
    #[arg(long, env = "FRAMEGATE_MAX_FRAME_SIZE_MB", value_name = "N", default_value_t = 64)]
    pub max_frame_size_mb: usize,
    /// Bounds on decoded frames.
    #[command(flatten)]
    pub decode: DecodeArgs,
}

/// Bounds on decoded frames.
#[derive(Debug, Clone, Copy, Args)]
#[command(next_help_heading = "Limits")]
pub struct DecodeArgs {
    /// Greatest width of a frame in pixels; a larger frame is refused before it is decoded
    #[arg(
        long,
        env = "FRAMEGATE_MAX_FRAME_WIDTH",
        value_name = "N",
        default_value_t = DecodeLimits::DEFAULT.max_width
    )]
    pub max_frame_width: usize,
    /// Greatest height of a frame in pixels
    #[arg(
        long,
        env = "FRAMEGATE_MAX_FRAME_HEIGHT",
        value_name = "N",
        default_value_t = DecodeLimits::DEFAULT.max_height
    )]
    pub max_frame_height: usize,
    /// Most pixels of a frame, its width times its height
    #[arg(
        long,
        env = "FRAMEGATE_MAX_FRAME_PIXELS",
        value_name = "N",
        default_value_t = DecodeLimits::DEFAULT.max_pixels
    )]
    pub max_frame_pixels: usize,
}
