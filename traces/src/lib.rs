//! Spans of frames, sent to a collector of OpenTelemetry.
//!
//! The spans are those of `tracing`: one called `frame` for each frame, from its last byte to its reply, and one in it
//! for each stage. A share of the frames is sent, over HTTP in protocol buffers, by a thread of its own. What the
//! collector does not take is lost; nothing waits for it.

#[cfg(not(feature = "otlp"))]
mod absent;
#[cfg(feature = "otlp")]
mod client;
#[cfg(feature = "otlp")]
mod otlp;
#[cfg(feature = "otlp")]
mod share;

#[cfg(not(feature = "otlp"))]
use absent as export;
#[cfg(feature = "otlp")]
use otlp as export;

pub use export::{Caller, Exporter, check, start};

use tracing_subscriber::Layer;

/// The span of a frame, of which a share is sent.
pub const FRAME: &str = "frame";

/// A layer of the log's subscriber.
pub type TraceLayer<S> = Box<dyn Layer<S> + Send + Sync>;

/// Where spans are sent, and how many.
#[derive(Debug, Clone, PartialEq)]
pub struct TraceOptions {
    /// The collector, `http://HOST:4318` or `https://…`: what comes before `/v1/traces`.
    pub collector: String,
    /// The share of frames that are sent, 0 to 1.
    pub share: f64,
    /// The version of the program, as the collector is to show it.
    pub version: &'static str,
}

/// Why no spans can be sent.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TraceError {
    /// This build cannot send any.
    #[error(
        "this build has no OpenTelemetry; build it with `--features otlp`, or leave --otlp out"
    )]
    NotBuiltIn,
    /// The address cannot be that of a collector.
    #[error("this is not the address of a collector; write http://HOST:4318")]
    Address,
    /// The exporter did not start.
    #[error("cannot send traces")]
    Exporter(#[source] Box<dyn std::error::Error + Send + Sync>),
}
