//! Frames that wait for us, files or a stream that can be held up: none is dropped, and memory is
//! bounded however many there are.
//!
//! ```text
//! read ─▶ prepare ─────────▶ infer ─────────────▶ finish, deliver
//! thread  thread, rayon      thread, the session   the caller's thread
//!            ▲──── inputs ◀────┘ ▲──── outputs ◀────┘
//! ```
//!
//! Two input buffers and two output buffers rotate between neighbours, so that each step works on
//! one batch while the next step works on the one before. A step without a free buffer waits.

use std::sync::mpsc::sync_channel;
use std::thread;
use std::time::Duration;

use framegate_backend_api::{InputBatch, OutputBatch, Session};
use framegate_models::Detector;
use rayon::ThreadPool;

use super::finishing::{InferredBatch, finish};
use super::inference::infer;
use super::preparation::{Preparation, PreparedFrame};
use super::read_ahead::ReadAhead;
use super::rotating::{ROTATING_BUFFERS, rotating};
use super::{FinishedFrame, FrameOrigin, SourceFrame};
use crate::stages::{BoxStage, DecodeLimits};

/// The offline path for one detector.
pub struct Offline<'a> {
    /// What to detect.
    pub detector: &'a Detector,
    /// Turns raw outputs into detections.
    pub boxes: BoxStage,
    /// Where frames are prepared.
    pub pool: &'a ThreadPool,
    /// Bounds on decoded frames.
    pub limits: DecodeLimits,
    /// Most frames in a batch; the session must have been loaded for as many.
    pub max_batch: usize,
}

struct PreparedBatch {
    frames: Vec<PreparedFrame<FrameOrigin>>,
    input: InputBatch,
}

impl Offline<'_> {
    /// Runs every frame through the model. `deliver` gets them in the order they came, a batch at a
    /// time; when it fails the run ends there.
    ///
    /// A batch is what has been read when its first frame is taken up, so a slow stream is answered
    /// frame by frame and a fast one in full batches.
    ///
    /// # Errors
    /// What `deliver` failed with.
    pub fn run<E>(
        mut self,
        session: &mut dyn Session,
        frames: impl Iterator<Item = SourceFrame> + Send + 'static,
        mut deliver: impl FnMut(Vec<FinishedFrame>) -> Result<(), E>,
    ) -> Result<(), E> {
        let image_shape = self.detector.model.graph.image_shape();
        let (return_input, free_inputs) = rotating(|| InputBatch::new(image_shape, self.max_batch));
        let (return_output, free_outputs) = rotating(OutputBatch::default);
        let (prepared_sender, prepared) = sync_channel::<PreparedBatch>(ROTATING_BUFFERS);
        let (inferred_sender, inferred) =
            sync_channel::<InferredBatch<FrameOrigin>>(ROTATING_BUFFERS);
        let preparation = Preparation::new(self.pool, &self.detector.input, self.limits);
        let max_batch = self.max_batch;
        let (mut read_ahead, stop) = ReadAhead::start(frames, max_batch);

        // Each loop ends when a neighbour is gone, so that the end of any one ends them all.
        thread::scope(|scope| {
            scope.spawn(move || {
                while let Ok(mut input) = free_inputs.recv() {
                    let frames = read_ahead.next_batch(max_batch);
                    if frames.is_empty() {
                        break;
                    }
                    let frames = preparation.fill(frames, &mut input);
                    if prepared_sender.send(PreparedBatch { frames, input }).is_err() {
                        break;
                    }
                }
            });
            scope.spawn(move || {
                for PreparedBatch { frames, input } in prepared {
                    let Ok(mut outputs) = free_outputs.recv() else { break };
                    // Without any good frame there is nothing to run and nobody to tell.
                    let inference = match input.is_empty() {
                        true => Ok(Duration::ZERO),
                        false => infer(session, &input, &mut outputs),
                    };
                    // After the last frame nobody takes buffers back.
                    let _ = return_input.send(input);
                    if inferred_sender.send(InferredBatch { frames, outputs, inference }).is_err() {
                        break;
                    }
                }
            });
            let mut delivered = Ok(());
            for batch in inferred {
                let (frames, outputs) = finish(batch, &mut self.boxes);
                let _ = return_output.send(outputs);
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
