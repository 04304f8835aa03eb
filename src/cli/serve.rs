//! Options of `framegate serve`.

use std::net::IpAddr;

use clap::Args;

use super::{BackendArgs, DecodeArgs, DetectionArgs};

/// Options of `framegate serve`.
#[derive(Debug, Args)]
#[command(
    after_help = "Clients send JPEG frames over a WebSocket at /ws/video/stream and receive one JSON message per\n\
    frame; GET / is a page that does so. See also /pipelines, /info, /readyz and /metrics.\n\
    \n\
    Examples:\n  \
    framegate serve                                    finds barcodes\n  \
    framegate serve --pipeline yolox_nano.onnx\n  \
    framegate serve --pipeline people=yolox_nano.onnx --pipeline faces=yunet.onnx --backend flex\n  \
    framegate serve --backend null:latency_ms=100      flow control without a model"
)]
pub struct ServeArgs {
    /// Address to listen on; 0.0.0.0 for every network interface
    #[arg(long, env = "FRAMEGATE_HOST", value_name = "ADDRESS", default_value = "127.0.0.1")]
    pub host: IpAddr,
    /// Port to listen on; 0 for any free port
    #[arg(long, env = "FRAMEGATE_PORT", value_name = "PORT", default_value_t = 8000)]
    pub port: u16,
    /// A model to serve, under the name by which clients request it (without one, the name of the file);
    /// repeat for more, or separate them by commas. The first is the default [default: codes, the
    /// built-in model]
    #[arg(long, env = "FRAMEGATE_PIPELINE", value_name = "NAME=FILE.onnx", value_delimiter = ',')]
    pub pipeline: Vec<String>,
    /// The backend.
    #[command(flatten)]
    pub backend: BackendArgs,
    /// Detection thresholds.
    #[command(flatten)]
    pub detections: DetectionArgs,
    /// Also report the mask of each object, if the model has masks
    #[arg(
        long,
        env = "FRAMEGATE_MASKS",
        value_parser = clap::builder::BoolishValueParser::new(),
        help_heading = "Detections"
    )]
    pub masks: bool,
    /// Share of dropped frames above which a session is paced, 0 to 1
    #[arg(
        long,
        env = "STREAM_DROP_THRESHOLD",
        value_name = "RATE",
        default_value_t = 0.10,
        help_heading = "Streams"
    )]
    pub stream_drop_threshold: f64,
    /// Share of dropped frames above which the client is asked to slow down, 0 to 1
    #[arg(
        long,
        env = "STREAM_SLOWDOWN_THRESHOLD",
        value_name = "RATE",
        default_value_t = 0.30,
        help_heading = "Streams"
    )]
    pub stream_slowdown_threshold: f64,
    /// Largest frame in MiB
    #[arg(
        long,
        env = "STREAM_MAX_FRAME_SIZE_MB",
        value_name = "N",
        default_value_t = 5.0,
        help_heading = "Streams"
    )]
    pub stream_max_frame_size_mb: f64,
    /// Recommended number of sessions; above it a warning is logged, and /readyz reports it
    #[arg(
        long,
        env = "STREAM_MAX_SESSIONS",
        value_name = "N",
        default_value_t = 10,
        help_heading = "Streams"
    )]
    pub stream_max_sessions: usize,
    /// Refuse sessions above the recommended number
    #[arg(
        long,
        env = "FRAMEGATE_ENFORCE_MAX_SESSIONS",
        value_parser = clap::builder::BoolishValueParser::new(),
        help_heading = "Streams"
    )]
    pub enforce_max_sessions: bool,
    /// Age in milliseconds above which a frame is dropped instead of being processed
    #[arg(
        long,
        env = "FRAMEGATE_MAX_FRAME_AGE_MS",
        value_name = "N",
        default_value_t = 1000,
        help_heading = "Streams"
    )]
    pub max_frame_age_ms: u64,
    /// Origin of a web page that may connect, besides the server's own page: SCHEME://HOST or
    /// SCHEME://HOST:PORT; repeat for more
    #[arg(
        long,
        env = "FRAMEGATE_ALLOW_ORIGIN",
        value_name = "ORIGIN",
        value_delimiter = ',',
        help_heading = "Streams"
    )]
    pub allow_origin: Vec<String>,
    /// Seconds that sessions may take to finish after SIGTERM or ctrl-c
    #[arg(
        long,
        env = "FRAMEGATE_DRAIN_SECONDS",
        value_name = "N",
        default_value_t = 10.0,
        help_heading = "Streams"
    )]
    pub drain_seconds: f64,
    /// Largest batch run through a model at once, one frame per session, 1 to 16
    #[arg(
        long,
        env = "FRAMEGATE_BATCH",
        value_name = "N",
        default_value_t = 4,
        help_heading = "Limits"
    )]
    pub batch: usize,
    /// Limits for decoded frames.
    #[command(flatten)]
    pub decode: DecodeArgs,
}
