//! `POST /video/process`: a video file in, a line for each of its frames out, while they are computed.

use std::convert::Infallible;
use std::num::NonZero;
use std::sync::Arc;
use std::time::Instant;

use axum::body::{Body, Bytes};
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use futures_util::stream;
use tokio::sync::OwnedSemaphorePermit;

use super::analysis::{Analysis, Step};
use super::feed::Feed;
use super::upload::{self, Declared, UploadError};
use crate::engine::{FrameError, FrameErrorCode};
use crate::front::link::Link;
use crate::front::refusals::RefusalReason;
use crate::front::responses::{failure, page_refused, query_refused, try_later, unavailable};
use crate::front::state::App;
use crate::protocol::{
    DetectionResult, ErrorBody, HttpErrorCode, VideoDescription, VideoDone, VideoError, VideoFile,
    VideoForm, VideoFrameFailure, VideoHeader, VideoLine, VideoQuery, VideoResultEntry,
    VideoResults, VideoTotals,
};
use crate::sources::{
    Selection, VideoInfo, VideoInput, VideoLimits, VideoProblem, VideoProblemKind,
};
use crate::stages::milliseconds;

/// The type of an answer with a JSON object on each line.
const NDJSON: &str = "application/x-ndjson";
/// Most frames of an answer in one piece.
const MOST_RESULTS: usize = 10_000;

/// Runs every frame of a video through a pipeline, with what live sessions leave of the server. Closing the
/// connection cancels it.
#[utoipa::path(
    post,
    path = "/video/process",
    tag = "Videos",
    params(VideoQuery),
    request_body(
        content(
            (VideoFile = "video/mp4"),
            (VideoFile = "application/octet-stream"),
            (VideoForm = "multipart/form-data"),
        ),
        description = "One whole video file, by itself or as the first file of a form"
    ),
    responses(
        (
            status = 200,
            description = "A line for the video, one for each frame and one for the totals; with the header \
                Accept: application/json the results in one piece, of up to 10000 frames",
            content((VideoLine = "application/x-ndjson"), (VideoResults = "application/json"))
        ),
        (
            status = 400,
            description = "The query or the file cannot be used, or the body did not arrive in time",
            body = ErrorBody
        ),
        (status = 403, description = "This web page may not use the server", body = ErrorBody),
        (status = 404, description = "There is no such pipeline", body = ErrorBody),
        (
            status = 413,
            description = "The file is larger, or plays longer, than the server accepts",
            body = ErrorBody
        ),
        (status = 415, description = "The file cannot be decoded here", body = ErrorBody),
        (
            status = 503,
            description = "The server is starting, shutting down, or at work on as many videos as it takes",
            body = ErrorBody,
            headers(("retry-after" = String, description = "Seconds to wait before the next attempt"))
        ),
    )
)]
pub(in crate::front) async fn process(
    State(app): State<Arc<App>>,
    Extension(link): Extension<Arc<Link>>,
    query: Result<Query<VideoQuery>, QueryRejection>,
    request: Request,
) -> Response {
    let headers = request.headers();
    if let Err(refused) = app.settings.origins.check(headers) {
        return page_refused(&app, &refused);
    }
    let Some(declared) = Declared::of(headers) else { return not_a_video() };
    let settings = app.settings.video;
    if declared_length(headers) > declared.body_limit(settings.max_bytes) {
        return too_large(settings.max_bytes);
    }
    let Ok(Query(query)) = query else { return query_refused() };
    let Some(selection) = selection(&query) else { return query_refused() };
    let Some(loaded) = app.ready() else { return unavailable(&app) };
    let Some((pipeline, _)) = loaded.pipeline(query.pipeline_id.as_deref()) else {
        let detail = "Unknown pipeline_id; see GET /pipelines";
        return failure(StatusCode::NOT_FOUND, HttpErrorCode::InvalidPipeline, detail);
    };
    let Ok(permit) = Arc::clone(&app.video_permits).try_acquire_owned() else {
        let detail = "The server is at work on as many videos as it takes at once";
        return try_later(HttpErrorCode::Busy, detail);
    };
    let as_json = wants_json(headers);
    let body = upload::read(request.into_body(), &declared, settings.max_bytes, &link).await;
    let file = match body {
        Ok(file) => file,
        Err(error) => return upload_refused(&app, &error),
    };
    let started = Instant::now();
    let limits = VideoLimits {
        pixels: loaded.settings.decode.max_pixels as u64,
        duration: settings.max_duration,
    };
    let opened = Feed::open(VideoInput::Memory(file), limits, selection).await;
    let (info, feed) = match opened {
        Ok(opened) => opened,
        Err(problem) => return refused(&problem),
    };
    let Some(analysis) = Analysis::new(&app, loaded, pipeline, feed) else {
        return unavailable(&app);
    };
    if as_json {
        return in_one_piece(&app, analysis).await;
    }
    let lines = Lines { analysis, totals: VideoTotals::default(), started, _permit: permit };
    let begin = Progress::Begin(description(info), lines);
    let lines = stream::unfold(begin, |progress| async {
        let (line, progress) = progress.next().await?;
        Some((Ok::<_, Infallible>(Bytes::from(line.to_json())), progress))
    });
    ([(header::CONTENT_TYPE, NDJSON)], Body::from_stream(lines)).into_response()
}

