//! Decodes and resizes frames, each on its own, and normalises those that are ready into a batch.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use framegate_backend_api::InputBatch;
use framegate_models::detector::ImageInput;
use rayon::ThreadPool;
use rayon::prelude::*;
use tracing::Span;

use super::reply::{DropReason, FrameOutcome};
use super::tag::{FrameTag, LiveFrame};
use crate::engine::batch::{BatchImage, PreprocessedBatch, PreprocessedFrame};
use crate::engine::frame::{FrameError, FramePayload};
use crate::engine::panics;
use crate::engine::preprocessing::Preprocessors;
use crate::locks::unpoisoned;
use crate::stages::{DecodeError, DecodeOptions, FittedImage, Normaliser};

/// Longest that a worker decodes one frame, however young that is.
const DECODE_BUDGET: Duration = Duration::from_secs(1);

/// A frame that is decoded and resized.
pub(super) struct ResizedFrame {
    pub(super) tag: FrameTag,
    pub(super) span: Span,
    image: FittedImage,
}

/// Preprocesses the frames of one pipeline.
pub(super) struct FramePreprocessor {
    preprocessors: Preprocessors,
    max_age: Duration,
    normaliser: Normaliser,
    /// Images that were normalised, to be used again: never more than a batch.
    spare: Mutex<Vec<FittedImage>>,
    max_batch: usize,
}

impl FramePreprocessor {
    pub(super) fn new(
        input: &ImageInput,
        decode: DecodeOptions,
        max_age: Duration,
        max_batch: usize,
    ) -> Self {
        Self {
            preprocessors: Preprocessors::new(input, decode),
            max_age,
            normaliser: Normaliser::new(input),
            spare: Mutex::default(),
            max_batch,
        }
    }

    /// Decodes and resizes a frame, unless it grows too old meanwhile or its budget is spent. A frame that
    /// fails is replied to. As many threads as are given may share the work.
    pub(super) fn resize(&self, frame: LiveFrame, threads: usize) -> Option<ResizedFrame> {
        let LiveFrame { mut tag, payload, span } = frame;
        let stale_at = tag.responder.received() + self.max_age;
        let deadline = stale_at.min(Instant::now() + DECODE_BUDGET);
        let mut image = unpoisoned(self.spare.lock()).pop().unwrap_or_default();
        let resized = payload.and_then(|payload| {
            let resized = span.in_scope(|| {
                self.resize_payload(&payload, threads, deadline, stale_at, &mut image)
            });
            if let (Ok(ResizeOutcome::Ready), Some(reading)) = (&resized, &mut tag.reading) {
                reading.keep(payload, &image);
            }
            resized
        });
        match resized {
            Ok(ResizeOutcome::Ready) => Some(ResizedFrame { tag, span, image }),
            Ok(ResizeOutcome::TooOld) => {
                tag.responder.send(FrameOutcome::Dropped(DropReason::Stale));
                None
            }
            Err(error) => {
                tag.responder.send(FrameOutcome::Failed(error));
                None
            }
        }
    }

    fn resize_payload(
        &self,
        payload: &FramePayload,
        threads: usize,
        deadline: Instant,
        stale_at: Instant,
        image: &mut FittedImage,
    ) -> Result<ResizeOutcome, FrameError> {
        if Instant::now() >= stale_at {
            return Ok(ResizeOutcome::TooOld);
        }
        match self.preprocessors.resize(payload, threads, deadline, image)? {
            Ok(()) => Ok(ResizeOutcome::Ready),
            Err(DecodeError::TookTooLong) if deadline == stale_at => Ok(ResizeOutcome::TooOld),
            Err(error) => Err(error.into()),
        }
    }

    /// Writes frames into a batch, all at once if there are several.
    pub(super) fn fill(
        &self,
        frames: Vec<ResizedFrame>,
        pool: &ThreadPool,
        mut input: InputBatch,
    ) -> PreprocessedBatch<FrameTag> {
        let count = frames.len();
        let tasks: Vec<_> = frames.into_iter().zip(input.slots_mut()).enumerate().collect();
        let work = |(index, (frame, slot)): (usize, (ResizedFrame, &mut [f32]))| {
            self.normalise(frame, index, slot)
        };
        let frames = match count {
            1 => tasks.into_iter().map(work).collect(),
            _ => pool.install(|| tasks.into_par_iter().map(work).collect()),
        };
        input.set_len(count);
        PreprocessedBatch { frames, input }
    }

    fn normalise(
        &self,
        frame: ResizedFrame,
        index: usize,
        slot: &mut [f32],
    ) -> PreprocessedFrame<FrameTag> {
        let ResizedFrame { tag, span, image } = frame;
        let normalised = panics::contain("normalise", || {
            span.in_scope(|| image.normalise(&self.normaliser, slot))
        });
        let mut spare = unpoisoned(self.spare.lock());
        if spare.len() < self.max_batch {
            spare.push(image);
        }
        drop(spare);
        let missing = || FrameError::pipeline_failure("a bug: a frame is ready without an image");
        let image = normalised
            .and_then(|preprocessed| preprocessed.ok_or_else(missing))
            .map(|preprocessed| BatchImage { index, preprocessed });
        PreprocessedFrame { tag, payload: None, span, image }
    }
}

/// The end of a frame that could be read.
enum ResizeOutcome {
    Ready,
    TooOld,
}
