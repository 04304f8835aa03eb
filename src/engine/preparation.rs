//! Frames into a batch: decode → resize → normalise, one rayon task a frame.

use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use framegate_backend_api::InputBatch;
use framegate_models::detector::ImageInput;
use rayon::ThreadPool;
use rayon::prelude::*;

use super::{FrameError, SourceFrame, panics};
use crate::stages::{DecodeLimits, Preprocessed, Preprocessor};

/// Prepares frames on a thread pool.
pub(super) struct Preparation<'a> {
    pool: &'a ThreadPool,
    input: &'a ImageInput,
    limits: DecodeLimits,
    /// Scratch memory that no frame is using: never more of it than frames prepared at once.
    idle: Mutex<Vec<Preprocessor>>,
}

/// A frame after preparation.
pub(super) struct PreparedFrame<O> {
    pub(super) origin: O,
    pub(super) jpeg: Bytes,
    pub(super) outcome: Result<BatchImage, FrameError>,
}

/// Where in the batch a frame's image is, and what became of it on the way.
#[derive(Debug, Clone, Copy)]
pub(super) struct BatchImage {
    pub(super) index: usize,
    pub(super) preprocessed: Preprocessed,
}

impl<'a> Preparation<'a> {
    pub(super) fn new(pool: &'a ThreadPool, input: &'a ImageInput, limits: DecodeLimits) -> Self {
        Self { pool, input, limits, idle: Mutex::new(Vec::new()) }
    }

    /// Prepares up to a batch of frames. The batch then holds the good ones, without gaps.
    pub(super) fn fill<O: Send>(
        &self,
        frames: Vec<SourceFrame<O>>,
        batch: &mut InputBatch,
    ) -> Vec<PreparedFrame<O>> {
        let slots: Vec<&mut [f32]> = batch.slots_mut().collect();
        let mut prepared: Vec<PreparedFrame<O>> = self.pool.install(|| {
            let tasks = frames.into_par_iter().zip(slots).enumerate();
            tasks.map(|(index, (frame, slot))| self.prepare(frame, index, slot)).collect()
        });
        close_gaps(&mut prepared, batch);
        prepared
    }

    fn prepare<O>(
        &self,
        frame: SourceFrame<O>,
        index: usize,
        slot: &mut [f32],
    ) -> PreparedFrame<O> {
        let SourceFrame { origin, jpeg } = frame;
        let (jpeg, outcome) = match jpeg {
            Ok(jpeg) => {
                let outcome = self.preprocess(&jpeg, slot);
                (jpeg, outcome.map(|preprocessed| BatchImage { index, preprocessed }))
            }
            Err(error) => (Bytes::new(), Err(error)),
        };
        PreparedFrame { origin, jpeg, outcome }
    }

    fn preprocess(&self, jpeg: &[u8], slot: &mut [f32]) -> Result<Preprocessed, FrameError> {
        let idle = || self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let preprocessor = idle().pop();
        panics::contain("preprocess", || {
            let mut preprocessor =
                preprocessor.unwrap_or_else(|| Preprocessor::new(self.input, self.limits));
            let preprocessed = preprocessor.preprocess(jpeg, slot);
            // A panic never comes here: scratch memory it left half written is not used again.
            idle().push(preprocessor);
            preprocessed
        })?
        .map_err(FrameError::from)
    }
}

/// Moves the good images to the front of the batch, in order, and sets its length to their number.
pub(super) fn close_gaps<O>(frames: &mut [PreparedFrame<O>], batch: &mut InputBatch) {
    let mut filled = 0;
    for image in frames.iter_mut().filter_map(|frame| frame.outcome.as_mut().ok()) {
        let mut slots = batch.slots_mut().skip(filled);
        if let (true, Some(gap)) = (image.index > filled, slots.next())
            && let Some(source) = slots.nth(image.index - filled - 1)
        {
            gap.copy_from_slice(source);
            image.index = filled;
        }
        filled += 1;
    }
    batch.set_len(filled);
}
