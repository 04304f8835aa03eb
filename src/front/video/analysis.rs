//! Runs the frames of a video through the engine, in order, and drops none.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio_util::task::AbortOnDropHandle;

use super::opening::Frames;
use crate::engine::{
    Client, DropReason, FrameError, FrameOutcome, FrameResult, PipelineId, StreamHandle,
};
use crate::front::metrics::MessageOutcome;
use crate::front::state::{App, Loaded};
use crate::front::video_turns::VideoTurn;
use crate::sources::{VideoFrame, VideoProblem};

/// A video on its way through the engine. Everything under way ends when this is dropped.
pub(super) struct Analysis {
    app: Arc<App>,
    feed: Frames,
    feed_ended: bool,
    turn: Arc<VideoTurn>,
    /// Why the feed ended early, until it is reported after the frames before it.
    problem: Option<VideoProblem>,
    /// Streams without a frame.
    idle: Vec<StreamHandle>,
    under_way: VecDeque<AbortOnDropHandle<(StreamHandle, Step)>>,
}

/// The next event.
#[derive(Debug)]
pub(super) enum Step {
    /// A frame, with what was found in it.
    Frame(u64, Duration, Result<FrameResult, FrameError>),
    /// The rest of the video cannot be read.
    Problem(VideoProblem),
    /// The server is shutting down.
    Draining,
}

impl Analysis {
    /// Frames of a feed, for a pipeline, while it is their turn. `None` if the engine has no such pipeline.
    pub(super) fn new(
        app: &Arc<App>,
        loaded: &Loaded,
        pipeline: PipelineId,
        feed: Frames,
        turn: Arc<VideoTurn>,
    ) -> Option<Self> {
        // A full batch, and a frame to prepare meanwhile. Each has a stream of its own, in which no other can take
        // its place.
        let streams = loaded.settings.max_batch + 1;
        let open = |_| loaded.engine.open(pipeline, Client::Videos).ok();
        let idle = (0..streams).map(open).collect::<Option<_>>()?;
        let app = Arc::clone(app);
        let under_way = VecDeque::new();
        Some(Self { app, feed, feed_ended: false, turn, problem: None, idle, under_way })
    }

    /// The next frame; `None` after the last.
    pub(super) async fn next(&mut self) -> Option<Step> {
        if self.app.draining.run_until_cancelled(self.turn.make_room()).await.is_none() {
            return Some(Step::Draining);
        }
        loop {
            if self.app.draining.is_cancelled() {
                return Some(Step::Draining);
            }
            let has_room = !self.feed_ended && self.under_way.len() < self.width();
            let frame = match (self.under_way.front_mut(), has_room) {
                (None, false) => return self.problem.take().map(Step::Problem),
                (None, true) => next_frame(&mut self.feed).await,
                (Some(oldest), false) => {
                    let done = oldest.await;
                    return Some(self.finished(done.ok()));
                }
                (Some(oldest), true) => tokio::select! {
                    biased;
                    done = oldest => return Some(self.finished(done.ok())),
                    frame = next_frame(&mut self.feed) => frame,
                },
            };
            match frame {
                None => self.feed_ended = true,
                Some(Err(problem)) => {
                    self.feed_ended = true;
                    self.problem = Some(problem);
                }
                Some(Ok(frame)) => {
                    let stream = self.idle.pop()?;
                    let analysing = tokio::spawn(analyse(stream, frame));
                    self.under_way.push_back(AbortOnDropHandle::new(analysing));
                }
            }
        }
    }

    /// Frames under way at once. Beside live sessions it is one, so that theirs wait behind one at most.
    fn width(&self) -> usize {
        if self.app.sessions.active() > 0 { 1 } else { self.idle.len() + self.under_way.len() }
    }

    /// The oldest frame under way is finished; `None` if it panicked.
    fn finished(&mut self, done: Option<(StreamHandle, Step)>) -> Step {
        self.under_way.pop_front();
        let Some((stream, step)) = done else { return Step::Draining };
        self.idle.push(stream);
        let metrics = &self.app.metrics;
        match &step {
            Step::Frame(_, _, Ok(result)) => {
                metrics.count(MessageOutcome::Result);
                metrics.observe_stages(&result.timings);
            }
            Step::Frame(_, _, Err(error)) => {
                metrics.count(MessageOutcome::Failed);
                if error.cause.is_some() {
                    self.app.log_infer_failure(error);
                }
            }
            Step::Problem(_) | Step::Draining => {}
        }
        step
    }
}

/// The next frame; `None` after the last. The wait can be cancelled and started again at any time.
async fn next_frame(feed: &mut Frames) -> Option<Result<VideoFrame, VideoProblem>> {
    feed.next().await.unwrap_or_else(|_| Some(Err(VideoProblem::lost())))
}

/// Has one frame analysed. One that gives way to live frames is offered again.
async fn analyse(mut stream: StreamHandle, frame: VideoFrame) -> (StreamHandle, Step) {
    let VideoFrame { index, time, image } = frame;
    let image = match image {
        Ok(image) => image,
        Err(error) => return (stream, Step::Frame(index, time, Err(error))),
    };
    loop {
        let outcome = match stream.offer(index, Instant::now(), image.clone()) {
            Ok(()) => stream.next_reply().await.outcome,
            Err(reason) => FrameOutcome::Dropped(reason),
        };
        let result = match outcome {
            FrameOutcome::Result(result) => Ok(result),
            FrameOutcome::Failed(error) => Err(error),
            FrameOutcome::Dropped(DropReason::Draining) => return (stream, Step::Draining),
            FrameOutcome::Dropped(_) => {
                tokio::task::yield_now().await;
                continue;
            }
        };
        return (stream, Step::Frame(index, time, result));
    }
}
