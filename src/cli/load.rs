//! Options of `framegate load`.

use std::path::PathBuf;

use clap::Args;
use clap::builder::BoolishValueParser;

/// Options of `framegate load`.
#[derive(Debug, Args)]
#[command(
    after_help = "Frames are due at fixed times, whatever the server does, and a round trip is counted from the\n\
    moment its frame was due: a server that stalls cannot hide it. Every frame is accounted for:\n  \
    due = sent + not sent, sent = results + dropped + errors + unanswered.\n\
    \n\
    --find-capacity tries 1, 2, 4, … sessions, bisects, and tries both sides of the boundary again.\n\
    A number of sessions fits if the p99 of round trips is within --target-age-ms and at most 1 % of\n\
    the frames were dropped or otherwise went without a result.\n\
    \n\
    --json holds {\"command\",\"machine\",\"server\",\"frames\",\"run\",\"capacity\"}. run: {\"sessions\",\"fps\",\n\
    \"seconds\",\"frames\":{\"due\",\"sent\",\"not_sent\",\"results\",\"dropped\",\"errors\",\"unanswered\"},\"drops\",\n\
    \"errors\",\"advice\",\"age_ms\":{\"p50\",\"p95\",\"p99\",\"max\"},\"round_trip_ms\",\"send_delay_ms\",\"fairness\",\n\
    \"connections\",\"per_second\",\"per_session\"}. capacity, of a search: {\"sessions\",\"frames_per_s\",\n\
    \"boundary\",\"trials\"}; run is then the last trial of that many sessions.\n\
    \n\
    Examples:\n  \
    framegate load ws://127.0.0.1:8000 --sessions 8 --fps 10 --seconds 30\n  \
    framegate load 127.0.0.1:8000 --images photos/ --find-capacity --fps 5 --html capacity.html"
)]
pub struct LoadArgs {
    /// The server: ws://HOST:PORT, with a path if it is not /ws/video/stream
    #[arg(value_name = "ADDRESS")]
    pub address: String,
    /// The pipeline to ask for [default: the server's first]
    #[arg(long, env = "FRAMEGATE_PIPELINE", value_name = "NAME")]
    pub pipeline: Option<String>,
    /// Sessions at once [default: 1]
    #[arg(long, env = "FRAMEGATE_SESSIONS", value_name = "N", help_heading = "Load")]
    pub sessions: Option<usize>,
    /// Frames a second of each session
    #[arg(
        long,
        env = "FRAMEGATE_FPS",
        value_name = "F",
        default_value_t = 10.0,
        help_heading = "Load"
    )]
    pub fps: f64,
    /// Seconds that count; of a search, in each trial
    #[arg(
        long,
        env = "FRAMEGATE_SECONDS",
        value_name = "S",
        default_value_t = 10.0,
        help_heading = "Load"
    )]
    pub seconds: f64,
    /// Seconds before those, in which the load runs but does not count [default: 0, of a search 2]
    #[arg(long, env = "FRAMEGATE_WARM_UP_SECONDS", value_name = "S", help_heading = "Load")]
    pub warm_up_seconds: Option<f64>,
    /// Send less when told to slow down: at the recommended rate until another is recommended
    #[arg(
        long,
        env = "FRAMEGATE_OBEY",
        value_parser = BoolishValueParser::new(),
        help_heading = "Load"
    )]
    pub obey: bool,
    /// Send as asked for, whatever is recommended; the default
    #[arg(
        long,
        env = "FRAMEGATE_IGNORE",
        value_parser = BoolishValueParser::new(),
        help_heading = "Load"
    )]
    pub ignore: bool,
    /// Send the .jpg and .jpeg files of this directory, by name, again and again [default: a few
    /// images of 640 x 480 that are drawn by this program]
    #[arg(long, env = "FRAMEGATE_IMAGES", value_name = "DIR", help_heading = "Frames")]
    pub images: Option<PathBuf>,
    /// Send the frames of this video, again and again: an .mjpeg file as it is, any other as ffmpeg
    /// decodes it
    ///
    /// At most 256 MiB of frames are held in memory, of a directory or a video; what comes after is
    /// left out.
    #[arg(long, env = "FRAMEGATE_VIDEO", value_name = "FILE", help_heading = "Frames")]
    pub video: Option<PathBuf>,
    /// Find the largest number of sessions that fit
    #[arg(
        long,
        env = "FRAMEGATE_FIND_CAPACITY",
        value_parser = BoolishValueParser::new(),
        help_heading = "Capacity"
    )]
    pub find_capacity: bool,
    /// Milliseconds within which 99 % of the round trips must be
    #[arg(
        long,
        env = "FRAMEGATE_TARGET_AGE_MS",
        value_name = "N",
        default_value_t = 200.0,
        help_heading = "Capacity"
    )]
    pub target_age_ms: f64,
    /// The most sessions to try
    #[arg(
        long,
        env = "FRAMEGATE_MAX_SESSIONS",
        value_name = "N",
        default_value_t = 256,
        help_heading = "Capacity"
    )]
    pub max_sessions: usize,
    /// Write everything measured to this file, as JSON
    #[arg(long, env = "FRAMEGATE_JSON", value_name = "FILE", help_heading = "Reports")]
    pub json: Option<PathBuf>,
    /// Write a page with charts to this file
    #[arg(long, env = "FRAMEGATE_HTML", value_name = "FILE", help_heading = "Reports")]
    pub html: Option<PathBuf>,
}
