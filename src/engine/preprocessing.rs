//! Decode → resize → normalise: the one call into a preprocessor, whatever path its frames take.

use std::sync::Mutex;
use std::time::Instant;

use framegate_backend_api::InputBatch;
use framegate_models::detector::ImageInput;
use rayon::ThreadPool;
use rayon::prelude::*;

use super::batch::{BatchImage, PreprocessedBatch, PreprocessedFrame, compact_batch};
use super::frame::{Frame, FrameError, FramePayload, SourceFrame};
use super::panics;
use crate::locks::unpoisoned;
use crate::stages::{DecodeError, DecodeOptions, FittedImage, Preprocessed, Preprocessor};

/// A buffer of a live frame's preprocessor that has grown beyond this is given back: 12 MiB are four megapixels.
const KEPT_BYTES: usize = 12 << 20;

/// The preprocessors of one model input: as many as there were frames at once.
pub(crate) struct Preprocessors {
    input: ImageInput,
    decode: DecodeOptions,
    /// Those that no frame is using.
    idle: Mutex<Vec<Preprocessor>>,
}

impl Preprocessors {
    pub(crate) fn new(input: &ImageInput, decode: DecodeOptions) -> Self {
        Self { input: input.clone(), decode, idle: Mutex::default() }
    }

    /// Decodes, resizes and normalises a frame into a slot of a batch.
    ///
    /// # Errors
    /// [`FrameError`] when the frame cannot be decoded or exceeds a limit, or after a panic.
    pub(crate) fn preprocess(
        &self,
        frame: Frame<'_>,
        slot: &mut [f32],
    ) -> Result<Preprocessed, FrameError> {
        let preprocessed = self.lend(|preprocessor| match frame {
            Frame::Jpeg(jpeg) => preprocessor.preprocess(jpeg, slot),
            Frame::Image(image) => preprocessor.preprocess_image(image, slot),
            Frame::Yuv(image) => preprocessor.preprocess_yuv(image, slot),
            Frame::Rows(rows) => preprocessor.preprocess_rows(rows, slot),
        })??;
        warn_of_damage(preprocessed.lost);
        Ok(preprocessed)
    }

    /// The first half of this for a live frame: decodes and resizes it into `image`, by as many threads as are given.
    ///
    /// # Errors
    /// [`FrameError`] outside after a panic; inside, why the frame cannot be decoded, or that the deadline has passed.
    pub(super) fn resize(
        &self,
        payload: &FramePayload,
        threads: usize,
        deadline: Instant,
        image: &mut FittedImage,
    ) -> Result<Result<(), DecodeError>, FrameError> {
        self.lend(|preprocessor| {
            preprocessor.share(threads);
            let resized = match payload {
                FramePayload::Jpeg(jpeg) => preprocessor.fit(jpeg, deadline, image),
                FramePayload::Image(decoded) => preprocessor.fit_image(decoded, image),
                FramePayload::Yuv(decoded) => preprocessor.fit_yuv(decoded, image),
            };
            preprocessor.shrink(KEPT_BYTES);
            resized
        })
    }

    /// Works with a preprocessor that no frame is using. After a panic it is not used again: its buffers may be half
    /// written.
    fn lend<T>(&self, work: impl FnOnce(&mut Preprocessor) -> T) -> Result<T, FrameError> {
        let idle = unpoisoned(self.idle.lock()).pop();
        panics::contain("preprocess", || {
            let mut preprocessor =
                idle.unwrap_or_else(|| Preprocessor::new(&self.input, self.decode));
            let done = work(&mut preprocessor);
            unpoisoned(self.idle.lock()).push(preprocessor);
            done
        })
    }
}

/// Preprocesses up to a batch of frames, each in a task of its own. The batch then holds the good ones, without gaps.
pub(super) fn preprocess_batch<T: Send>(
    frames: Vec<SourceFrame<T>>,
    mut input: InputBatch,
    preprocessors: &Preprocessors,
    pool: &ThreadPool,
) -> PreprocessedBatch<T> {
    let slots: Vec<&mut [f32]> = input.slots_mut().collect();
    let mut frames: Vec<PreprocessedFrame<T>> = pool.install(|| {
        let tasks = frames.into_par_iter().zip(slots).enumerate();
        tasks.map(|(index, (frame, slot))| preprocess(frame, index, slot, preprocessors)).collect()
    });
    compact_batch(&mut frames, &mut input);
    PreprocessedBatch { frames, input }
}

fn preprocess<T>(
    frame: SourceFrame<T>,
    index: usize,
    slot: &mut [f32],
    preprocessors: &Preprocessors,
) -> PreprocessedFrame<T> {
    let SourceFrame { tag, payload, span } = frame;
    let (payload, image) = match payload {
        Ok(payload) => {
            let written = span.in_scope(|| preprocessors.preprocess((&payload).into(), slot));
            let image = written.map(|preprocessed| BatchImage { index, preprocessed });
            (Some(payload), image)
        }
        Err(error) => (None, Err(error)),
    };
    PreprocessedFrame { tag, payload, span, image }
}

/// Logs that some of a JPEG's MCUs were lost to damage, which is only let pass if that is allowed.
pub(crate) fn warn_of_damage(lost_mcus: usize) {
    if lost_mcus > 0 {
        tracing::warn!(lost_mcus, "damaged data: a part of the frame is grey");
    }
}
