//! Frames that do not wait for us: each stream has room for one, and a newer one takes its place.
//!
//! ```text
//! StreamHandle::offer ─▶ mailbox ┐
//! StreamHandle::offer ─▶ mailbox ┼▶ in turn ─▶ decode, resize ─▶ normalise, infer ─────▶ postprocess, reply
//! StreamHandle::offer ─▶ mailbox ┘             rayon, by frame   thread, all pipelines  thread
//! ```
//!
//! A batch is what is ready when the device is about to be free: the device never waits for a batch to
//! fill up, and a frame is taken out of its mailbox as late as possible, so that it is a fresh one. A frame
//! that takes longer than the others joins a later batch. The pure [`Schedule`] decides this; the threads
//! around it only carry it out.
//!
//! | file | what |
//! | --- | --- |
//! | `ids` | names of pipelines and streams |
//! | `reply` | what became of a frame: exactly one reply |
//! | `virtual_time`, `mailboxes` | one-slot mailboxes, and whose turn it is |
//! | `lanes`, `decode_threads` | which workers a frame is for, and how many of them it has |
//! | `cost_history`, `cost_model` | what the frames of a stream cost, and what is charged for them |
//! | `service_times` | how long batches take |
//! | `load_tree`, `fairness` | how much of the server a stream can have |
//! | `schedule`, `action` | all of these together: which frames are taken, and when |
//! | `frame_preprocessor` | decodes and resizes frames, and normalises a batch |
//! | `reading` | reads what is in boxes beside that path |
//! | `shared` | the schedule behind a lock |
//! | `stream` | a session's side |
//! | `workers` | the three threads |

mod action;
mod cost_history;
mod cost_model;
mod decode_threads;
mod fairness;
mod frame_preprocessor;
mod ids;
mod lanes;
mod load_tree;
mod mailboxes;
mod reading;
mod reply;
mod schedule;
mod service_times;
mod shared;
mod stream;
mod tag;
mod virtual_time;
mod workers;

use std::io;
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use framegate_backend_api::{BackendError, InputBatch, OutputBatch, Session};
use rayon::{ThreadPoolBuildError, ThreadPoolBuilder};
use tokio_util::sync::CancellationToken;

pub use action::Action;
pub use ids::{Client, PipelineId, StreamId, UnknownPipeline};
pub use lanes::Lane;
pub use mailboxes::{DispatchRecord, Dispatched};
pub use reply::{DropReason, FrameOutcome, Reply};
pub use schedule::{Capacity, Schedule};
pub use service_times::{BatchTimes, ServiceTimes};
pub use stream::StreamHandle;

use crate::engine::loaded::LoadedPipeline;
use crate::engine::reading::TextReader;
use crate::locks::unpoisoned;
use crate::stages::DecodeOptions;
use decode_threads::DecodeThreads;
use frame_preprocessor::FramePreprocessor;
use shared::Shared;
use workers::{EndEngineOnDrop, InferenceWorker, PostprocessWorker, PreprocessWorker};

/// What holds for all pipelines of an engine.
#[derive(Debug, Clone, Copy)]
pub struct EngineSettings {
    /// Bounds on decoded frames.
    pub decode: DecodeOptions,
    /// Most frames per batch; every session must have been loaded for this many.
    pub max_batch: usize,
    /// Age above which a frame is dropped instead of being worked on.
    pub max_age: Duration,
    /// How often the device is checked, at a moment when it has nothing else to do; `None` for never.
    pub device_check: Option<Duration>,
    /// Longest that the boxes of one frame are read. Those that are left over have no text.
    pub read_budget: Duration,
}