/// The lines of an answer that is under way.
struct Lines {
    analysis: Analysis,
    totals: VideoTotals,
    started: Instant,
    _permit: OwnedSemaphorePermit,
}

/// How far the answer is.
enum Progress {
    Begin(VideoDescription, Lines),
    Frames(Lines),
    End,
}

impl Progress {
    /// The next line, when its reader is ready for it.
    async fn next(self) -> Option<(VideoLine, Self)> {
        let mut lines = match self {
            Self::Begin(video, lines) => {
                return Some((VideoLine::Video(VideoHeader { video }), Self::Frames(lines)));
            }
            Self::Frames(lines) => lines,
            Self::End => return None,
        };
        let line = match lines.analysis.next().await {
            Some(Step::Frame(index, time, result)) => {
                lines.totals.frames += 1;
                let line = match result {
                    Ok(result) => {
                        lines.totals.results += 1;
                        VideoLine::result(index, time, DetectionResult::from(result))
                    }
                    Err(error) => {
                        lines.totals.failed += 1;
                        VideoLine::Failure(frame_failure(index, error))
                    }
                };
                return Some((line, Self::Frames(lines)));
            }
            Some(Step::Problem(problem)) => {
                let (_, error) = status(problem.kind);
                VideoLine::Error(VideoError { error, detail: problem.detail })
            }
            Some(Step::Draining) => {
                let detail = "The server is shutting down".to_owned();
                VideoLine::Error(VideoError { error: HttpErrorCode::Draining, detail })
            }
            None => {
                let seconds = milliseconds(lines.started.elapsed()) / 1000.0;
                VideoLine::Done(VideoDone { done: VideoTotals { seconds, ..lines.totals } })
            }
        };
        Some((line, Self::End))
    }
}

/// The classic answer: all results at once.
async fn in_one_piece(app: &App, mut analysis: Analysis) -> Response {
    let mut results = Vec::new();
    while let Some(step) = analysis.next().await {
        match step {
            Step::Frame(frame_index, _, Ok(result)) => {
                if results.len() == MOST_RESULTS {
                    let detail = "An answer in one piece has up to 10000 frames: take fewer, or ask for \
                        application/x-ndjson";
                    let code = HttpErrorCode::VideoTooLarge;
                    return failure(StatusCode::PAYLOAD_TOO_LARGE, code, detail);
                }
                results.push(VideoResultEntry { frame_index, result: result.into() });
            }
            Step::Frame(_, _, Err(_)) => {}
            Step::Problem(problem) => return refused(&problem),
            Step::Draining => return unavailable(app),
        }
    }
    Json(VideoResults { results }).into_response()
}

fn frame_failure(frame_index: u64, error: FrameError) -> VideoFrameFailure {
    let code = match error.code {
        FrameErrorCode::PipelineFailure => HttpErrorCode::PipelineFailure,
        FrameErrorCode::DecodeFailed
        | FrameErrorCode::ReadFailed
        | FrameErrorCode::FrameTooLarge => HttpErrorCode::DecodeFailed,
    };
    VideoFrameFailure { frame_index, error: code, detail: error.detail }
}

fn description(info: VideoInfo) -> VideoDescription {
    let VideoInfo { width, height, frames, fps, codec, duration } = info;
    let duration_ms = duration.map(milliseconds);
    VideoDescription { width, height, frames, fps, codec, duration_ms }
}

fn selection(query: &VideoQuery) -> Option<Selection> {
    let stride = NonZero::new(query.frame_stride.unwrap_or(1))?;
    let max_frames = query.max_frames;
    (max_frames != Some(0)).then_some(Selection { stride, max_frames, fps: None })
}

/// Whether the answer is asked for in one piece.
fn wants_json(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let types = accepted.flat_map(|value| value.split(','));
    let mut names = types.map(|name| name.split(';').next().unwrap_or_default().trim());
    // The one that is named first.
    names.find(|name| [NDJSON, "application/json"].contains(name)) == Some("application/json")
}

fn declared_length(headers: &HeaderMap) -> usize {
    let declared = headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok());
    declared.and_then(|length| length.parse().ok()).unwrap_or(0)
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
fn refused(problem: &VideoProblem) -> Response {
    let (status, code) = status(problem.kind);
    // The details of broken files help nobody who sends one.
    let detail = match problem.kind {
        VideoProblemKind::Invalid => "Invalid MP4 file",
        VideoProblemKind::Unreadable => "Unable to read video file",
        VideoProblemKind::Unsupported | VideoProblemKind::OverLimit => &problem.detail,
    };
    failure(status, code, detail)
}

fn status(kind: VideoProblemKind) -> (StatusCode, HttpErrorCode) {
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
