//! One image, one result: what `POST /infer` and the interfaces of other servers share.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::StatusCode;
use tokio::time::timeout;

use super::connection::MESSAGE_LIMIT;
use super::link::Link;
use super::metrics::MessageOutcome;
use super::refusal_reason::RefusalReason;
use super::responses;
use super::state::{App, Loaded};
use crate::engine::{
    Client, DropReason, FrameError, FrameErrorCode, FrameOutcome, FrameResult, PipelineId,
};
use crate::protocol::{HttpErrorCode, InvalidFrame, validate};
use crate::stages::Selection;

/// Why an image has no result. It is counted when it is made.
#[derive(Debug)]
pub(super) enum Unanswered {
    /// It is not a JPEG that is accepted.
    Invalid(InvalidFrame),
    /// The body did not arrive in time.
    Incomplete,
    /// The body broke off, or is not in the form that HTTP has for it.
    Unreadable,
    /// The server is starting.
    Starting,
    /// The server is shutting down.
    Draining,
    /// The server is overloaded.
    Dropped(DropReason),
    /// It cannot be decoded, or the server failed.
    Failed(FrameError),
}

impl Unanswered {
    pub(super) fn invalid(app: &App, problem: InvalidFrame) -> Self {
        app.metrics.count(MessageOutcome::Invalid);
        Self::Invalid(problem)
    }

    /// There is no model, not yet or not any more.
    pub(super) fn unavailable(app: &App) -> Self {
        if app.draining.is_cancelled() { Self::Draining } else { Self::Starting }
    }

    fn dropped(app: &App, reason: DropReason) -> Self {
        app.metrics.count(MessageOutcome::Dropped(reason));
        Self::Dropped(reason)
    }

    fn failed(app: &App, error: FrameError) -> Self {
        app.metrics.count(MessageOutcome::Failed);
        if error.code != FrameErrorCode::DecodeFailed {
            app.log_infer_failure(&error);
        }
        Self::Failed(error)
    }

    /// The status, and the code and the sentence for it.
    pub(super) fn parts(&self) -> (StatusCode, HttpErrorCode, String) {
        let busy = StatusCode::SERVICE_UNAVAILABLE;
        let (status, code, detail) = match self {
            Self::Invalid(problem) => {
                let status = match problem {
                    InvalidFrame::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
                    _ => StatusCode::BAD_REQUEST,
                };
                return (status, problem.code().into(), problem.to_string());
            }
            Self::Failed(error) if error.code == FrameErrorCode::DecodeFailed => {
                let code = HttpErrorCode::DecodeFailed;
                return (StatusCode::BAD_REQUEST, code, error.detail.clone());
            }
            Self::Failed(error) => {
                let code = HttpErrorCode::PipelineFailure;
                return (StatusCode::INTERNAL_SERVER_ERROR, code, error.detail.clone());
            }
            Self::Incomplete => {
                let detail = "The body was not complete in time";
                (StatusCode::BAD_REQUEST, HttpErrorCode::IncompleteBody, detail)
            }
            Self::Unreadable => {
                let code = HttpErrorCode::IncompleteBody;
                (StatusCode::BAD_REQUEST, code, responses::UNREADABLE_BODY)
            }
            Self::Starting => (busy, HttpErrorCode::Starting, "The server is loading its models"),
            Self::Draining => (busy, HttpErrorCode::Draining, "The server is shutting down"),
            Self::Dropped(DropReason::Draining) => return Self::Draining.parts(),
            Self::Dropped(reason) => {
                (busy, (*reason).into(), "The server is overloaded; try again")
            }
        };
        (status, code, detail.to_owned())
    }
}

/// Reads a body, as long as there is memory for it.
pub(super) async fn body(
    app: &Arc<App>,
    link: &Link,
    request: Request,
) -> Result<Bytes, Unanswered> {
    let limit = app.settings.max_frame_bytes;
    let body = tokio::select! {
        body = timeout(MESSAGE_LIMIT, Bytes::from_request(request, app)) => body,
        _ = link.must_give_way() => {
            app.refusals.count(RefusalReason::Memory);
            return Err(Unanswered::dropped(app, DropReason::Busy));
        }
    };
    match body {
        Ok(Ok(body)) => Ok(body),
        Ok(Err(rejection)) if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE => {
            let problem = InvalidFrame::TooLarge { bytes: limit + 1, limit };
            Err(Unanswered::invalid(app, problem))
        }
        Ok(Err(_)) => Err(Unanswered::Unreadable),
        Err(_) => Err(Unanswered::Incomplete),
    }
}

/// Longest wait for those of other addresses that came before, and for one's own.
const TURN_LIMIT: Duration = Duration::from_secs(1);

/// Runs a JPEG through a pipeline.
pub(super) async fn run(
    app: &App,
    link: &Link,
    loaded: &Loaded,
    pipeline: PipelineId,
    selection: Arc<Selection>,
    jpeg: Bytes,
    received: Instant,
) -> Result<FrameResult, Unanswered> {
    validate(&jpeg, app.settings.max_frame_bytes)
        .map_err(|problem| Unanswered::invalid(app, problem))?;
    // Only now, so that bodies that arrive slowly keep no other request out.
    let turn = timeout(TURN_LIMIT, app.infer_turns.take(link.address())).await;
    let _turn = turn.map_err(|_| Unanswered::dropped(app, DropReason::Busy))?;
    let mut handle =
        loaded.engine.open(pipeline, Client::Posts).map_err(|_| Unanswered::unavailable(app))?;
    handle.select(selection);
    // To the scheduler all posts together are one stream that sends as fast as it can.
    handle.report_offered_rate(f64::INFINITY, received);
    handle.offer(1, received, jpeg).map_err(|reason| Unanswered::dropped(app, reason))?;
    match handle.next_reply().await.outcome {
        FrameOutcome::Result(result) => {
            app.metrics.count(MessageOutcome::Result);
            app.metrics.observe_stages(&result.timings);
            app.metrics.observe_age(received.elapsed());
            Ok(result)
        }
        FrameOutcome::Dropped(reason) => Err(Unanswered::dropped(app, reason)),
        FrameOutcome::Failed(error) => Err(Unanswered::failed(app, error)),
    }
}
