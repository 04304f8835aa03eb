//! Takes a video file out of a request, or refuses it in words.

use std::num::NonZero;
use std::sync::Arc;

use axum::body::Body;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use utoipa::IntoResponses;

use super::upload::{self, Declared, UploadError};
use crate::engine::PipelineId;
use crate::front::infer::declared_length;
use crate::front::link::Link;
use crate::front::query::{self, QueryError};
use crate::front::refusal_reason::RefusalReason;
use crate::front::responses::{
    UNREADABLE_BODY, failure, form_refused, page_refused, try_later, unavailable,
};
use crate::front::state::{App, Loaded};
use crate::front::video_memory::WholeVideo;
use crate::protocol::{ErrorBody, HttpErrorCode, VideoQuery};
use crate::sources::{FrameSelection, VideoProblem, VideoProblemKind};

/// How the body of a request with a video is described.
pub(super) const BODY: &str = "One whole video file, by itself or as the first file of a form";

/// How a request with a video is refused. Here for its description alone.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "only its description is used")]
pub(super) enum VideoRefusal {
    /// The query or the file cannot be used, or the body did not arrive in time
    #[response(status = 400)]
    Unusable(ErrorBody),
    /// This web page may not use the server
    #[response(status = 403)]
    Page(ErrorBody),
    /// There is no such pipeline
    #[response(status = 404)]
    Pipeline(ErrorBody),
    /// The file is larger, or plays longer, than the server accepts
    #[response(status = 413)]
    TooLarge(ErrorBody),
    /// The file cannot be decoded here
    #[response(status = 415)]
    Undecodable(ErrorBody),
    /// The server is starting, shutting down, or at work on as many videos as it takes
    #[response(
        status = 503,
        headers(("retry-after" = String, description = "Seconds to wait before the next attempt"))
    )]
    Busy(ErrorBody),
}

/// The wishes in the head of a request.
pub(super) struct Asked<'a> {
    pub(super) loaded: &'a Loaded,
    pub(super) pipeline: PipelineId,
    /// The pipeline's name.
    pub(super) pipeline_id: &'a str,
    pub(super) selection: FrameSelection,
    declared: Declared,
}

/// Checks the head of a request.
pub(super) fn check<'a>(
    app: &'a Arc<App>,
    headers: &HeaderMap,
    query: Result<query::Asked<VideoQuery>, QueryError>,
) -> Result<Asked<'a>, Box<Response>> {
    app.settings.origins.check(headers).map_err(|refused| Box::new(page_refused(app, &refused)))?;
    let declared = Declared::of(headers).ok_or_else(|| Box::new(not_a_video()))?;
    let limit = app.settings.video.max_bytes;
    if declared_length(headers).unwrap_or(0) > declared.body_limit(limit) {
        return Err(Box::new(too_large(limit)));
    }
    let query::Asked(query) = query.map_err(|refused| Box::new(refused.into_response()))?;
    let loaded = app.ready().ok_or_else(|| Box::new(unavailable(app)))?;
    let unknown = || {
        let detail = "Unknown pipeline_id; see GET /pipelines";
        Box::new(failure(StatusCode::NOT_FOUND, HttpErrorCode::InvalidPipeline, detail))
    };
    let (pipeline, named) = loaded.pipeline(query.pipeline_id.as_deref()).ok_or_else(unknown)?;
    let selection = selection(&query);
    Ok(Asked { loaded, pipeline, pipeline_id: &named.id, selection, declared })
}

/// Reads the body: the file.
pub(super) async fn receive(
    app: &App,
    link: &Link,
    asked: &Asked<'_>,
    body: Body,
) -> Result<WholeVideo, Response> {
    let limit = app.settings.video.max_bytes;
    let file = upload::read(body, &asked.declared, limit, &app.videos, link).await;
    file.map_err(|error| upload_refused(app, &error))
}

fn selection(query: &VideoQuery) -> FrameSelection {
    let stride = query.frame_stride.and_then(NonZero::new).unwrap_or(NonZero::<u64>::MIN);
    FrameSelection { stride, max_frames: query.max_frames, fps: None }
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
        UploadError::Unreadable => {
            let code = HttpErrorCode::IncompleteBody;
            failure(StatusCode::BAD_REQUEST, code, UNREADABLE_BODY)
        }
        UploadError::NoFile => {
            let detail = "The form holds no file";
            failure(StatusCode::BAD_REQUEST, HttpErrorCode::InvalidVideo, detail)
        }
        UploadError::Form(refused) => form_refused(*refused),
        UploadError::GaveWay | UploadError::NoRoom => {
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
