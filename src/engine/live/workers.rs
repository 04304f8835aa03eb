//! The three threads of an engine, each a loop from one hand-over to the next.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::{Duration, Instant};

use framegate_backend_api::{InputBatch, OutputBatch, Session};
use framegate_models::Detector;
use rayon::ThreadPool;

use super::decode_threads::DecodeThreads;
use super::first_measurement;
use super::frame_preprocessor::{FramePreprocessor, ResizedFrame};
use super::ids::PipelineId;
use super::lanes::Lane;
use super::mailboxes::Dispatched;
use super::reading::Found;
use super::reply::{DropReason, FrameOutcome};
use super::service_times::BatchTimes;
use super::shared::{Assignment, Shared};
use super::tag::{FrameTag, LiveFrame};
use crate::engine::batch::{InferredBatch, PreprocessedBatch, compact_batch};
use crate::engine::buffer_pool::double_buffered;
use crate::engine::frame::FinishedFrame;
use crate::engine::panics;
use crate::engine::postprocessing::postprocess;
use crate::stages::BoxStage;

/// A batch on its way to the device.
pub(super) struct NextRun {
    pipeline: PipelineId,
    batch: PreprocessedBatch<FrameTag>,
}

/// A batch on its way back from the device.
pub(super) struct FinishedRun {
    pipeline: PipelineId,
    batch: InferredBatch<FrameTag>,
    /// The batch took as long as others will: no device was lost meanwhile.
    is_typical: bool,
}

/// The ends of everything that connects the threads. Buffers are per pipeline.
pub(super) struct Links {
    pub(super) free_inputs: Vec<Receiver<InputBatch>>,
    pub(super) return_inputs: Vec<SyncSender<InputBatch>>,
    pub(super) free_outputs: Vec<Receiver<OutputBatch>>,
    pub(super) return_outputs: Vec<SyncSender<OutputBatch>>,
    pub(super) preprocessed_sender: SyncSender<NextRun>,
    pub(super) preprocessed: Receiver<NextRun>,
    pub(super) inferred_sender: SyncSender<FinishedRun>,
    pub(super) inferred: Receiver<FinishedRun>,
}

impl Links {
    pub(super) fn new(detectors: &[Arc<Detector>], max_batch: usize) -> Self {
        let inputs = detectors.iter().map(|detector| {
            double_buffered(|| InputBatch::new(detector.model.graph.image_shape(), max_batch))
        });
        let (return_inputs, free_inputs) = inputs.unzip();
        let outputs = detectors.iter().map(|_| double_buffered(OutputBatch::default));
        let (return_outputs, free_outputs) = outputs.unzip();
        let (preprocessed_sender, preprocessed) = sync_channel(1);
        let (inferred_sender, inferred) = sync_channel(1);
        Self {
            free_inputs,
            return_inputs,
            free_outputs,
            return_outputs,
            preprocessed_sender,
            preprocessed,
            inferred_sender,
            inferred,
        }
    }
}

/// Follows the schedule: has frames preprocessed, and makes batches of those that are ready.
pub(super) struct PreprocessWorker {
    pub(super) shared: Arc<Shared>,
    /// One for each pipeline.
    pub(super) preprocessors: Vec<Arc<FramePreprocessor>>,
    pub(super) pool: Arc<ThreadPool>,
    /// Workers for expensive frames.
    pub(super) slow: Arc<ThreadPool>,
    /// Which of them frames have: of the pool, and of the workers for expensive frames.
    pub(super) decode_threads: [Arc<DecodeThreads>; Lane::ALL.len()],
    pub(super) free_inputs: Vec<Receiver<InputBatch>>,
    pub(super) preprocessed: SyncSender<NextRun>,
}

impl PreprocessWorker {
    pub(super) fn run(self) {
        while let Some(assignment) = self.shared.next_assignment() {
            match assignment {
                Assignment::Preprocess(tasks) => {
                    tasks.into_iter().for_each(|task| self.preprocess(task))
                }
                Assignment::Batch(pipeline, frames) => {
                    if self.form_batch(pipeline, frames).is_none() {
                        return;
                    }
                }
            }
        }
    }

    fn preprocess(&self, dispatched: Dispatched<LiveFrame>) {
        let Dispatched { mut frame, record } = dispatched;
        if record.is_ageless() {
            frame.tag.responder.restart_age();
        }
        let preprocessor = Arc::clone(&self.preprocessors[record.pipeline().index()]);
        let shared = Arc::clone(&self.shared);
        let pool = match record.lane() {
            Lane::Fast => &*self.pool,
            Lane::Slow => &self.slow,
        };
        let lane = Arc::clone(&self.decode_threads[record.lane() as usize]);
        pool.spawn_fifo(move || {
            let share = lane.acquire(frame.payload.as_ref().ok());
            // Nothing in it is expected to panic that is not caught before; a lost frame is replied to.
            let resized =
                panics::contain("preprocess", || preprocessor.resize(frame, share.threads()))
                    .unwrap_or(None);
            let worker = share.worker_time();
            drop(share);
            shared.preprocessed(record, worker, resized);
        });
    }

    /// Passes a batch on to the device; `None` if its thread has ended.
    fn form_batch(&self, pipeline: PipelineId, frames: Vec<ResizedFrame>) -> Option<()> {
        let index = pipeline.index();
        let input = self.free_inputs[index].recv().ok()?;
        let batch = self.preprocessors[index].fill(frames, &self.pool, input);
        self.preprocessed.send(NextRun { pipeline, batch }).ok()
    }
}

