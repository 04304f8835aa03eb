//! Every request: one span, under the id that a client or a proxy has given it, and at most one host.

use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;
use framegate_traces::Caller;
use tracing::Instrument;

use super::responses::failure;
use crate::protocol::HttpErrorCode;

/// The id of a request: the client's or a proxy's, else one of ours. The answer repeats it.
pub(super) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// The span that a request is sent from (W3C Trace Context).
pub(super) const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
pub(super) const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");

/// Longest id that is logged, in bytes.
const LONGEST_ID: usize = 128;

/// Answers a request within a span of its own.
pub(super) async fn within_span(request: Request, next: Next) -> Response {
    let headers = request.headers();
    let request_id = text(headers, &REQUEST_ID).filter(|id| id.len() <= LONGEST_ID);
    let (method, path) = (request.method(), request.uri().path());
    let span = tracing::info_span!("request", %method, path, request_id);
    if let Some(caller) = caller(headers) {
        caller.adopt(&span);
    }
    next.run(request).instrument(span).await
}

/// Refuses a request that names several hosts (RFC 9112, 3.2): a proxy in front may have checked another. Small devices
/// name none, which browsers always do.
pub(super) async fn with_one_host(request: Request, next: Next) -> Response {
    if request.headers().get_all(header::HOST).iter().nth(1).is_none() {
        return next.run(request).await;
    }
    let detail = "A request has one header Host, not several";
    failure(StatusCode::BAD_REQUEST, HttpErrorCode::InvalidHost, detail)
}

/// The caller's span, if the headers name one.
pub(super) fn caller(headers: &HeaderMap) -> Option<Caller> {
    Caller::read(text(headers, &TRACEPARENT)?, text(headers, &TRACESTATE))
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}
