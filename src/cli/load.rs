//! Options of `framegate load`.

use std::path::PathBuf;

use clap::Args;
use clap::builder::BoolishValueParser;

/// Options of `framegate load`.
#[derive(Debug, Args)]
#[command(
    after_help = "Frames are due at fixed times, whatever the server does, and a round trip starts when its frame is\n\
    due, so a server that stalls cannot hide it. Every frame is accounted for:\n  \
    due = sent + not sent, sent = results + dropped + errors + unanswered.\n\
    \n\
    --find-capacity tries 1, 2, 4, … sessions, bisects, and tries both sides of the boundary again.\n\
    A number of sessions fits if the p99 of round trips is within --target-age-ms and at most 1 % of\n\
    the frames were dropped or otherwise got no result.\n\
    \n\
    --json-file holds {\"command\",\"partial\",\"machine\",\"server\",\"frames\",\"run\",\"capacity\"}. run: {\"sessions\",\"fps\",\n\
    \"seconds\",\"frames\":{\"due\",\"sent\",\"not_sent\",\"results\",\"dropped\",\"errors\",\"unanswered\"},\"drops\",\n\
    \"errors\",\"advice\",\"age_ms\":{\"p50\",\"p95\",\"p99\",\"max\"},\"round_trip_ms\",\"send_delay_ms\",\"fairness\",\n\
    \"connections\",\"per_second\",\"per_session\"}. capacity, for a search: {\"sessions\",\"frames_per_s\",\n\
    \"boundary\",\"trials\"}; run is then the last trial with that many sessions.\n\
    \n\
    Examples:\n  \
    framegate load ws://127.0.0.1:8000 --sessions 8 --fps 10 --seconds 30\n  \
    framegate load 127.0.0.1:8000 --images photos/ --find-capacity --fps 5 --html capacity.html"
)]
pub struct LoadArgs {
    /// The server: ws://HOST:PORT, with a path unless it is /ws/video/stream
    #[arg(value_name = "ADDRESS")]
    pub address: String,
    /// The pipeline to request [default: the server's first]
    #[arg(long, env = "FRAMEGATE_PIPELINE_ID", value_name = "ID")]
    pub pipeline_id: Option<String>,
    /// Concurrent sessions [default: 1]
    #[arg(long, env = "FRAMEGATE_SESSIONS", value_name = "N", help_heading = "Load")]
    pub sessions: Option<usize>,
    /// Frames per second in each session
    #[arg(
        long,
        env = "FRAMEGATE_FPS",
        value_name = "F",
        default_value_t = 10.0,
        help_heading = "Load"
    )]
    pub fps: f64,
    /// Seconds to measure; in a search, for each trial
    #[arg(
        long,
        env = "FRAMEGATE_SECONDS",
        value_name = "S",
        default_value_t = 10.0,
        help_heading = "Load"
    )]
    pub seconds: f64,
    /// Seconds of load before the measurement starts [default: 0, in a search 2]
    #[arg(long, env = "FRAMEGATE_WARM_UP_SECONDS", value_name = "S", help_heading = "Load")]
    pub warm_up_seconds: Option<f64>,
    /// Follow the server's advice: send at the recommended rate until another is recommended
    #[arg(
        long,
        env = "FRAMEGATE_OBEY",
        value_parser = BoolishValueParser::new(),
        help_heading = "Load"
    )]
    pub obey: bool,
    /// Ignore the server's advice and send at the given rate (the default)
    #[arg(
        long,
        env = "FRAMEGATE_IGNORE",
        value_parser = BoolishValueParser::new(),
        help_heading = "Load"
    )]
    pub ignore: bool,
    /// Open sessions again that end early, as a camera behind a load balancer would: at once when the server
    /// announces that it will close them, otherwise when they have broken. Frames due while there is no
    /// connection count as not sent, except for the latest
    #[arg(
        long,
        env = "FRAMEGATE_RECONNECT",
        value_parser = BoolishValueParser::new(),
        help_heading = "Load"
    )]
    pub reconnect: bool,
    /// Send the .jpg and .jpeg files of this directory in a loop, ordered by name [default: a few
    /// generated images of 640 x 480 pixels]
    #[arg(long, env = "FRAMEGATE_IMAGES", value_name = "DIR", help_heading = "Frames")]
    pub images: Option<PathBuf>,
    /// Send the frames of this video in a loop: an .mjpeg file as is, any other format as decoded by
    /// ffmpeg
    ///
    /// At most 256 MiB of frames from a directory or a video are held in memory; the rest is left out.
    #[arg(long, env = "FRAMEGATE_VIDEO", value_name = "FILE", help_heading = "Frames")]
    pub video: Option<PathBuf>,
    /// Find the largest number of sessions that the server can handle
    #[arg(
        long,
        env = "FRAMEGATE_FIND_CAPACITY",
        value_parser = BoolishValueParser::new(),
        help_heading = "Capacity"
    )]
    pub find_capacity: bool,
    /// Largest p99 of round trips, in milliseconds
    #[arg(
        long,
        env = "FRAMEGATE_TARGET_AGE_MS",
        value_name = "N",
        default_value_t = 200.0,
        help_heading = "Capacity"
    )]
    pub target_age_ms: f64,
    /// Largest number of sessions to try
    #[arg(
        long,
        env = "FRAMEGATE_MAX_SESSIONS",
        value_name = "N",
        default_value_t = 256,
        help_heading = "Capacity"
    )]
    pub max_sessions: usize,
    /// Write all measurements to this file as JSON
    #[arg(long, env = "FRAMEGATE_JSON_FILE", value_name = "FILE", help_heading = "Reports")]
    pub json_file: Option<PathBuf>,
    /// Write an HTML page with charts to this file
    #[arg(long, env = "FRAMEGATE_HTML", value_name = "FILE", help_heading = "Reports")]
    pub html: Option<PathBuf>,
}
