//! The web pages: files that are part of the binary.

use std::sync::Arc;

use axum::Router;
use axum::extract::Path;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use rust_embed::{Embed, EmbeddedFile};

use super::responses::not_found;
use super::state::App;

#[derive(Embed)]
#[folder = "src/web/"]
struct Files;

/// `GET /`, `GET /docs` and every file that the two pages load.
pub(super) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/", get(async |headers: HeaderMap| file("index.html", &headers).await))
        .route("/docs", get(async |headers: HeaderMap| file("docs/index.html", &headers).await))
        .route(
            "/web/{*path}",
            get(async |Path(path): Path<String>, headers: HeaderMap| file(&path, &headers).await),
        )
}

async fn file(path: &str, headers: &HeaderMap) -> Response {
    let (Some(file), Some(content_type)) = (Files::get(path), content_type(path)) else {
        return not_found().await;
    };
    let tag = entity_tag(&file);
    // Browsers revalidate every time, and mostly learn that nothing has changed: after an update nobody
    // sees a mixture of old and new files.
    let caching = [(header::CACHE_CONTROL, "no-cache".to_owned()), (header::ETAG, tag.clone())];
    let known = headers.get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok());
    if known.is_some_and(|known| known.split(',').any(|known| known.trim() == tag)) {
        return (StatusCode::NOT_MODIFIED, caching).into_response();
    }
    (caching, [(header::CONTENT_TYPE, content_type)], file.data).into_response()
}

fn content_type(path: &str) -> Option<&'static str> {
    let (_, extension) = path.rsplit_once('.')?;
    Some(match extension {
        "html" => "text/html; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "svg" => "image/svg+xml",
        _ => return None,
    })
}

/// A tag that changes with the contents (RFC 9110, 8.8.3): the first bytes of their SHA-256.
fn entity_tag(file: &EmbeddedFile) -> String {
    let hash = file.metadata.sha256_hash();
    let digits: String = hash.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    format!("\"{digits}\"")
}
