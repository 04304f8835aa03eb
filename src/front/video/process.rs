//! `POST /video/process`: a video file in, a line for each of its frames out, while they are computed.

use std::convert::Infallible;
use std::io;
use std::sync::Arc;
use std::time::Instant;

use axum::Extension;
use axum::body::{Body, Bytes};
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use tokio::sync::OwnedSemaphorePermit;

use super::analysis::{Analysis, Step};
use super::feed::Feed;
use super::lines::Lines;
use super::receive::{Received, receive, refused};
use crate::front::link::Link;
use crate::front::responses::{failure, unavailable};
use crate::front::state::App;
use crate::protocol::{
    ErrorBody, HttpErrorCode, VideoFile, VideoForm, VideoLine, VideoQuery, VideoResultEntry,
    VideoResults,
};
use crate::sources::{VideoInput, VideoLimits};

/// The type of an answer with a JSON object on each line.
const NDJSON: &str = "application/x-ndjson";
const JSON: &str = "application/json";
/// Most frames of an answer in one piece.
const MOST_RESULTS: u64 = 10_000;

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
    let as_json = wants_json(request.headers());
    let received = receive(&app, &link, query, request).await;
    let Received { loaded, pipeline, selection, file, permit } = match received {
        Ok(received) => received,
        Err(refusal) => return refusal,
    };
    let started = Instant::now();
    let limits = VideoLimits {
        pixels: loaded.settings.decode.limits.max_pixels as u64,
        duration: app.settings.video.max_duration,
    };
    let (info, feed) = match Feed::open(VideoInput::Memory(file), limits, selection).await {
        Ok(opened) => opened,
        Err(problem) => return refused(&problem),
    };
    let Some(analysis) = Analysis::new(&app, loaded, pipeline, feed) else {
        return unavailable(&app);
    };
    if as_json {
        let frames = info.frames.map(|frames| selection.count(frames, info.fps));
        if frames.is_some_and(|frames| frames > MOST_RESULTS) {
            let detail = "An answer in one piece has up to 10000 frames: take fewer, or ask for \
                application/x-ndjson";
            let code = HttpErrorCode::VideoTooLarge;
            return failure(StatusCode::PAYLOAD_TOO_LARGE, code, detail);
        }
        return in_one_piece(analysis, Held::new(link, permit));
    }
    let lines = (Lines::new(info, analysis, started), Held::new(link, permit));
    // A line is computed when the one before it has been taken.
    let lines = stream::unfold(lines, |(mut lines, mut held)| async {
        held.begin();
        let line = lines.next().await?;
        Some((Ok::<_, Infallible>(Bytes::from(line.to_json())), (lines, held)))
    });
    ([(header::CONTENT_TYPE, NDJSON)], Body::from_stream(lines)).into_response()
}

/// The resources of an answer that is being written.
struct Held {
    link: Arc<Link>,
    is_busy: bool,
    _permit: OwnedSemaphorePermit,
}

impl Held {
    fn new(link: Arc<Link>, permit: OwnedSemaphorePermit) -> Self {
        Self { link, is_busy: false, _permit: permit }
    }

    /// The connection counts as idle since the head of the answer; from now on it is busy again.
    fn begin(&mut self) {
        if !self.is_busy {
            self.is_busy = true;
            self.link.begin_request();
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if self.is_busy {
            self.link.end_request();
        }
    }
}

/// The classic answer: all results in one object, which is written as they come, so that a client that has gone is
/// noticed. What goes wrong on the way breaks the answer off.
fn in_one_piece(analysis: Analysis, held: Held) -> Response {
    let results = stream::unfold(Some((analysis, held, 0)), |state| async {
        let (mut analysis, mut held, count) = state?;
        held.begin();
        let entry = loop {
            match analysis.next().await {
                Some(Step::Frame(frame_index, _, Ok(result))) => {
                    break VideoResultEntry { frame_index, result: result.into() };
                }
                Some(Step::Frame(_, _, Err(_))) => {}
                Some(Step::Problem(problem)) => {
                    return Some((Err(io::Error::other(problem)), None));
                }
                Some(Step::Draining) => return Some((Err(io::Error::other("draining")), None)),
                None => {
                    let end: &[u8] = if count == 0 { b"{\"results\":[]}" } else { b"]}" };
                    return Some((Ok(Bytes::from_static(end)), None));
                }
            }
        };
        if count == MOST_RESULTS {
            return Some((Err(io::Error::other("too many frames")), None));
        }
        let before = if count == 0 { "{\"results\":[" } else { "," };
        let entry =
            serde_json::to_string(&entry).expect("results hold nothing that JSON cannot express");
        Some((Ok(Bytes::from(format!("{before}{entry}"))), Some((analysis, held, count + 1))))
    });
    ([(header::CONTENT_TYPE, JSON)], Body::from_stream(results)).into_response()
}

/// Whether the answer is asked for in one piece.
fn wants_json(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let types = accepted.flat_map(|value| value.split(','));
    let mut names = types.map(|name| name.split(';').next().unwrap_or_default().trim());
    // The one that is named first.
    names.find(|name| [NDJSON, JSON].contains(name)) == Some(JSON)
}
