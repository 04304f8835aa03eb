//! A session's side of the engine.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use framegate_traces::{Caller, FRAME};
use tokio::sync::mpsc;

use super::ids::{Client, PipelineId, StreamId, UnknownPipeline};
use super::reading::{FrameReading, StreamReading};
use super::reply::{DropReason, FrameOutcome, Reply, Responder};
use super::schedule::Capacity;
use super::shared::{Shared, drop_frames};
use super::tag::{FrameTag, LiveFrame};
use crate::engine::frame::FramePayload;
use crate::engine::reading::TextReader;
use crate::stages::{DecodeError, DecodeLimits, DecodeWork, Selection, inspect};

/// Most frames of a stream that are under way or whose reply was not received yet: one waits, one comes to
/// replace it, one is in each of three threads, and a few replies may be pending.
const MAX_UNDER_WAY: usize = 8;

/// One stream of frames into a pipeline. The stream closes when its handle is dropped, and a frame that
/// waits then is dropped.
pub struct StreamHandle {
    shared: Arc<Shared>,
    id: StreamId,
    sender: mpsc::Sender<Reply>,
    replies: mpsc::Receiver<Reply>,
    selection: Option<Arc<Selection>>,
    /// For a pipeline with a second stage.
    reading: Option<Arc<StreamReading>>,
    /// Whose trace the frames belong to.
    caller: Option<Caller>,
}

impl StreamHandle {
    pub(super) fn open(
        shared: Arc<Shared>,
        pipeline: PipelineId,
        client: Client,
        reader: Option<Arc<TextReader>>,
        read_budget: Duration,
    ) -> Result<Self, UnknownPipeline> {
        let id = shared.with_schedule(|schedule| schedule.open(pipeline, client))?;
        let (sender, replies) = mpsc::channel(MAX_UNDER_WAY);
        let reading = reader.map(|reader| {
            let shared = Arc::clone(&shared);
            let charge =
                move |took| shared.with_schedule(|schedule| schedule.charge_reading(id, took));
            Arc::new(StreamReading::new(reader, read_budget, charge))
        });
        Ok(Self { shared, id, sender, replies, selection: None, reading, caller: None })
    }

    /// Its name in traces.
    pub fn id(&self) -> StreamId {
        self.id
    }

    /// Reports other detections than the pipeline's selection, of the frames that are handed over from now on.
    pub fn select(&mut self, selection: Arc<Selection>) {
        self.selection = Some(selection);
    }

    /// Makes the frames that are handed over from now on part of a trace. Without one they begin one each, or belong
    /// to that of the present span.
    pub fn called_by(&mut self, caller: Option<Caller>) {
        self.caller = caller;
    }

    /// Hands over a frame; one that still waits is dropped as [`DropReason::Busy`]. Each frame that is
    /// taken gets exactly one reply. A frame whose header is refused gets it at once and takes no turn.
    ///
    /// The frame is traced under a span `frame` of level `debug`, from here to its reply.
    ///
    /// # Errors
    /// [`DropReason::Busy`] for this frame, when too many replies were not received.
    pub fn offer(
        &self,
        frame_index: u64,
        received: Instant,
        payload: impl Into<FramePayload>,
    ) -> Result<(), DropReason> {
        let permit = self.sender.clone().try_reserve_owned().map_err(|_| DropReason::Busy)?;
        let wants_text = self.selection.as_ref().is_none_or(|selection| selection.text);
        let reading = self.reading.clone().filter(|_| wants_text);
        let span = tracing::debug_span!(FRAME, stream = %self.id, frame_index);
        if let Some(caller) = &self.caller {
            caller.adopt(&span);
        }
        let responder = Responder::new(frame_index, received, permit).traced(span.clone());
        let payload = payload.into();
        match work(&payload, &self.shared.limits) {
            Ok(work) => {
                let selection = self.selection.clone();
                let tag =
                    FrameTag { responder, selection, reading: reading.map(FrameReading::new) };
                let frame = LiveFrame::new(tag, Ok(payload)).traced(span);
                self.shared.offer(self.id, received, work, frame);
            }
            Err(error) => {
                self.shared.with_schedule(|schedule| schedule.charge_refused(self.id));
                responder.send(FrameOutcome::Failed(error.into()));
            }
        }
        Ok(())
    }

    /// Waits for the next reply. The wait can be cancelled and started again at any time.
    pub async fn next_reply(&mut self) -> Reply {
        // The handle keeps a sender, so the channel never closes.
        match self.replies.recv().await {
            Some(reply) => reply,
            None => std::future::pending().await,
        }
    }

    /// Reports how many frames per second this stream would send. Other streams' capacity depends
    /// on it. The report holds until its next frames are overdue, and at least for two seconds.
    pub fn report_offered_rate(&self, fps: f64, now: Instant) {
        self.shared.with_schedule(|schedule| schedule.report_offered_rate(self.id, fps, now));
    }

    /// What there is for this stream, however many frames it sends.
    pub fn capacity(&self, now: Instant) -> Capacity {
        let capacity = self.shared.with_schedule(|schedule| schedule.capacity(self.id, now));
        capacity.expect("the stream is open as long as its handle is there")
    }
}

/// The cost of decoding a frame, as far as its header says.
fn work(payload: &FramePayload, limits: &DecodeLimits) -> Result<DecodeWork, DecodeError> {
    match payload {
        FramePayload::Jpeg(jpeg) => inspect(jpeg, limits),
        FramePayload::Image(_) | FramePayload::Yuv(_) => Ok(DecodeWork::NONE),
    }
}

impl fmt::Debug for StreamHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StreamHandle").field("id", &self.id).finish_non_exhaustive()
    }
}

impl Drop for StreamHandle {
    fn drop(&mut self) {
        let waiting = self.shared.with_schedule(|schedule| schedule.close(self.id));
        drop_frames(waiting, DropReason::Draining);
    }
}
