//! Reads what is in the boxes of a stream's frames, beside the path that other frames take.
//!
//! A frame with boxes to read leaves the thread `postprocess` for the workers of the slow lane. Frames of its stream that come
//! meanwhile wait for it, so that results stay in order; those of other streams do not.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rayon::ThreadPool;

use super::reply::{FrameOutcome, Responder};
use crate::engine::frame::{FrameError, FramePayload, FrameResult};
use crate::engine::panics;
use crate::engine::reading::{KnownTexts, TextReader, Thumbnail};
use crate::locks::unpoisoned;
use crate::stages::{Detection, FittedImage, Stage};

/// The second stage of one stream.
pub(super) struct StreamReading {
    reader: Arc<TextReader>,
    /// Charges the stream for the time that a worker took.
    charge: Box<dyn Fn(Duration) + Send + Sync>,
    /// Longest that the boxes of a frame are worked on.
    budget: Duration,
    pending: Mutex<PendingReplies>,
}

/// Frames in the order of their replies. There are never more than the stream has frames under way.
struct PendingReplies {
    frames: VecDeque<Found>,
    /// Texts that the stream has seen; with the worker that takes one frame after the other, while it does.
    known: Option<KnownTexts>,
}

/// A frame in which boxes were looked for.
pub(super) struct Found {
    pub(super) responder: Responder,
    /// If its codes are read.
    pub(super) reading: Option<FrameReading>,
    pub(super) result: Result<FrameResult, FrameError>,
}

/// One frame, as far as reading needs it beside its detections.
pub(super) struct FrameReading {
    stream: Arc<StreamReading>,
    frame: Option<(FramePayload, Thumbnail)>,
}

impl FrameReading {
    pub(super) fn new(stream: Arc<StreamReading>) -> Self {
        Self { stream, frame: None }
    }

    /// Keeps a frame that was resized.
    pub(super) fn keep(&mut self, payload: FramePayload, fitted: &FittedImage) {
        self.frame = Thumbnail::of(fitted).map(|thumbnail| (payload, thumbnail));
    }
}

impl StreamReading {
    pub(super) fn new(
        reader: Arc<TextReader>,
        budget: Duration,
        charge: impl Fn(Duration) + Send + Sync + 'static,
    ) -> Self {
        let known = Some(KnownTexts::new(Instant::now(), reader.lifetime()));
        let pending = Mutex::new(PendingReplies { frames: VecDeque::new(), known });
        Self { reader, charge: Box::new(charge), budget, pending }
    }

    /// Sends a frame's reply: at once if there is nothing to read and no reply before it, else from a worker.
    fn submit(self: Arc<Self>, found: Found, workers: &ThreadPool) {
        let has_work = self.has_work(&found);
        let mut pending = unpoisoned(self.pending.lock());
        if !has_work && pending.known.is_some() {
            drop(pending);
            return found.send();
        }
        pending.frames.push_back(found);
        let known = pending.known.take();
        drop(pending);
        if let Some(known) = known {
            workers.spawn(move || self.work(known));
        }
    }

    fn has_work(&self, found: &Found) -> bool {
        let is_read = |detection: &Detection| self.reader.reads(detection);
        found.result.as_ref().is_ok_and(|result| result.detections.iter().any(is_read))
    }

    fn work(&self, mut known: KnownTexts) {
        loop {
            let mut pending = unpoisoned(self.pending.lock());
            let Some(mut found) = pending.frames.pop_front() else {
                pending.known = Some(known);
                return;
            };
            drop(pending);
            // The hook reports a panic; the frame keeps what was read before.
            let _ = panics::contain("reading", || self.read(&mut found, &mut known));
            found.send();
        }
    }

    fn read(&self, found: &mut Found, known: &mut KnownTexts) {
        let reading = found.reading.take().and_then(|reading| reading.frame);
        let (Ok(result), Some((payload, thumbnail))) = (&mut found.result, reading) else { return };
        let detections = result.detections.iter_mut();
        let detections: Vec<_> = detections.filter(|found| self.reader.reads(found)).collect();
        if detections.is_empty() {
            return;
        }
        let received = found.responder.received();
        let span = found.responder.span();
        let _entered = span.enter();
        result.timings.measure(Stage::Read, || {
            known.complete(received, &thumbnail, detections, |unread| {
                self.reader.read((&payload).into(), unread, Instant::now() + self.budget);
            });
        });
        (self.charge)(result.timings[Stage::Read]);
    }
}

impl Found {
    /// Sends the reply, after those of earlier frames of its stream that are being read.
    pub(super) fn send_in_order(self, workers: &ThreadPool) {
        match &self.reading {
            Some(reading) => Arc::clone(&reading.stream).submit(self, workers),
            None => self.send(),
        }
    }

    fn send(self) {
        self.responder.send(match self.result {
            Ok(result) => FrameOutcome::Result(result),
            Err(error) => FrameOutcome::Failed(error),
        });
    }
}