/// Owns the device: runs every pipeline's batches.
pub(super) struct InferenceWorker {
    pub(super) shared: Arc<Shared>,
    pub(super) sessions: Vec<Box<dyn Session>>,
    pub(super) max_age: Duration,
    /// How often the device is checked.
    pub(super) device_check: Option<Duration>,
    pub(super) preprocessed: Receiver<NextRun>,
    pub(super) return_inputs: Vec<SyncSender<InputBatch>>,
    pub(super) free_outputs: Vec<Receiver<OutputBatch>>,
    pub(super) inferred: SyncSender<FinishedRun>,
}

impl InferenceWorker {
    pub(super) fn run(mut self) {
        let mut checked = Instant::now();
        // A check may move a session as well, so the count is kept from batch to batch.
        let mut moves: Vec<u32> = self.sessions.iter().map(|session| session.moves()).collect();
        while let Some(NextRun { pipeline, batch }) = self.next_run(&mut checked) {
            let PreprocessedBatch { frames, mut input } = batch;
            let index = pipeline.index();
            let Ok(mut outputs) = self.free_outputs[index].recv() else { return };
            let now = Instant::now();
            let (stale, mut frames): (Vec<_>, Vec<_>) = frames.into_iter().partition(|frame| {
                now.duration_since(frame.tag.responder.received()) > self.max_age
            });
            for frame in stale {
                frame.tag.responder.send(FrameOutcome::Dropped(DropReason::Stale));
            }
            compact_batch(&mut frames, &mut input);
            let batch = PreprocessedBatch { frames, input };
            let shared = &self.shared;
            let mut is_typical = true;
            let inference = if batch.frames.is_empty() {
                shared.with_schedule_and_wake(|schedule| schedule.batch_abandoned());
                Ok(Duration::ZERO)
            } else {
                let size = batch.frames.len();
                shared.with_schedule_and_wake(|schedule| {
                    schedule.inference_started(pipeline, size, now);
                });
                let session = self.sessions[index].as_mut();
                let inference = batch.infer(session, &mut outputs);
                if session.moves() != moves[index] {
                    moves[index] = session.moves();
                    is_typical = false;
                    measure_again(shared, pipeline, session, &batch.input);
                }
                shared.with_schedule_and_wake(|schedule| schedule.inference_ended());
                inference
            };
            let PreprocessedBatch { frames, input } = batch;
            // Once the engine stops, buffers are not taken back.
            let _ = self.return_inputs[index].send(input);
            let batch = InferredBatch { frames, outputs, inference };
            if self.inferred.send(FinishedRun { pipeline, batch, is_typical }).is_err() {
                return;
            }
        }
    }
}

impl InferenceWorker {
    /// Waits for a batch, and checks the device when that is due and no batch is there. `None` once the engine stops.
    fn next_run(&mut self, checked: &mut Instant) -> Option<NextRun> {
        let Some(interval) = self.device_check else { return self.preprocessed.recv().ok() };
        loop {
            let wait = interval.saturating_sub(checked.elapsed());
            match self.preprocessed.recv_timeout(wait) {
                Ok(next) => return Some(next),
                Err(RecvTimeoutError::Disconnected) => return None,
                Err(RecvTimeoutError::Timeout) => {}
            }
            for session in &mut self.sessions {
                // The hook reports a panic.
                if let Ok(Err(error)) = panics::contain("device check", || session.check()) {
                    tracing::error!("{error}");
                }
            }
            *checked = Instant::now();
        }
    }
}

/// Finds out how long batches take on the device that a session has moved to, so that senders hear of it at once.
fn measure_again(
    shared: &Shared,
    pipeline: PipelineId,
    session: &mut dyn Session,
    input: &InputBatch,
) {
    match first_measurement(session, input.image_shape(), input.capacity()) {
        Ok(times) => {
            shared.with_schedule(|schedule| schedule.replace_service_times(pipeline, times))
        }
        Err(error) => tracing::error!("{error}"),
    }
}

/// Reads boxes from outputs and replies.
pub(super) struct PostprocessWorker {
    pub(super) shared: Arc<Shared>,
    pub(super) boxes: Vec<BoxStage>,
    pub(super) inferred: Receiver<FinishedRun>,
    pub(super) return_outputs: Vec<SyncSender<OutputBatch>>,
    pub(super) on_batch: Box<dyn Fn(usize) + Send>,
    /// Workers that read what is in boxes.
    pub(super) slow: Arc<ThreadPool>,
}

impl PostprocessWorker {
    pub(super) fn run(mut self) {
        while let Ok(FinishedRun { pipeline, batch, is_typical }) = self.inferred.recv() {
            let index = pipeline.index();
            let inference = batch.inference.as_ref().ok().copied();
            let start = Instant::now();
            let (frames, outputs) =
                postprocess(batch, &mut self.boxes[index], |tag| tag.selection.clone());
            let _ = self.return_outputs[index].send(outputs);
            if frames.is_empty() {
                continue;
            }
            if let Some(infer) = inference {
                let times = BatchTimes { infer, postprocess: start.elapsed() };
                let size = frames.len();
                if is_typical {
                    self.shared
                        .with_schedule(|schedule| schedule.record_batch(pipeline, size, times));
                }
                (self.on_batch)(size);
            }
            for FinishedFrame { tag, result, .. } in frames {
                let FrameTag { responder, reading, .. } = tag;
                Found { responder, reading, result }.send_in_order(&self.slow);
            }
        }
    }
}

/// Marks the engine as ended when its thread ends, even by a panic.
pub(super) struct EndEngineOnDrop(pub(super) Arc<Shared>);

impl Drop for EndEngineOnDrop {
    fn drop(&mut self) {
        self.0.stop();
        self.0.ended.cancel();
    }
}
