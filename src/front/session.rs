//! One connection's session: counts frames, decides what becomes of them, says so to the client. In
//! memory only, created on connect and gone on disconnect.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use uuid::Uuid;

use super::admission::{Admission, Advice, Decision, DropThresholds};
use super::failure_log::FailureLog;
use super::frame_memory::FrameMemory;
use super::info::input_size;
use super::log_limit::LogLimit;
use super::messages;
use super::metrics::{MessageOutcome, Metrics};
use super::options::{OptionsError, SessionOptions};
use super::outbox::{Outbox, Outgoing};
use super::refusal_reason::RefusalReason;
use super::runs_on::{RunsOn, RunsOnWatch};
use super::tracks::Tracks;
use crate::engine::{DropReason, FrameOutcome, Reply, StreamHandle};
use crate::protocol::{
    CloseReason, ConfigureError, ErrorCode, Greeting, InvalidFrame, ServerMessage, SessionInfo,
    validate,
};

/// Close the session after this many consecutive invalid frames.
pub const MAX_INVALID_IN_A_ROW: u32 = 30;

/// Lines about sessions that begin, and about sessions that end.
static CONNECTS: LogLimit = LogLimit::new(300);
static DISCONNECTS: LogLimit = LogLimit::new(300);
/// Lines about sessions that must slow down.
static SLOW_DOWNS: LogLimit = LogLimit::new(300);

/// Counts of a session's frames by outcome: each has one outcome or is in flight.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Valid frames.
    pub frames: u64,
    /// Answered with a result, written or about to be.
    pub results: u64,
    /// Dropped on purpose.
    pub dropped: u64,
    /// Answered with an error.
    pub failed: u64,
    /// Not answered yet.
    pub in_flight: u64,
}

/// A session. It does no input or output: it puts what is to be sent into the [`Outbox`].
#[derive(Debug)]
pub struct ClientSession {
    id: Uuid,
    options: SessionOptions,
    runs_on: RunsOnWatch,
    tracks: Option<Tracks>,
    max_frame_bytes: usize,
    admission: Admission,
    counts: Counts,
    /// The frames that the engine has.
    under_way: BTreeSet<u64>,
    frames: Arc<FrameMemory>,
    invalid_in_a_row: u32,
    last_processed: Option<Instant>,
    draining: bool,
    failures: FailureLog,
    metrics: Arc<Metrics>,
}

impl ClientSession {
    /// Opens a session.
    pub fn new(
        options: SessionOptions,
        max_frame_bytes: usize,
        thresholds: DropThresholds,
        frames: Arc<FrameMemory>,
        metrics: Arc<Metrics>,
    ) -> Self {
        let mut runs_on = options.pipeline().runs_on.clone();
        // The greeting says what runs now.
        runs_on.mark_unchanged();
        let session = Self {
            id: Uuid::new_v4(),
            tracks: options.tracks().then(|| Tracks::new(Instant::now())),
            runs_on,
            options,
            max_frame_bytes,
            admission: Admission::new(thresholds),
            counts: Counts::default(),
            under_way: BTreeSet::new(),
            frames,
            invalid_in_a_row: 0,
            last_processed: None,
            draining: false,
            failures: FailureLog::default(),
            metrics,
        };
        session.metrics.session_began();
        let (id, pipeline_id) = (session.id, &session.options.pipeline().id);
        if let Some(unmentioned) = CONNECTS.mention(Instant::now()) {
            let unmentioned = (unmentioned > 0).then_some(unmentioned);
            tracing::info!(session_id = %id, %pipeline_id, unmentioned, "stream_connect");
        }
        session
    }

    /// Identifies the session in the log.
    pub fn id(&self) -> Uuid {
        self.id
    }

