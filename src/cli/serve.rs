//! Options of `framegate serve`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::{
    AgeArgs, BackendArgs, ConfigFileArgs, DecodeArgs, DetailArgs, DetectionArgs, FetchArgs,
    NamedPipelineArgs, ReportedArgs, SelfCheckArgs, TraceArgs,
};
use crate::front::places::PlaceLimits;
use crate::protocol::SettingInfo;

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
    framegate serve --config framegate.toml            several models, each with its own options\n  \
    framegate serve --backend null:latency_ms=100      flow control without a model"
)]
pub struct ServeArgs {
    /// The configuration file.
    #[command(flatten)]
    pub config: ConfigFileArgs,
    /// Address to listen on: an IP address or localhost; 0.0.0.0 for every network interface
    #[arg(long, env = "FRAMEGATE_HOST", value_name = "ADDRESS", default_value = "127.0.0.1")]
    pub host: String,
    /// Port to listen on; 0 for any free port
    #[arg(long, env = "FRAMEGATE_PORT", value_name = "PORT", default_value_t = 8000)]
    pub port: u16,
    /// A model to serve, under the name by which clients request it (without one, the name of the file);
    /// repeat for more, or separate them by commas. The first is the default [default: codes, the
    /// built-in model]
    #[arg(long, env = "FRAMEGATE_PIPELINE", value_name = "NAME=FILE.onnx", value_delimiter = ',')]
    pub pipeline: Vec<String>,
    /// The pipelines of the configuration file, unless there are others.
    #[arg(skip)]
    pub own_pipelines: Vec<NamedPipelineArgs>,
    /// The settings that are not defaults.
    #[arg(skip)]
    pub settings: Vec<SettingInfo>,
    /// The backend.
    #[command(flatten)]
    pub backend: BackendArgs,
    /// Checks of the device.
    #[command(flatten)]
    pub self_check: SelfCheckArgs,
    /// Detection thresholds.
    #[command(flatten)]
    pub detections: DetectionArgs,
    /// Detections that are reported.
    #[command(flatten)]
    pub reported: ReportedArgs,
    /// Traces.
    #[command(flatten)]
    pub traces: TraceArgs,
    /// Masks.
    #[command(flatten)]
    pub details: DetailArgs,
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
    /// Old frames.
    #[command(flatten)]
    pub age: AgeArgs,
    /// Origin of web pages that may connect, besides the server's own page: SCHEME://HOST or
    /// SCHEME://HOST:PORT (of a whole URL the origin is taken), null, or * for every page; repeat for
    /// more. Programs other than browsers need no permission. Behind a proxy, name the address that
    /// people type
    #[arg(
        long,
        env = "FRAMEGATE_ALLOW_ORIGIN",
        value_name = "ORIGIN",
        value_delimiter = ',',
        help_heading = "Streams"
    )]
    pub allow_origin: Vec<String>,
    /// Connections that may be open at once, streams included; a few more may ask for /healthz, /readyz
    /// and /metrics
    #[arg(
        long,
        env = "FRAMEGATE_MAX_CONNECTIONS",
        value_name = "N",
        default_value_t = PlaceLimits::DEFAULT.total,
        help_heading = "Limits"
    )]
    pub max_connections: usize,
    /// Connections from one address. Behind a proxy everybody has the address of the proxy: give both
    /// limits the same value, and let the proxy limit its clients
    #[arg(
        long,
        env = "FRAMEGATE_MAX_CONNECTIONS_PER_ADDRESS",
        value_name = "N",
        default_value_t = PlaceLimits::DEFAULT.per_address,
        help_heading = "Limits"
    )]
    pub max_connections_per_address: usize,
    /// Seconds that sessions may take to finish after SIGTERM or ctrl-c
    #[arg(
        long,
        env = "FRAMEGATE_DRAIN_SECONDS",
        value_name = "N",
        default_value_t = 10.0,
        help_heading = "Streams"
    )]
    pub drain_seconds: f64,
    /// Seconds after which a session is closed with code 1012, once its frames are answered, so that its
    /// client connects again, perhaps to a server that was added behind a load balancer. Sessions end
    /// at three quarters of that age or later, each at another [default: never]
    #[arg(long, env = "FRAMEGATE_MAX_SESSION_AGE", value_name = "N", help_heading = "Streams")]
    pub max_session_age: Option<f64>,
    /// Seconds without a valid frame after which a session may be closed, with code 1013, if another client needs its
    /// place; while there is room it stays
    #[arg(
        long,
        env = "FRAMEGATE_SESSION_IDLE_SECONDS",
        value_name = "N",
        default_value_t = 60.0,
        help_heading = "Streams"
    )]
    pub session_idle_seconds: f64,
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
    /// Limits for video files.
    #[command(flatten)]
    pub video: VideoArgs,
    /// Keep jobs in this folder: uploads, results and state. They survive a restart, and those that were not
    /// completed go on where they were [default: in memory alone]
    #[arg(long, env = "VIDEO_JOBS_DIR", value_name = "DIR", help_heading = "Videos")]
    pub jobs_dir: Option<PathBuf>,
    /// Also serve the API of another server, for its clients
    #[arg(
        long,
        env = "FRAMEGATE_COMPAT",
        value_name = "API",
        value_enum,
        help_heading = "Compatibility"
    )]
    pub compat: Option<Compat>,
    /// Fetched models.
    #[command(flatten)]
    pub fetch: FetchArgs,
}

/// The API of another server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Compat {
    /// Detection as DeepStack and CodeProject.AI have it, for Blue Iris, Agent DVR, Frigate and others: POST
    /// /v1/vision/detection, and /v1/vision/custom/NAME for a pipeline by its name.
    Deepstack,
}

/// Limits for video files.
#[derive(Debug, Clone, Copy, Args)]
#[command(next_help_heading = "Videos")]
pub struct VideoArgs {
    /// Largest video file in MiB
    #[arg(long, env = "VIDEO_MAX_SIZE_MB", value_name = "N", default_value_t = 100)]
    pub video_max_size_mb: usize,
    /// How many seconds a video may play
    #[arg(long, env = "VIDEO_MAX_SECONDS", value_name = "N", default_value_t = 600)]
    pub video_max_seconds: usize,
    /// Videos that are processed at once; live sessions come first
    #[arg(long, env = "VIDEO_MAX_CONCURRENT", value_name = "N", default_value_t = 1)]
    pub video_max_concurrent: usize,
    /// MiB of video files in memory, those that wait among them [default: twice the largest file]
    #[arg(long, env = "VIDEO_MAX_MEMORY_MB", value_name = "N")]
    pub video_max_memory_mb: Option<usize>,
    /// Jobs that are known at once, three quarters of them under way from one address; those that have ended make room
    #[arg(long, env = "VIDEO_MAX_JOBS", value_name = "N", default_value_t = 32)]
    pub video_max_jobs: usize,
    /// MiB of the results of all jobs
    #[arg(long, env = "VIDEO_MAX_RESULTS_MB", value_name = "N", default_value_t = 64)]
    pub video_max_results_mb: usize,
    /// Seconds that a job is known after it has ended
    #[arg(long, env = "VIDEO_JOBS_TTL_S", value_name = "N", default_value_t = 3600)]
    pub video_jobs_ttl_s: usize,
}
