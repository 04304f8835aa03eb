//! Options of `framegate watch`.

use std::net::SocketAddr;

use clap::Args;

use super::{
    AgeArgs, BackendArgs, ConfigFileArgs, DecodeArgs, DetailArgs, DetectionArgs, FetchArgs,
    ModelArgs, ModelFileArgs, SelfCheckArgs,
};

/// Options of `framegate watch`.
#[derive(Debug, Args)]
#[command(after_help = "Prints one JSON object per result, with the source's name:\n  \
    {\"source\",\"frame_index\",\"time\",\"result\":{\"width\",\"height\",\"detections\":[…]},\"timings_ms\",\"age_ms\"}\n\
    `time` is in seconds since 1970, UTC. Frames that the machine has no time for are left out: the\n\
    newest wins. A source that is lost is connected to again, after 1 to 30 seconds or as soon as it\n\
    can be reached; one that sends nothing for 10 seconds counts as lost. Results that standard output\n\
    is not read fast enough for are left out, with a warning.\n\
    \n\
    Examples:\n  \
    framegate watch http://camera/video.mjpg\n  \
    framegate watch --fps 5 yard=rtsp://user:password@10.0.0.5/stream1 door=/dev/video0\n  \
    framegate watch --model yolox_nano.onnx --metrics 127.0.0.1:9100 clip.mp4\n  \
    framegate watch --mqtt mqtt://broker --webhook http://127.0.0.1:8123/seen rtsp://10.0.0.5/stream1")]
pub struct WatchArgs {
    /// Cameras: rtsp://… (H.264 or MJPEG over TCP), http://… (MJPEG, or one JPEG per request), or a video
    /// file at the speed of its recording; through FFmpeg, if it is installed, other codecs, other streams
    /// and /dev/video0. A name before it is what results and metrics call it [default: the host or file
    /// name]
    #[arg(required = true, value_name = "[NAME=]SOURCE")]
    pub sources: Vec<String>,
    /// The configuration file.
    #[command(flatten)]
    pub config: ConfigFileArgs,
    /// The model.
    #[command(flatten)]
    pub model: ModelArgs,
    /// Model file options.
    #[command(flatten)]
    pub model_file: ModelFileArgs,
    /// The backend.
    #[command(flatten)]
    pub backend: BackendArgs,
    /// Checks of the device.
    #[command(flatten)]
    pub self_check: SelfCheckArgs,
    /// Detection thresholds.
    #[command(flatten)]
    pub detections: DetectionArgs,
    /// Masks.
    #[command(flatten)]
    pub details: DetailArgs,
    /// Most frames per second to take of each source [default: all that the machine has time for; 2 of
    /// a source that sends one JPEG per request]
    #[arg(long, env = "FRAMEGATE_FPS", value_name = "F", help_heading = "Streams")]
    pub fps: Option<f64>,
    /// Decode key frames alone while nothing is seen: every frame from a detection on, until 10 seconds
    /// have passed without one. For H.264 over RTSP or in MP4; of other sources every frame is decoded
    #[arg(long, env = "FRAMEGATE_KEYFRAMES", help_heading = "Streams")]
    pub keyframes: bool,
    /// Send the frames to this server instead of analysing them here, as fast as it advises:
    /// ws://HOST:PORT. The options of model and backend are then without effect
    #[arg(long, env = "FRAMEGATE_TO", value_name = "ADDRESS", help_heading = "Streams")]
    pub to: Option<String>,
    /// The pipeline to request of that server [default: the server's first]
    #[arg(long, env = "FRAMEGATE_PIPELINE_ID", value_name = "ID", help_heading = "Streams")]
    pub pipeline_id: Option<String>,
    /// Old frames.
    #[command(flatten)]
    pub age: AgeArgs,
    /// Serve metrics of the sources to Prometheus at this address, under /metrics
    #[arg(long, env = "FRAMEGATE_METRICS", value_name = "ADDRESS:PORT", help_heading = "Streams")]
    pub metrics: Option<SocketAddr>,
    /// Post a JSON object to this address when something appears before a source, when a code is read and when what
    /// was there has left: {"event":"appear"|"read"|"leave","source","label","time", …}; and when there are results of a
    /// source, or no more: {"event":"source_up"|"source_down","source","time", …}. http:// only, without redirects;
    /// tried again for half a minute
    #[arg(
        long,
        env = "FRAMEGATE_WEBHOOK",
        hide_env_values = true,
        value_name = "URL",
        help_heading = "Sinks"
    )]
    pub webhook: Option<String>,
    /// Publish what is before the sources to this MQTT broker, on change and retained: `mqtt://[USER:PASSWORD@]HOST[:PORT][/PREFIX]`.
    /// Home Assistant finds the sources by itself. PREFIX/SOURCE/LABEL is ON or OFF, PREFIX/SOURCE/availability and
    /// PREFIX/status are online or offline. Each program needs a PREFIX of its own [default: framegate]
    #[arg(
        long,
        env = "FRAMEGATE_MQTT",
        hide_env_values = true,
        value_name = "URL",
        help_heading = "Sinks"
    )]
    pub mqtt: Option<String>,
    /// Largest frame in MiB
    #[arg(
        long,
        env = "FRAMEGATE_MAX_FRAME_SIZE_MB",
        value_name = "N",
        default_value_t = 16,
        help_heading = "Limits"
    )]
    pub max_frame_size_mb: usize,
    /// Limits for decoded frames.
    #[command(flatten)]
    pub decode: DecodeArgs,
    /// Fetched models.
    #[command(flatten)]
    pub fetch: FetchArgs,
}