    /// Describes the pipeline that runs this session, and the options in force.
    pub fn greeting(&self) -> Greeting {
        let pipeline = self.options.pipeline();
        let RunsOn { backend, device, .. } = self.runs_on.borrow().clone();
        Greeting {
            session: SessionInfo {
                session_id: self.id.to_string(),
                pipeline_id: pipeline.id.clone(),
                backend: backend.to_owned(),
                device,
                max_frame_bytes: self.max_frame_bytes,
                labels: pipeline.detector.labels.clone(),
                input: input_size(pipeline),
                settings: Some(self.options.settings()),
            },
        }
    }

    /// The frames so far, by outcome.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// Handles a binary message whose last byte was read at `received`. What it says at once is handed to
    /// `send`, at moments when no lock of the engine is held.
    pub fn receive(
        &mut self,
        message: Bytes,
        received: Instant,
        handle: &StreamHandle,
        mut send: impl FnMut(Outgoing),
    ) {
        if let Err(invalid) = validate(&message, self.max_frame_bytes) {
            self.metrics.count(MessageOutcome::Invalid);
            send(Outgoing::Other(ServerMessage::invalid(invalid)));
            // Frames that are merely too large come from a client that means well.
            self.invalid_in_a_row += u32::from(!matches!(invalid, InvalidFrame::TooLarge { .. }));
            if self.invalid_in_a_row >= MAX_INVALID_IN_A_ROW {
                send(Outgoing::Close(CloseReason::TooManyInvalidFrames));
            }
            return;
        }
        self.invalid_in_a_row = 0;
        self.counts.frames += 1;
        self.counts.in_flight += 1;
        let frame_index = self.counts.frames;
        let (decision, advice) = self.admission.arrived(received, |fps| {
            handle.report_offered_rate(fps, received);
            handle.capacity(received)
        });
        if self.draining {
            return send(self.drop_frame(frame_index, DropReason::Draining));
        }
        if let Some(advice) = advice {
            send(self.advise(advice));
        }
        match decision {
            // Admission has counted this drop itself.
            Decision::Shed => send(self.drop_frame(frame_index, DropReason::Pacing)),
            Decision::Admit => {
                let held = self.frames.hold(message, self.metrics.sessions());
                let offered = match held {
                    Some(jpeg) => handle.offer(frame_index, received, jpeg),
                    // Frames of others have taken all the memory there is for large ones.
                    None => Err(DropReason::Busy),
                };
                match offered {
                    Ok(()) => {
                        self.under_way.insert(frame_index);
                    }
                    Err(reason) => {
                        self.admission.dropped();
                        send(self.drop_frame(frame_index, reason));
                    }
                }
            }
        }
    }

    /// Handles a text message: changes the options for the frames that follow, or refuses it and closes the session.
    pub fn receive_text(
        &mut self,
        text: &str,
        handle: &mut StreamHandle,
        mut send: impl FnMut(Outgoing),
    ) {
        match self.options.configure(text) {
            Ok(()) => {
                handle.select(self.options.selection());
                send(Outgoing::Other(ServerMessage::Greeting(self.greeting())));
            }
            Err(refused) => self.refuse_text(&refused, send),
        }
    }

    fn refuse_text(&self, refused: &OptionsError, mut send: impl FnMut(Outgoing)) {
        self.metrics.count(MessageOutcome::Invalid);
        let detail = refused.to_string();
        send(Outgoing::Other(ServerMessage::error(ErrorCode::InvalidMessage, detail)));
        send(Outgoing::Close(match refused {
            OptionsError::Message(ConfigureError::OtherText) => CloseReason::TextMessage,
            _ => CloseReason::UnusableOptions,
        }));
    }

