//! The log, on standard error: standard output is for results only.

#[cfg(test)]
pub(crate) mod logged;
mod lossy;

use std::io::{IsTerminal, Write, stderr};
use std::sync::OnceLock;
use std::time::Duration;

use framegate_traces::{Exporter, TraceError, TraceLayer, TraceOptions};
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::writer::BoxMakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::{SubscriberInitExt, TryInitError};
use tracing_subscriber::{Layer, Registry};

use crate::cli::{LogArgs, LogFormat, LogLevel, TraceArgs};
use lossy::LossyWriter;

/// Longest time that the end of the program waits for the last lines to be written.
const LAST_LINES: Duration = Duration::from_millis(500);

/// The writer, if lines can be lost.
static LOSSY: OnceLock<LossyWriter> = OnceLock::new();

/// The exporter of spans, if they are sent.
static EXPORTER: OnceLock<Exporter> = OnceLock::new();

/// Whether the log may hold the program up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pressure {
    /// Every line is written, however long that takes.
    Wait,
    /// A line that cannot be written is lost: a reader that sleeps must not stop a server.
    Lose,
}

/// Why the log cannot start.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LogError {
    /// It has been started before.
    #[error(transparent)]
    Started(#[from] TryInitError),
    /// The system provides no thread for it.
    #[error("cannot start a thread for the log")]
    Thread(#[from] std::io::Error),
    /// Spans cannot be sent.
    #[error("--otlp")]
    Traces(#[from] TraceError),
}

impl LogError {
    /// The exit status that says so: 2 for options that cannot be used.
    pub(crate) fn exit_status(&self) -> u8 {
        match self {
            Self::Traces(TraceError::NotBuiltIn | TraceError::Address) => 2,
            _ => 1,
        }
    }
}

/// Starts logging, and sending spans if that is asked for. Of the libraries, which log the same way, only warnings are
/// shown.
///
/// # Errors
/// [`LogError`].
pub(crate) fn start(
    args: LogArgs,
    traces: Option<&TraceArgs>,
    pressure: Pressure,
) -> Result<(), LogError> {
    let level = match args.log_level {
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
        LogLevel::Trace => LevelFilter::TRACE,
    };
    let filter =
        Targets::new().with_default(level.min(LevelFilter::WARN)).with_target("framegate", level);
    let writer = match pressure {
        Pressure::Wait => BoxMakeWriter::new(stderr),
        Pressure::Lose => BoxMakeWriter::new(lossy()?),
    };
    let lines = tracing_subscriber::fmt::layer().with_writer(writer);
    let layer = match args.log_format {
        LogFormat::Text => lines.with_target(false).with_ansi(stderr().is_terminal()).boxed(),
        LogFormat::Json => lines.json().boxed(),
    };
    let spans = Targets::new().with_target("framegate", LevelFilter::DEBUG);
    let traces = traces.and_then(sending).map(|options| exported(&options)).transpose()?;
    Ok(tracing_subscriber::registry()
        .with(traces.map(|layer| layer.with_filter(spans)))
        .with(layer.with_filter(filter))
        .try_init()?)
}

/// How spans are sent, if they are.
fn sending(args: &TraceArgs) -> Option<TraceOptions> {
    let (collector, share) = (args.otlp.clone()?, args.otlp_share);
    Some(TraceOptions { collector, share, version: env!("CARGO_PKG_VERSION") })
}

fn exported(options: &TraceOptions) -> Result<TraceLayer<Registry>, TraceError> {
    let (layer, exporter) = framegate_traces::start(options)?;
    // The log starts once.
    let _ = EXPORTER.set(exporter);
    Ok(layer)
}

fn lossy() -> Result<LossyWriter, std::io::Error> {
    let report =
        |lines| tracing::warn!(lines, "log lines were lost: standard error did not take them");
    let writer = LossyWriter::start(stderr(), report)?;
    Ok(LOSSY.get_or_init(|| writer).clone())
}

/// Writes a last message for people, after every line of the log.
pub(crate) fn last_words(message: &str) {
    match LOSSY.get() {
        None => eprintln!("{message}"),
        Some(lossy) => {
            // The writer itself never fails.
            let _ = lossy.clone().write_all(format!("{message}\n").as_bytes());
        }
    }
}

/// Waits a moment for what has been logged to be written, and for spans to be sent.
pub(crate) fn flush() {
    if let Some(exporter) = EXPORTER.get() {
        exporter.finish();
    }
    if let Some(lossy) = LOSSY.get() {
        lossy.flush(LAST_LINES);
    }
}
