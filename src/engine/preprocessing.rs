//! Fills a batch with frames: decode → resize → normalise, one rayon task per frame.

use std::sync::Mutex;

use framegate_backend_api::InputBatch;
use framegate_models::detector::ImageInput;
use rayon::ThreadPool;
use rayon::prelude::*;

use super::batch::{BatchImage, PreprocessedFrame, compact_batch};
use super::frame::{FrameError, FramePayload, SourceFrame};
use super::panics;
use crate::locks::unpoisoned;
use crate::stages::{DecodeOptions, Preprocessed, Preprocessor};

/// Preprocesses frames for one model on a thread pool.
pub(super) struct Preprocessing<'a> {
    pool: &'a ThreadPool,
    input: &'a ImageInput,
    decode: DecodeOptions,
    /// Scratch memory that no frame is using: never more than there were frames at once.
    idle: Mutex<Vec<Preprocessor>>,
}

impl<'a> Preprocessing<'a> {
    pub(super) fn new(pool: &'a ThreadPool, input: &'a ImageInput, decode: DecodeOptions) -> Self {
        Self { pool, input, decode, idle: Mutex::new(Vec::new()) }
    }

    /// Preprocesses up to a batch of frames. The batch then holds the good ones, without gaps.
    pub(super) fn fill<T: Send>(
        &self,
        frames: Vec<SourceFrame<T>>,
        batch: &mut InputBatch,
    ) -> Vec<PreprocessedFrame<T>> {
        let slots: Vec<&mut [f32]> = batch.slots_mut().collect();
        let mut preprocessed: Vec<PreprocessedFrame<T>> = self.pool.install(|| {
            let tasks = frames.into_par_iter().zip(slots).enumerate();
            tasks.map(|(index, (frame, slot))| self.preprocess(frame, index, slot)).collect()
        });
        compact_batch(&mut preprocessed, batch);
        preprocessed
    }

    fn preprocess<T>(
        &self,
        frame: SourceFrame<T>,
        index: usize,
        slot: &mut [f32],
    ) -> PreprocessedFrame<T> {
        let SourceFrame { tag, payload, span } = frame;
        let (payload, image) = match payload {
            Ok(payload) => {
                let written = span.in_scope(|| self.write(&payload, slot));
                let image = written.map(|preprocessed| BatchImage { index, preprocessed });
                (Some(payload), image)
            }
            Err(error) => (None, Err(error)),
        };
        PreprocessedFrame { tag, payload, span, image }
    }

    fn write(&self, payload: &FramePayload, slot: &mut [f32]) -> Result<Preprocessed, FrameError> {
        let preprocessor = unpoisoned(self.idle.lock()).pop();
        let written = panics::contain("preprocess", || {
            let mut preprocessor =
                preprocessor.unwrap_or_else(|| Preprocessor::new(self.input, self.decode));
            let preprocessed = preprocess_payload(&mut preprocessor, payload, slot);
            // Not reached after a panic: scratch memory that was left half written is not used again.
            unpoisoned(self.idle.lock()).push(preprocessor);
            preprocessed
        })?;
        if let Ok(Preprocessed { lost: lost @ 1.., .. }) = written {
            tracing::warn!(lost_mcus = lost, "damaged data: a part of the frame is grey");
        }
        written
    }
}

/// Writes a frame of any form into a slot of a batch.
pub(crate) fn preprocess_payload(
    preprocessor: &mut Preprocessor,
    payload: &FramePayload,
    slot: &mut [f32],
) -> Result<Preprocessed, FrameError> {
    Ok(match payload {
        FramePayload::Jpeg(jpeg) => preprocessor.preprocess(jpeg, slot),
        FramePayload::Image(image) => preprocessor.preprocess_image(image, slot),
        FramePayload::Yuv(image) => preprocessor.preprocess_yuv(image, slot),
    }?)
}