/// Why an engine could not be started.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EngineError {
    /// A model failed on its first batch.
    #[error(transparent)]
    Backend(#[from] BackendError),
    /// The system provides no threads to preprocess on.
    #[error("cannot start worker threads; ask for fewer (--threads)")]
    Workers(#[from] ThreadPoolBuildError),
    /// The system refused to start a thread.
    #[error("cannot start the engine's thread `{name}`")]
    Thread {
        /// Name of the thread.
        name: &'static str,
        /// What the system said.
        source: io::Error,
    },
}

/// Runs the frames of all streams through their pipelines, one batch at a time.
pub struct Engine {
    shared: Arc<Shared>,
    pipelines: Vec<PipelineId>,
    /// Of each pipeline with a second stage.
    readers: Vec<Option<Arc<TextReader>>>,
    read_budget: Duration,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

impl Engine {
    /// Measures each pipeline once and starts the threads, `workers` of them to preprocess on, and as many less one
    /// for expensive frames. `on_batch` is called with the size of every batch that was run.
    ///
    /// # Errors
    /// [`EngineError`] when a session fails on its first batch or a thread cannot be started.
    pub fn start(
        mut pipelines: Vec<LoadedPipeline>,
        workers: usize,
        settings: EngineSettings,
        on_batch: impl Fn(usize) + Send + 'static,
    ) -> Result<Self, EngineError> {
        let pool = ThreadPoolBuilder::new().num_threads(workers).build()?;
        let workers = pool.current_num_threads();
        let slow = ThreadPoolBuilder::new()
            .num_threads(Lane::Slow.workers(workers))
            .thread_name(|number| format!("slow {number}"))
            .build()?;
        let (pool, slow) = (Arc::new(pool), Arc::new(slow));
        let mut service = Vec::new();
        for pipeline in &mut pipelines {
            service.push(first_measurement(
                pipeline.session.as_mut(),
                pipeline.detector.model.graph.image_shape(),
                settings.max_batch,
            )?);
        }
        let EngineSettings { decode, max_batch, max_age, device_check, read_budget } = settings;
        let schedule = Schedule::new(service, settings, workers);
        let ids = schedule.pipelines().collect();
        let shared = Arc::new(Shared::new(schedule, decode.limits));
        let (mut detectors, mut sessions, mut readers) = (Vec::new(), Vec::new(), Vec::new());
        let mut box_stages = Vec::new();
        for LoadedPipeline { detector, session, boxes, reader } in pipelines {
            detectors.push(detector);
            sessions.push(session);
            box_stages.push(boxes);
            readers.push(reader.map(Arc::new));
        }
        let links = workers::Links::new(&detectors, max_batch);
        let preprocessors = detectors.iter().map(|detector| {
            Arc::new(FramePreprocessor::new(&detector.input, decode, max_age, max_batch))
        });
        let preprocess = PreprocessWorker {
            shared: Arc::clone(&shared),
            preprocessors: preprocessors.collect(),
            pool,
            slow: Arc::clone(&slow),
            decode_threads: Lane::ALL.map(|lane| DecodeThreads::new(lane.workers(workers))),
            free_inputs: links.free_inputs,
            preprocessed: links.preprocessed_sender,
        };
        let infer = InferenceWorker {
            shared: Arc::clone(&shared),
            sessions,
            max_age,
            device_check,
            preprocessed: links.preprocessed,
            return_inputs: links.return_inputs,
            free_outputs: links.free_outputs,
            inferred: links.inferred_sender,
        };
        let postprocess = PostprocessWorker {
            shared: Arc::clone(&shared),
            boxes: box_stages,
            inferred: links.inferred,
            return_outputs: links.return_outputs,
            on_batch: Box::new(on_batch),
            slow,
        };
        let threads = vec![
            spawn("preprocess", &shared, move || preprocess.run())?,
            spawn("infer", &shared, move || infer.run())?,
            spawn("postprocess", &shared, move || postprocess.run())?,
        ];
        Ok(Self { shared, pipelines: ids, readers, read_budget, threads: Mutex::new(threads) })
    }

    /// The pipelines, in the order in which they were given to [`Engine::start`].
    pub fn pipelines(&self) -> &[PipelineId] {
        &self.pipelines
    }

    /// Opens a stream of a client into a pipeline.
    ///
    /// # Errors
    /// [`UnknownPipeline`] when the pipeline is of another engine.
    pub fn open(
        &self,
        pipeline: PipelineId,
        client: Client,
    ) -> Result<StreamHandle, UnknownPipeline> {
        let reader = self.readers.get(pipeline.index()).cloned().flatten();
        StreamHandle::open(Arc::clone(&self.shared), pipeline, client, reader, self.read_budget)
    }

    /// The load that the streams ask for in relation to all there is: above 1 frames must be dropped.
    pub fn load_ratio(&self, now: Instant) -> f64 {
        self.shared.with_schedule(|schedule| schedule.load_ratio(now))
    }

    /// Cancelled when the engine has ended, by [`Engine::stop`] or because of a bug in it.
    pub fn ended(&self) -> CancellationToken {
        self.shared.ended.clone()
    }

    /// Finishes the frames being worked on, drops those that wait, and returns when the threads have
    /// ended. Blocks.
    pub fn stop(&self) {
        self.shared.stop();
        for thread in unpoisoned(self.threads.lock()).drain(..) {
            // The panic hook has reported a panic in it; there is nothing to add.
            let _ = thread.join();
        }
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.shared.stop();
    }
}

/// Starts a thread whose end, whatever the reason, ends the engine.
fn spawn(
    name: &'static str,
    shared: &Arc<Shared>,
    work: impl FnOnce() + Send + 'static,
) -> Result<JoinHandle<()>, EngineError> {
    let ended = EndEngineOnDrop(Arc::clone(shared));
    let thread = thread::Builder::new().name(name.to_owned()).spawn(move || {
        let _ended = ended;
        work();
    });
    thread.map_err(|source| EngineError::Thread { name, source })
}

/// Runs one image and one full batch of zeros, so that capacity is known before the first frame on a device.
fn first_measurement(
    session: &mut dyn Session,
    image_shape: &[usize],
    max_batch: usize,
) -> Result<ServiceTimes, BackendError> {
    let mut service = ServiceTimes::new(max_batch);
    let mut input = InputBatch::new(image_shape, max_batch);
    let mut outputs = OutputBatch::default();
    let mut sizes = vec![1, max_batch];
    sizes.dedup();
    for size in sizes {
        input.set_len(size);
        let start = Instant::now();
        session.infer(&input, &mut outputs)?;
        service.record(size, BatchTimes { infer: start.elapsed(), ..BatchTimes::NONE });
    }
    Ok(service)
}
