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
use crate::engine::batch::{BatchImage, PreprocessedFrame};
use crate::engine::frame::{FrameError, FramePayload};
use crate::engine::panics;
use crate::locks::unpoisoned;
use crate::stages::{DecodeError, DecodeOptions, FittedImage, Normaliser, Preprocessor};

/// Longest that a worker decodes one frame, however young that is.
const DECODE_BUDGET: Duration = Duration::from_secs(1);
/// A buffer of a worker that has grown beyond this is given back after the frame: 12 MiB are four megapixels.
const KEPT_BYTES: usize = 12 << 20;

/// A frame that is decoded and resized.
pub(super) struct FittedFrame {
    pub(super) tag: FrameTag,
    pub(super) span: Span,
    image: FittedImage,
}

/// Preprocesses the frames of one pipeline.
pub(super) struct Fitting {
    input: ImageInput,
    decode: DecodeOptions,
    max_age: Duration,
    normaliser: Normaliser,
    /// Scratch memory that no frame is using: never more than there were frames at once.
    idle: Mutex<Vec<Preprocessor>>,
    /// Images that were normalised, to be used again: never more than a batch.
    spare: Mutex<Vec<FittedImage>>,
    max_batch: usize,
}

impl Fitting {
    pub(super) fn new(
        input: &ImageInput,
        decode: DecodeOptions,
        max_age: Duration,
        max_batch: usize,
    ) -> Self {
        Self {
            input: input.clone(),
            decode,
            max_age,
            normaliser: Normaliser::new(input),
            idle: Mutex::default(),
            spare: Mutex::default(),
            max_batch,
        }
    }

    /// Decodes and resizes a frame, unless it grows too old meanwhile or its budget is spent. A frame that
    /// fails is replied to. As many threads as are given may share the work.
    pub(super) fn fit(&self, frame: LiveFrame, threads: usize) -> Option<FittedFrame> {
        let LiveFrame { mut tag, payload, span } = frame;
        let stale_at = tag.responder.received() + self.max_age;
        let deadline = stale_at.min(Instant::now() + DECODE_BUDGET);
        let mut image = unpoisoned(self.spare.lock()).pop().unwrap_or_default();
        let fitted = payload.and_then(|payload| {
            let fit = span
                .in_scope(|| self.fit_payload(&payload, threads, deadline, stale_at, &mut image));
            if let (Ok(Fit::Ready), Some(reading)) = (&fit, &mut tag.reading) {
                reading.keep(payload, &image);
            }
            fit
        });
        match fitted {
            Ok(Fit::Ready) => Some(FittedFrame { tag, span, image }),
            Ok(Fit::TooOld) => {
                tag.responder.send(FrameOutcome::Dropped(DropReason::Stale));
                None
            }
            Err(error) => {
                tag.responder.send(FrameOutcome::Failed(error));
                None
            }
        }
    }

    fn fit_payload(
        &self,
        payload: &FramePayload,
        threads: usize,
        deadline: Instant,
        stale_at: Instant,
        image: &mut FittedImage,
    ) -> Result<Fit, FrameError> {
        if Instant::now() >= stale_at {
            return Ok(Fit::TooOld);
        }
        let preprocessor = unpoisoned(self.idle.lock()).pop();
        let fitted = panics::contain("preprocess", || {
            let mut preprocessor =
                preprocessor.unwrap_or_else(|| Preprocessor::new(&self.input, self.decode));
            preprocessor.share(threads);
            let fitted = match payload {
                FramePayload::Jpeg(jpeg) => preprocessor.fit(jpeg, deadline, image),
                FramePayload::Image(decoded) => preprocessor.fit_image(decoded, image),
                FramePayload::Yuv(decoded) => preprocessor.fit_yuv(decoded, image),
            };
            preprocessor.shrink(KEPT_BYTES);
            // Not reached after a panic: scratch memory that was left half written is not used again.
            unpoisoned(self.idle.lock()).push(preprocessor);
            fitted
        })?;
        match fitted {
            Ok(()) => Ok(Fit::Ready),
            Err(DecodeError::TookTooLong) if deadline == stale_at => Ok(Fit::TooOld),
            Err(error) => Err(error.into()),
        }
    }

    /// Writes frames into a batch, all at once if there are several.
    pub(super) fn fill(
        &self,
        frames: Vec<FittedFrame>,
        pool: &ThreadPool,
        batch: &mut InputBatch,
    ) -> Vec<PreprocessedFrame<FrameTag>> {
        let count = frames.len();
        let tasks: Vec<_> = frames.into_iter().zip(batch.slots_mut()).enumerate().collect();
        let work = |(index, (frame, slot)): (usize, (FittedFrame, &mut [f32]))| {
            self.normalise(frame, index, slot)
        };
        let frames = match count {
            1 => tasks.into_iter().map(work).collect(),
            _ => pool.install(|| tasks.into_par_iter().map(work).collect()),
        };
        batch.set_len(count);
        frames
    }

    fn normalise(
        &self,
        frame: FittedFrame,
        index: usize,
        slot: &mut [f32],
    ) -> PreprocessedFrame<FrameTag> {
        let FittedFrame { tag, span, image } = frame;
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
enum Fit {
    Ready,
    TooOld,
}
