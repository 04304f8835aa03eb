//! The three threads of an engine, each a loop from one hand-over to the next.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::{Duration, Instant};

use framegate_backend_api::{InputBatch, OutputBatch, Session};
use framegate_models::Detector;
use rayon::ThreadPool;

use super::reply::{DropReason, Outcome, Responder};
use super::service_times::BatchTimes;
use super::shared::Shared;
use crate::engine::finishing::{InferredBatch, finish};
use crate::engine::inference::infer;
use crate::engine::preparation::{Preparation, PreparedFrame, close_gaps};
use crate::engine::rotating::rotating;
use crate::stages::{BoxStage, DecodeLimits};

/// A batch on its way to the device.
pub(super) struct PreparedBatch {
    pipeline: usize,
    frames: Vec<PreparedFrame<Responder>>,
    input: InputBatch,
    prepare: Duration,
}

/// A batch on its way back.
pub(super) struct FinishedRun {
    pipeline: usize,
    batch: InferredBatch<Responder>,
    prepare: Duration,
}

/// The ends of everything that connects the threads.
pub(super) struct Links {
    pub(super) free_inputs: Vec<Receiver<InputBatch>>,
    pub(super) return_inputs: Vec<SyncSender<InputBatch>>,
    pub(super) free_outputs: Vec<Receiver<OutputBatch>>,
    pub(super) return_outputs: Vec<SyncSender<OutputBatch>>,
    pub(super) prepared_sender: SyncSender<PreparedBatch>,
    pub(super) prepared: Receiver<PreparedBatch>,
    pub(super) inferred_sender: SyncSender<FinishedRun>,
    pub(super) inferred: Receiver<FinishedRun>,
}

impl Links {
    pub(super) fn new(detectors: &[Arc<Detector>], max_batch: usize) -> Self {
        let inputs = detectors.iter().map(|detector| {
            rotating(|| InputBatch::new(detector.model.graph.image_shape(), max_batch))
        });
        let (return_inputs, free_inputs) = inputs.unzip();
        let outputs = detectors.iter().map(|_| rotating(OutputBatch::default));
        let (return_outputs, free_outputs) = outputs.unzip();
        let (prepared_sender, prepared) = sync_channel(1);
        let (inferred_sender, inferred) = sync_channel(1);
        Self {
            free_inputs,
            return_inputs,
            free_outputs,
            return_outputs,
            prepared_sender,
            prepared,
            inferred_sender,
            inferred,
        }
    }
}

/// Takes frames by turns and makes batches of them.
pub(super) struct Preparer {
    pub(super) shared: Arc<Shared>,
    pub(super) detectors: Vec<Arc<Detector>>,
    pub(super) pool: Arc<ThreadPool>,
    pub(super) limits: DecodeLimits,
    pub(super) free_inputs: Vec<Receiver<InputBatch>>,
    pub(super) prepared: SyncSender<PreparedBatch>,
}

impl Preparer {
    pub(super) fn run(self) {
        let preparation = |detector| Preparation::new(&self.pool, detector, self.limits);
        let preparations: Vec<_> =
            self.detectors.iter().map(|detector| preparation(&detector.input)).collect();
        // Buffers of batches of which no frame was left.
        let mut spare: Vec<Option<InputBatch>> = self.detectors.iter().map(|_| None).collect();
        while let Some((pipeline, frames)) = self.shared.next_batch() {
            let Some(mut input) =
                spare[pipeline].take().or_else(|| self.free_inputs[pipeline].recv().ok())
            else {
                return;
            };
            let start = Instant::now();
            let frames = preparations[pipeline].fill(frames, &mut input);
            let prepare = start.elapsed();
            // A frame that failed need not wait for the device.
            let (frames, failed): (Vec<_>, Vec<_>) =
                frames.into_iter().partition(|frame| frame.outcome.is_ok());
            for frame in failed {
                if let Err(error) = frame.outcome {
                    frame.origin.answer(Outcome::Failed(error));
                }
            }
            if frames.is_empty() {
                spare[pipeline] = Some(input);
                self.shared.change(|schedule| schedule.batch_given_up());
                continue;
            }
            if self.prepared.send(PreparedBatch { pipeline, frames, input, prepare }).is_err() {
                return;
            }
        }
    }
}

/// Owns the device: runs every pipeline's batches.
pub(super) struct Inferrer {
    pub(super) shared: Arc<Shared>,
    pub(super) sessions: Vec<Box<dyn Session>>,
    pub(super) max_age: Duration,
    pub(super) prepared: Receiver<PreparedBatch>,
    pub(super) return_inputs: Vec<SyncSender<InputBatch>>,
    pub(super) free_outputs: Vec<Receiver<OutputBatch>>,
    pub(super) inferred: SyncSender<FinishedRun>,
}

impl Inferrer {
    pub(super) fn run(mut self) {
        while let Ok(PreparedBatch { pipeline, frames, mut input, prepare }) = self.prepared.recv()
        {
            let Ok(mut outputs) = self.free_outputs[pipeline].recv() else { return };
            let now = Instant::now();
            let (stale, mut frames): (Vec<_>, Vec<_>) = frames
                .into_iter()
                .partition(|frame| now.duration_since(frame.origin.received()) > self.max_age);
            for frame in stale {
                frame.origin.answer(Outcome::Dropped(DropReason::Stale));
            }
            close_gaps(&mut frames, &mut input);
            let inference = if frames.is_empty() {
                self.shared.change(|schedule| schedule.batch_given_up());
                Ok(Duration::ZERO)
            } else {
                let size = frames.len();
                self.shared.change(|schedule| schedule.run_begins(pipeline, size, now));
                let inference = infer(self.sessions[pipeline].as_mut(), &input, &mut outputs);
                self.shared.change(|schedule| schedule.run_ends());
                inference
            };
            // Nobody takes buffers back once the engine stops.
            let _ = self.return_inputs[pipeline].send(input);
            let batch = InferredBatch { frames, outputs, inference };
            if self.inferred.send(FinishedRun { pipeline, batch, prepare }).is_err() {
                return;
            }
        }
    }
}

/// Reads boxes from outputs and answers.
pub(super) struct Finisher {
    pub(super) shared: Arc<Shared>,
    pub(super) boxes: Vec<BoxStage>,
    pub(super) inferred: Receiver<FinishedRun>,
    pub(super) return_outputs: Vec<SyncSender<OutputBatch>>,
    pub(super) on_batch: Box<dyn Fn(usize) + Send>,
}

impl Finisher {
    pub(super) fn run(mut self) {
        while let Ok(FinishedRun { pipeline, batch, prepare }) = self.inferred.recv() {
            let inference = batch.inference.as_ref().ok().copied();
            let start = Instant::now();
            let (frames, outputs) = finish(batch, &mut self.boxes[pipeline]);
            let _ = self.return_outputs[pipeline].send(outputs);
            if frames.is_empty() {
                continue;
            }
            if let Some(infer) = inference {
                let times = BatchTimes { prepare, infer, finish: start.elapsed() };
                let size = frames.len();
                self.shared.ask(|schedule| schedule.measured(pipeline, size, times));
                (self.on_batch)(size);
            }
            for frame in frames {
                frame.origin.answer(match frame.result {
                    Ok(result) => Outcome::Result(result),
                    Err(error) => Outcome::Failed(error),
                });
            }
        }
    }
}

/// Says that the engine has ended when its thread ends, even by a panic.
pub(super) struct EndOnDrop(pub(super) Arc<Shared>);

impl Drop for EndOnDrop {
    fn drop(&mut self) {
        self.0.stop();
        self.0.ended.cancel();
    }
}
