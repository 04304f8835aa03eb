//! Takes a video file out of a request, or refuses it in words.

use std::num::NonZero;
use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, Request};
use axum::http::StatusCode;
use axum::response::Response;
use tokio::sync::OwnedSemaphorePermit;

use super::upload::{self, Declared, UploadError};
use crate::engine::PipelineId;
use crate::front::infer::declared_length;
use crate::front::link::Link;
use crate::front::refusals::RefusalReason;
use crate::front::responses::{failure, page_refused, query_refused, try_later, unavailable};
use crate::front::state::{App, Loaded};
use crate::protocol::{HttpErrorCode, VideoQuery};
use crate::sources::{Selection, VideoProblem, VideoProblemKind};

/// A video that has arrived.
pub(super) struct Received<'a> {
    pub(super) loaded: &'a Loaded,
    pub(super) pipeline: PipelineId,
    pub(super) selection: Selection,
    pub(super) file: Bytes,
    /// Held as long as the file is.
    pub(super) permit: OwnedSemaphorePermit,
}

/// Checks the head of a request, takes a permit for a video and reads the body.
pub(super) async fn receive<'a>(
    app: &'a Arc<App>,
    link: &Link,
    query: Result<Query<VideoQuery>, QueryRejection>,
    request: Request,
) -> Result<Received<'a>, Response> {
    let headers = request.headers();
    app.settings.origins.check(headers).map_err(|refused| page_refused(app, &refused))?;
    let declared = Declared::of(headers).ok_or_else(not_a_video)?;
    let limit = app.settings.video.max_bytes;
    if declared_length(headers).unwrap_or(0) > declared.body_limit(limit) {
        return Err(too_large(limit));
    }
    let Query(query) = query.map_err(|_| query_refused())?;
    let selection = selection(&query).ok_or_else(query_refused)?;
    let loaded = app.ready().ok_or_else(|| unavailable(app))?;
    let unknown = || {
        let detail = "Unknown pipeline_id; see GET /pipelines";
        failure(StatusCode::NOT_FOUND, HttpErrorCode::InvalidPipeline, detail)
    };
    let (pipeline, _) = loaded.pipeline(query.pipeline_id.as_deref()).ok_or_else(unknown)?;
    let permit = Arc::clone(&app.video_permits).try_acquire_owned().map_err(|_| {
        let detail = "The server is at work on as many videos as it takes at once";
        try_later(HttpErrorCode::Busy, detail)
    })?;
    let file = upload::read(request.into_body(), &declared, limit, link).await;
    let file = file.map_err(|error| upload_refused(app, &error))?;
    Ok(Received { loaded, pipeline, selection, file, permit })
}

fn selection(query: &VideoQuery) -> Option<Selection> {
    let stride = NonZero::new(query.frame_stride.unwrap_or(1))?;
    let max_frames = query.max_frames;
    (max_frames != Some(0)).then_some(Selection { stride, max_frames, fps: None })
}

fn not_a_video() -> Response {
    let detail =
        "Send one video file with the header Content-Type: video/mp4, or as a file in a form";
    let code = HttpErrorCode::UnsupportedMediaType;
    failure(StatusCode::UNSUPPORTED_MEDIA_TYPE, code, detail)
}

fn too_large(limit: usize) -> Response {
    let detail = format!("The file exceeds the limit ({limit} bytes)");
    failure(StatusCode::PAYLOAD_TOO_LARGE, HttpErrorCode::VideoTooLarge, &detail)
}

fn upload_refused(app: &App, error: &UploadError) -> Response {
    match error {
        UploadError::TooLarge => too_large(app.settings.video.max_bytes),
        UploadError::Incomplete => {
            let detail = "The body was not complete in time";
            failure(StatusCode::BAD_REQUEST, HttpErrorCode::IncompleteBody, detail)
        }
        UploadError::NoFile => {
            let detail = "The form holds no file";
            failure(StatusCode::BAD_REQUEST, HttpErrorCode::InvalidVideo, detail)
        }
        UploadError::GaveWay => {
            app.refusals.count(RefusalReason::Memory);
            try_later(HttpErrorCode::Busy, "The server is overloaded; try again")
        }
    }
}

/// A video that cannot be opened.
pub(super) fn refused(problem: &VideoProblem) -> Response {
    let (status, code) = status(problem.kind);
    // The protocol's own words.
    let detail = match problem.kind {
        VideoProblemKind::Invalid => "Invalid MP4 file",
        VideoProblemKind::Unreadable => "Unable to read video file",
        VideoProblemKind::Unsupported | VideoProblemKind::OverLimit => &problem.detail,
    };
    failure(status, code, detail)
}

/// The status and the code of a problem.
pub(super) fn status(kind: VideoProblemKind) -> (StatusCode, HttpErrorCode) {
    match kind {
        VideoProblemKind::Invalid | VideoProblemKind::Unreadable => {
            (StatusCode::BAD_REQUEST, HttpErrorCode::InvalidVideo)
        }
        VideoProblemKind::Unsupported => {
            (StatusCode::UNSUPPORTED_MEDIA_TYPE, HttpErrorCode::UnsupportedMediaType)
        }
        VideoProblemKind::OverLimit => {
            (StatusCode::PAYLOAD_TOO_LARGE, HttpErrorCode::VideoTooLarge)
        }
    }
}
