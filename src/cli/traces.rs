//! Options for traces.

use clap::Args;

/// Where spans of frames are sent.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Traces")]
pub struct TraceArgs {
    /// Send spans of frames and requests to a collector of OpenTelemetry, by its protocol over HTTP (OTLP), such as
    /// http://localhost:4318
    #[arg(long, env = "FRAMEGATE_OTLP", value_name = "URL")]
    pub otlp: Option<String>,
    /// Share of the frames that are sent, 0 to 1. What a request's traceparent wants followed, or left out, is, except
    /// that of a session's frames this share is followed
    #[arg(long, env = "FRAMEGATE_OTLP_SHARE", value_name = "SHARE", default_value_t = 0.01)]
    pub otlp_share: f64,
}
