//! The log, on standard error: standard output is for results only.

use std::io::{IsTerminal, stderr};

use tracing::level_filters::LevelFilter;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::{SubscriberInitExt, TryInitError};

use crate::cli::{LogArgs, LogFormat, LogLevel};

/// Starts logging. Of the libraries, which log the same way, only warnings are shown.
///
/// # Errors
/// When logging has already been started.
pub fn start(args: LogArgs) -> Result<(), TryInitError> {
    let level = match args.log_level {
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
        LogLevel::Trace => LevelFilter::TRACE,
    };
    let filter =
        Targets::new().with_default(level.min(LevelFilter::WARN)).with_target("framegate", level);
    let lines = tracing_subscriber::fmt::layer().with_writer(stderr);
    let layer = match args.log_format {
        LogFormat::Text => lines.with_target(false).with_ansi(stderr().is_terminal()).boxed(),
        LogFormat::Json => lines.json().boxed(),
    };
    tracing_subscriber::registry().with(layer.with_filter(filter)).try_init()
}
