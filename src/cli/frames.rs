//! Options for frames and detections, shared by the commands that run frames.

use clap::Args;
use framegate_models::detector::DecodeScale;

use crate::pipeline::ReadOptions;
use crate::stages::{DecodeLimits, JpegDecoder, MAX_DETECTIONS, Thresholds};

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

/// Defaults of sessions: which detections are reported.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Detections")]
pub struct ReportedArgs {
    /// Classes that are reported, unless a client asks for others: labels or class numbers, each with a lowest score of
    /// its own if one follows, as in person:0.6; repeat for more, or separate them by commas [default: all]
    #[arg(long, env = "FRAMEGATE_CLASSES", value_name = "CLASS", value_delimiter = ',')]
    pub classes: Vec<String>,
    /// Most detections of a frame, those with the highest scores, 1 to 300, unless a client asks for another number
    #[arg(long, env = "FRAMEGATE_MAX_DET", value_name = "N", default_value_t = MAX_DETECTIONS)]
    pub max_det: usize,
}

/// Details of an object beside its box.
#[derive(Debug, Clone, Copy, Args)]
pub struct DetailArgs {
    /// Also report the mask of each object, if the model has masks
    #[arg(
        long,
        env = "FRAMEGATE_MASKS",
        value_parser = clap::builder::BoolishValueParser::new(),
        help_heading = "Detections"
    )]
    pub masks: bool,
    /// Do not read what is in the boxes: codes, or what a second model says
    #[arg(
        long,
        env = "FRAMEGATE_NO_TEXT",
        value_parser = clap::builder::BoolishValueParser::new(),
        help_heading = "Detections"
    )]
    pub no_text: bool,
}

/// How long a live frame may take.
#[derive(Debug, Clone, Copy, Args)]
pub struct AgeArgs {
    /// Age in milliseconds above which a frame is dropped instead of being processed
    #[arg(
        long,
        env = "FRAMEGATE_MAX_FRAME_AGE_MS",
        value_name = "N",
        default_value_t = 1000,
        help_heading = "Streams"
    )]
    pub max_frame_age_ms: u64,
    /// Longest in milliseconds that the boxes of one frame are read; those left over have no text
    #[arg(
        long,
        env = "FRAMEGATE_READ_MS",
        value_name = "N",
        default_value_t = 20,
        help_heading = "Streams"
    )]
    pub read_ms: u64,
}

/// How long frames in files may take to be read.
#[derive(Debug, Clone, Copy, Args)]
pub struct ReadArgs {
    /// Longest in milliseconds that the boxes of one frame are read; those left over have no text
    #[arg(
        long,
        env = "FRAMEGATE_READ_MS",
        value_name = "N",
        default_value_t = ReadOptions::DEFAULT.budget.as_millis() as u64,
        help_heading = "Detections"
    )]
    pub read_ms: u64,
}

/// Tiles of frames in files.
#[derive(Debug, Clone, Args)]
pub struct TileArgs {
    /// Cut each frame into tiles that overlap, for objects that are small in it: COLUMNSxROWS, 15 tiles at most, or
    /// `auto` for as many as it takes for them not to be made smaller. Boxes are put together; a frame takes as long
    /// as all its tiles and itself
    #[arg(long, env = "FRAMEGATE_TILES", value_name = "TILES", help_heading = "Detections")]
    pub tiles: Option<String>,
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
    /// The scale.
    #[command(flatten)]
    pub scale: ScaleArgs,
    /// Decoder: framegate, or zune for a second opinion (full scale only)
    #[arg(
        long,
        env = "FRAMEGATE_DECODER",
        value_name = "NAME",
        default_value_t,
        help_heading = "Decoding"
    )]
    pub decoder: JpegDecoder,
    /// Let damaged data cost the part of a frame that it holds, which turns grey, instead of the frame
    #[arg(
        long,
        env = "FRAMEGATE_LENIENT",
        value_parser = clap::builder::BoolishValueParser::new(),
        help_heading = "Decoding"
    )]
    pub lenient: bool,
}

/// The scale that frames are decoded at.
#[derive(Debug, Clone, Copy, Args)]
pub struct ScaleArgs {
    /// Share of each side's pixels that is decoded: auto is the least that need not be enlarged for the model. Boxes
    /// are in pixels of the frame as it was sent [default: what the model's sidecar says, else full]
    #[arg(
        long,
        env = "FRAMEGATE_DECODE_SCALE",
        value_name = "SCALE",
        value_parser = decode_scale,
        help_heading = "Decoding"
    )]
    pub decode_scale: Option<DecodeScale>,
}

fn decode_scale(word: &str) -> Result<DecodeScale, &'static str> {
    Ok(match word {
        "auto" => DecodeScale::Auto,
        "full" => DecodeScale::Full,
        "half" => DecodeScale::Half,
        "quarter" => DecodeScale::Quarter,
        "eighth" => DecodeScale::Eighth,
        _ => return Err("expected auto, full, half, quarter or eighth"),
    })
}
