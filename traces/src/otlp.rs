//! Spans to OpenTelemetry's protocol.

use std::collections::HashMap;
use std::time::Duration;

use opentelemetry::Context;
use opentelemetry::propagation::TextMapPropagator;
use opentelemetry::trace::{TraceContextExt, TracerProvider};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing::{Span, Subscriber};
use tracing_opentelemetry::OpenTelemetrySpanExt;
use tracing_subscriber::registry::LookupSpan;

use crate::client::Client;
use crate::share::Share;
use crate::{TraceError, TraceLayer, TraceOptions};

const SERVICE: &str = "framegate";
/// Longest that the end of the program waits for the last spans.
const LAST_SPANS: Duration = Duration::from_secs(2);

/// The span that a request was sent from, as its headers have it.
#[derive(Debug, Clone)]
pub struct Caller(Context);

impl Caller {
    /// Reads the headers `traceparent` and `tracestate` of W3C's Trace Context. `None` if they say nothing.
    pub fn read(traceparent: &str, tracestate: Option<&str>) -> Option<Self> {
        let mut headers = HashMap::from([("traceparent".to_owned(), traceparent.to_owned())]);
        headers.extend(tracestate.map(|state| ("tracestate".to_owned(), state.to_owned())));
        let context = TraceContextPropagator::new().extract_with_context(&Context::new(), &headers);
        context.has_active_span().then_some(Self(context))
    }

    /// Makes a span that has not been entered a child of the caller's.
    pub fn adopt(&self, span: &Span) {
        // It fails where nothing is sent, or the span is not.
        let _ = span.set_parent(self.0.clone());
    }
}

/// Sends spans until the program ends.
#[derive(Debug)]
pub struct Exporter(SdkTracerProvider);

impl Exporter {
    /// Sends what is left, for a moment.
    pub fn finish(&self) {
        // The log has ended by then.
        let _ = self.0.shutdown_with_timeout(LAST_SPANS);
    }
}

/// Whether spans can be sent to such a collector.
///
/// # Errors
/// [`TraceError::Address`].
pub fn check(collector: &str) -> Result<(), TraceError> {
    let has_scheme = ["http://", "https://"].iter().any(|scheme| collector.starts_with(scheme));
    match has_scheme && collector.parse::<http::Uri>().is_ok() {
        true => Ok(()),
        false => Err(TraceError::Address),
    }
}

/// Starts sending: the layer takes spans.
///
/// # Errors
/// [`TraceError`].
pub fn start<S>(options: &TraceOptions) -> Result<(TraceLayer<S>, Exporter), TraceError>
where
    S: Subscriber + for<'span> LookupSpan<'span> + Send + Sync,
{
    let TraceOptions { collector, share, version } = options;
    check(collector)?;
    let exporter = SpanExporter::builder()
        .with_http()
        .with_http_client(Client::new())
        .with_protocol(Protocol::HttpBinary)
        .with_endpoint(format!("{}/v1/traces", collector.trim_end_matches('/')))
        .build()
        .map_err(|error| TraceError::Exporter(error.into()))?;
    let version = opentelemetry::KeyValue::new("service.version", *version);
    let provider = SdkTracerProvider::builder()
        .with_batch_exporter(exporter)
        .with_sampler(Share(*share))
        .with_resource(
            Resource::builder().with_service_name(SERVICE).with_attribute(version).build(),
        )
        .build();
    let layer = tracing_opentelemetry::layer()
        .with_location(false)
        .with_threads(false)
        .with_tracer(provider.tracer(SERVICE));
    Ok((Box::new(layer), Exporter(provider)))
}
