//! In place of `otlp` in a build without it: the same names, so that callers need not know.

use tracing::Span;

use crate::{TraceError, TraceLayer, TraceOptions};

/// The span that a request was sent from. There is never one, since nothing would use it.
#[derive(Debug, Clone)]
pub struct Caller(());

impl Caller {
    /// Always `None`.
    pub fn read(_traceparent: &str, _tracestate: Option<&str>) -> Option<Self> {
        None
    }

    /// Not reached.
    pub fn adopt(&self, _span: &Span) {}
}

/// Never started.
#[derive(Debug)]
pub struct Exporter(());

impl Exporter {
    /// Not reached.
    pub fn finish(&self) {}
}

/// Refuses: this build cannot send spans.
///
/// # Errors
/// [`TraceError::NotBuiltIn`].
pub fn check(_collector: &str) -> Result<(), TraceError> {
    Err(TraceError::NotBuiltIn)
}

/// Refuses, too.
///
/// # Errors
/// [`TraceError::NotBuiltIn`].
pub fn start<S>(_options: &TraceOptions) -> Result<(TraceLayer<S>, Exporter), TraceError> {
    Err(TraceError::NotBuiltIn)
}
