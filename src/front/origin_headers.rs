//! The origin of a request, as its headers tell it.

use axum::http::{HeaderMap, HeaderName, header};

use super::app::App;

/// Whether the page that made this request, if one did, may use this server.
pub(super) fn allowed(app: &App, headers: &HeaderMap) -> bool {
    // What is no text is no origin that could be allowed.
    let text = |name: HeaderName| headers.get(name).map(|value| value.to_str().unwrap_or(""));
    app.settings.origins.allows(text(header::ORIGIN), text(header::HOST))
}
