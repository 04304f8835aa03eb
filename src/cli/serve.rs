//! Options of `framegate serve`.

use std::net::IpAddr;

use clap::Args;

use super::{BackendArgs, DecodeArgs, DetectionArgs};

/// Options of `framegate serve`.
#[derive(Debug, Args)]
#[command(
    after_help = "Clients send JPEG frames over a WebSocket at /ws/video/stream and get one JSON message for\n\
    each; GET / is a page that does so. See also /pipelines, /info, /readyz and /metrics.\n\
    \n\
    Examples:\n  \
    framegate serve                                    finds codes\n  \
    framegate serve --pipeline yolox_nano.onnx\n  \
    framegate serve --pipeline people=yolox_nano.onnx --pipeline faces=yunet.onnx --backend flex\n  \
    framegate serve --backend null:latency_ms=100      flow control without a model"
)]
pub struct ServeArgs {
    /// Address to listen on; 0.0.0.0 for every network this machine is in
    #[arg(long, env = "FRAMEGATE_HOST", value_name = "ADDRESS", default_value = "127.0.0.1")]
    pub host: IpAddr,
    /// Port to listen on; 0 for any that is free
    #[arg(long, env = "FRAMEGATE_PORT", value_name = "PORT", default_value_t = 8000)]
    pub port: u16,
    /// A detector and the name clients ask for it by, once for each; without a name, that of the
    /// file. The first is the default. In the variable, separated by commas [default: codes, the
    /// detector in this program]
    #[arg(long, env = "FRAMEGATE_PIPELINE", value_name = "NAME=FILE.onnx", value_delimiter = ',')]
    pub pipeline: Vec<String>,
    /// What computes.
    #[command(flatten)]
    pub backend: BackendArgs,
    /// Which detections count.
    #[command(flatten)]
    pub detections: DetectionArgs,
    /// Share of frames dropped above which a session's frames are paced, 0 to 1
    #[arg(
        long,
        env = "STREAM_DROP_THRESHOLD",
        value_name = "RATE",
        default_value_t = 0.10,
        help_heading = "Streams"
    )]
    pub stream_drop_threshold: f64,
    /// Share of frames dropped above which its sender is told to slow down, 0 to 1
    #[arg(
        long,
        env = "STREAM_SLOWDOWN_THRESHOLD",
        value_name = "RATE",
        default_value_t = 0.30,
        help_heading = "Streams"
    )]
    pub stream_slowdown_threshold: f64,
    /// Largest frame, in units of 1 048 576 bytes
    #[arg(
        long,
        env = "STREAM_MAX_FRAME_SIZE_MB",
        value_name = "N",
        default_value_t = 5.0,
        help_heading = "Streams"
    )]
    pub stream_max_frame_size_mb: f64,
    /// Sessions recommended at most: beyond it a warning is logged, and /readyz says so
    #[arg(
        long,
        env = "STREAM_MAX_SESSIONS",
        value_name = "N",
        default_value_t = 10,
        help_heading = "Streams"
    )]
    pub stream_max_sessions: usize,
    /// Refuse sessions beyond what is recommended
    #[arg(
        long,
        env = "FRAMEGATE_ENFORCE_MAX_SESSIONS",
        value_parser = clap::builder::BoolishValueParser::new(),
        help_heading = "Streams"
    )]
    pub enforce_max_sessions: bool,
    /// Age in milliseconds above which a frame is dropped instead of being worked on
    #[arg(
        long,
        env = "FRAMEGATE_MAX_FRAME_AGE_MS",
        value_name = "N",
        default_value_t = 1000,
        help_heading = "Streams"
    )]
    pub max_frame_age_ms: u64,
    /// Let this web page in as well as the server's own: SCHEME://HOST or SCHEME://HOST:PORT, once for
    /// each
    #[arg(
        long,
        env = "FRAMEGATE_ALLOW_ORIGIN",
        value_name = "ORIGIN",
        value_delimiter = ',',
        help_heading = "Streams"
    )]
    pub allow_origin: Vec<String>,
    /// Seconds within which everything is finished after SIGTERM or ctrl-c
    #[arg(
        long,
        env = "FRAMEGATE_DRAIN_SECONDS",
        value_name = "N",
        default_value_t = 10.0,
        help_heading = "Streams"
    )]
    pub drain_seconds: f64,
    /// Most frames to run through a model at once, one a session, 1 to 16
    #[arg(
        long,
        env = "FRAMEGATE_BATCH",
        value_name = "N",
        default_value_t = 4,
        help_heading = "Limits"
    )]
    pub batch: usize,
    /// Bounds on decoded frames.
    #[command(flatten)]
    pub decode: DecodeArgs,
}
