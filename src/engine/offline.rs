//! The path for files and pipes, whose frames can wait: none is dropped, and memory is bounded however
//! many there are.
//!
//! ```text
//! read ─▶ preprocess ──────▶ infer ─────────────▶ postprocess, deliver
//! thread  thread, rayon      thread, the session  the caller's thread
//!            ▲──── inputs ◀────┘ ▲──── outputs ◀────┘
//! ```
//!
//! Two input buffers and two output buffers go back and forth between neighbouring threads, so that each
//! works on one batch while the next works on the batch before. A thread without a free buffer waits.

use std::sync::mpsc::sync_channel;
use std::thread::{self, Scope};
use std::time::Duration;

use framegate_backend_api::{InputBatch, OutputBatch, Session};
use framegate_models::Detector;
use rayon::ThreadPool;
use rayon::iter::{IntoParallelRefMutIterator, ParallelIterator};

use super::batch::{InferredBatch, PreprocessedBatch};
use super::buffer_pool::{BUFFERS, double_buffered};
use super::frame::{FinishedFrame, FrameOrigin, SourceFrame};
use super::postprocessing::postprocess;
use super::preprocessing::{Preprocessors, preprocess_batch};
use super::read_ahead::ReadAhead;
use crate::engine::reading::{ReadOptions, TextReader};
use crate::stages::{BoxStage, DecodeOptions};

/// The offline path for one detector.
pub struct Offline<'a> {
    /// What to detect.
    pub detector: &'a Detector,
    /// Turns raw outputs into detections.
    pub boxes: BoxStage,
    /// Reads what is in the boxes, if that is asked for.
    pub reader: Option<(&'a TextReader, ReadOptions)>,
    /// Where frames are preprocessed.
    pub pool: &'a ThreadPool,
    /// Bounds on decoded frames.
    pub decode: DecodeOptions,
    /// Most frames per batch; the session must have been loaded for this many.
    pub max_batch: usize,
}

impl Offline<'_> {
    /// Runs every frame through the model. `deliver` receives them in the order in which they came, a
    /// batch at a time; when it fails the run ends.
    ///
    /// A batch holds what has been read by the time its first frame is taken, so a slow stream is
    /// processed frame by frame and a fast one in full batches.
    ///
    /// # Errors
    /// The error that `deliver` returned.
    ///
    /// # Panics
    /// If the system cannot start a thread.
    pub fn run<E>(
        mut self,
        session: &mut dyn Session,
        frames: impl Iterator<Item = SourceFrame> + Send + 'static,
        mut deliver: impl FnMut(Vec<FinishedFrame>) -> Result<(), E>,
    ) -> Result<(), E> {
        let image_shape = self.detector.model.graph.image_shape();
        let (return_input, free_inputs) =
            double_buffered(|| InputBatch::new(image_shape, self.max_batch));
        let (return_output, free_outputs) = double_buffered(OutputBatch::default);
        let (preprocessed_sender, preprocessed) =
            sync_channel::<PreprocessedBatch<FrameOrigin>>(BUFFERS);
        let (inferred_sender, inferred) = sync_channel::<InferredBatch<FrameOrigin>>(BUFFERS);
        let preprocessors = Preprocessors::new(&self.detector.input, self.decode);
        let (max_batch, pool) = (self.max_batch, self.pool);
        let (mut read_ahead, stop) = ReadAhead::start(frames, max_batch);

        // Each loop ends when a neighbour has gone, so the end of any one ends them all.
        thread::scope(|scope| {
            spawn(scope, "preprocess", move || {
                while let Ok(input) = free_inputs.recv() {
                    let frames = read_ahead.next_batch(max_batch);
                    if frames.is_empty() {
                        break;
                    }
                    let batch = preprocess_batch(frames, input, &preprocessors, pool);
                    if preprocessed_sender.send(batch).is_err() {
                        break;
                    }
                }
            });
            spawn(scope, "infer", move || {
                for batch in preprocessed {
                    let Ok(mut outputs) = free_outputs.recv() else { break };
                    // Without a good frame there is nothing to run and no frame to fail.
                    let inference = match batch.input.is_empty() {
                        true => Ok(Duration::ZERO),
                        false => batch.infer(session, &mut outputs),
                    };
                    let PreprocessedBatch { frames, input } = batch;
                    // After the last frame, buffers are not taken back.
                    let _ = return_input.send(input);
                    if inferred_sender.send(InferredBatch { frames, outputs, inference }).is_err() {
                        break;
                    }
                }
            });
            let mut delivered = Ok(());
            for batch in inferred {
                let (mut frames, outputs) = postprocess(batch, &mut self.boxes, |_| None);
                let _ = return_output.send(outputs);
                if let Some((reader, how)) = self.reader {
                    pool.install(|| {
                        frames.par_iter_mut().for_each(|frame| read_texts(reader, how, frame));
                    });
                }
                delivered = deliver(frames);
                if delivered.is_err() {
                    break;
                }
            }
            drop(return_output);
            drop(stop);
            delivered
        })
    }
}

/// Reads what is in the boxes of a frame.
fn read_texts(reader: &TextReader, how: ReadOptions, frame: &mut FinishedFrame) {
    if let (Some(payload), Ok(result)) = (&frame.payload, &mut frame.result) {
        reader.read_all(payload.into(), result, how);
    }
}

/// Starts a thread whose name shows profilers and panics what it does.
fn spawn<'scope>(
    scope: &'scope Scope<'scope, '_>,
    name: &str,
    work: impl FnOnce() + Send + 'scope,
) {
    let thread = thread::Builder::new().name(name.to_owned()).spawn_scoped(scope, work);
    thread.expect("the system can start a thread");
}