    /// Handles the engine's reply to a frame. After a close the client hears nothing more, and the frame
    /// stays in flight.
    pub fn on_reply(&mut self, reply: Reply, outbox: &mut Outbox) {
        if outbox.is_closing() {
            return;
        }
        let Reply { frame_index, received, outcome, .. } = reply;
        self.under_way.remove(&frame_index);
        match outcome {
            FrameOutcome::Result(mut result) => {
                if let Some(tracks) = &mut self.tracks {
                    tracks.number(received, &mut result.detections);
                }
                self.last_processed = Some(Instant::now());
                self.counts.in_flight -= 1;
                self.counts.results += 1;
                self.metrics.observe_stages(&result.timings);
                let message = messages::result(frame_index, result);
                if outbox.push_result(message, received).is_some() {
                    // The older result was never written: its frame is dropped, as the outbox reports.
                    self.counts.results -= 1;
                    self.counts.dropped += 1;
                    self.admission.dropped();
                    self.metrics.count(MessageOutcome::Dropped(DropReason::Busy));
                }
            }
            FrameOutcome::Dropped(reason) => {
                self.admission.dropped();
                outbox.push(self.drop_frame(frame_index, reason));
            }
            FrameOutcome::Failed(error) => {
                self.last_processed = Some(Instant::now());
                self.counts.in_flight -= 1;
                self.counts.failed += 1;
                self.metrics.count(MessageOutcome::Failed);
                self.failures.log(Some(self.id), frame_index, &error, Instant::now());
                outbox.push(Outgoing::Other(messages::failed(frame_index, error)));
            }
        }
    }

    /// The backend that runs the session's frames now, if the client has not heard of it yet.
    pub fn backend_change(&mut self) -> Option<RunsOn> {
        let changed = self.runs_on.has_changed().unwrap_or(false);
        changed.then(|| self.runs_on.borrow_and_update().clone())
    }

    /// From now on frames are dropped.
    pub fn drain(&mut self) {
        self.draining = true;
    }

    /// Drops the frames that the engine still has.
    pub fn drop_what_is_under_way(&mut self, outbox: &mut Outbox) {
        for frame_index in std::mem::take(&mut self.under_way) {
            let dropped = self.drop_frame(frame_index, DropReason::Draining);
            outbox.push(dropped);
        }
    }

    /// The message that is arriving is given up, to make room for others.
    pub fn give_up_message(&self) {
        self.metrics.count_refusal(RefusalReason::Memory);
    }

    /// Whether frames are dropped because the server is shutting down.
    pub fn is_draining(&self) -> bool {
        self.draining
    }

    fn drop_frame(&mut self, frame_index: u64, reason: DropReason) -> Outgoing {
        self.counts.in_flight -= 1;
        self.counts.dropped += 1;
        self.metrics.count(MessageOutcome::Dropped(reason));
        Outgoing::Other(ServerMessage::dropped(frame_index, reason))
    }

    fn advise(&self, advice: Advice) -> Outgoing {
        let session_id = self.id;
        match advice {
            Advice::SlowDown { recommended_fps, drop_rate } => {
                self.metrics.count_slow_down();
                if let Some(unmentioned) = SLOW_DOWNS.mention(Instant::now()) {
                    let unmentioned = (unmentioned > 0).then_some(unmentioned);
                    tracing::info!(
                        %session_id,
                        recommended_fps,
                        drop_rate,
                        unmentioned,
                        "stream_slow_down"
                    );
                }
            }
            Advice::Recovered { recommended_fps } => {
                tracing::debug!(%session_id, recommended_fps, "stream_recovered");
            }
        }
        Outgoing::Other(advice.into())
    }
}

impl Drop for ClientSession {
    fn drop(&mut self) {
        self.metrics.session_ended();
        let Some(unmentioned) = DISCONNECTS.mention(Instant::now()) else { return };
        let Counts { frames, results, dropped, failed, in_flight } = self.counts;
        let idle = self.last_processed.map(|at| at.elapsed().as_secs_f64());
        tracing::info!(
            session_id = %self.id,
            pipeline_id = %self.options.pipeline().id,
            frames,
            results,
            dropped,
            failed,
            in_flight,
            backpressure_state = ?self.admission.state(),
            seconds_since_last_processed = idle,
            unmentioned = (unmentioned > 0).then_some(unmentioned),
            "stream_disconnect"
        );
    }
}
