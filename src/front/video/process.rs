//! `POST /video/process`: a video file in, a line for each of its frames out, while they are computed.

use std::convert::Infallible;
use std::io;
use std::sync::Arc;
use std::time::Instant;

use axum::Extension;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::stream;

use super::accepts::{JSON, NDJSON, accepted};
use super::analysis::{Analysis, Step};
use super::busy::Busy;
use super::lines::Lines;
use super::opening::{first_line, limits, open};
use super::receive::{Asked, BODY, VideoRefusal, check, receive, refused};
use crate::front::link::Link;
use crate::front::query::{self, QueryError};
use crate::front::responses::{failure, try_later, unavailable};
use crate::front::state::App;
use crate::front::video_turns::VideoTurn;
use crate::protocol::{
    HttpErrorCode, VideoFile, VideoForm, VideoLine, VideoQuery, VideoResultEntry, VideoResults,
    VideoTotals,
};
use crate::sources::VideoInput;

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
        description = BODY
    ),
    responses(
        (
            status = 200,
            description = "A line for the video, one for each frame and one for the totals; with the header \
                Accept: application/json the results in one piece, of up to 10000 frames",
            content((VideoLine = "application/x-ndjson"), (VideoResults = "application/json"))
        ),
        VideoRefusal,
    )
)]
pub(in crate::front) async fn process(
    State(app): State<Arc<App>>,
    Extension(link): Extension<Arc<Link>>,
    query: Result<query::Asked<VideoQuery>, QueryError>,
    request: Request,
) -> Response {
    let as_json = accepted(request.headers()) == Some(JSON);
    let asked = match check(&app, request.headers(), query) {
        Ok(asked) => asked,
        Err(refusal) => return *refusal,
    };
    // Before the upload, which would be for nothing. It may take minutes, in which others can be processed.
    if !app.video_turns.comes_soon(&link) {
        return busy();
    }
    let file = match receive(&app, &link, &asked, request.into_body()).await {
        Ok(file) => file.bytes,
        Err(refusal) => return refusal,
    };
    let Some(turn) = app.video_turns.take_soon(&link).await else { return busy() };
    let turn = Arc::new(turn);
    let started = Instant::now();
    let Asked { loaded, pipeline, selection, .. } = asked;
    let input = VideoInput::Memory(file);
    let opened = open(input, limits(&app, loaded), selection, 0, Arc::clone(&turn)).await;
    let (info, frames) = match opened {
        Ok(opened) => opened,
        Err(problem) => return refused(&problem),
    };
    let Some(analysis) = Analysis::new(&app, loaded, pipeline, frames, Arc::clone(&turn)) else {
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
        return in_one_piece(analysis, Busy::new(link), turn);
    }
    let lines = Lines::new(analysis, VideoTotals::default(), started);
    let state = (Some(first_line(&info)), lines, Busy::new(link), turn);
    // A line is computed when the one before it has been taken.
    let lines = stream::unfold(state, |(mut first, mut lines, mut busy, turn)| async move {
        busy.begin();
        turn.go_on();
        let line = match first.take() {
            Some(line) => line,
            None => lines.next().await?,
        };
        turn.wait_for_reader();
        Some((Ok::<_, Infallible>(Bytes::from(line.to_json())), (None, lines, busy, turn)))
    });
    ([(header::CONTENT_TYPE, NDJSON)], Body::from_stream(lines)).into_response()
}

fn busy() -> Response {
    let detail =
        "The server is at work on as many videos as it takes at once (VIDEO_MAX_CONCURRENT)";
    try_later(HttpErrorCode::Busy, detail)
}

/// The classic answer: all results in one object, which is written as they come, so that a client that has gone is
/// noticed. What goes wrong on the way breaks the answer off.
fn in_one_piece(analysis: Analysis, busy: Busy, turn: Arc<VideoTurn>) -> Response {
    let results = stream::unfold(Some((analysis, busy, turn, 0)), |state| async {
        let (mut analysis, mut busy, turn, count) = state?;
        busy.begin();
        turn.go_on();
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
        let entry = Bytes::from(format!("{before}{entry}"));
        turn.wait_for_reader();
        Some((Ok(entry), Some((analysis, busy, turn, count + 1))))
    });
    ([(header::CONTENT_TYPE, JSON)], Body::from_stream(results)).into_response()
}
