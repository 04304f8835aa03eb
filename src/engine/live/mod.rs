//! Frames that do not wait for us: each session has room for one, and a newer one takes its place.
//!
//! ```text
//! StreamHandle::offer ─▶ mailbox ┐
//! StreamHandle::offer ─▶ mailbox ┼▶ by turns ─▶ prepare ─────────▶ infer ───────────────▶ finish, answer
//! StreamHandle::offer ─▶ mailbox ┘              thread, rayon      thread, all sessions    thread
//! ```
//!
//! A batch is what waits when the device is about to be free: the device never waits for a batch to
//! fill up, and a frame is taken out of its mailbox as late as it can be, so that it is a fresh one.
//! What decides this is in the pure [`Schedule`]; the threads around it only carry it out.
//!
//! | file | what |
//! | --- | --- |
//! | `outcome` | what becomes of a frame: exactly one outcome |
//! | `turns` | one-slot mailboxes, and whose turn it is |
//! | `service` | how long batches take |
//! | `shares` | how many frames a second a session can have |
//! | `schedule` | all of these together: which frames are taken, and when |
//! | `shared` | the schedule behind a lock |
//! | `lane` | a session's side |
//! | `workers` | the three threads |

mod fairness;
mod mailboxes;
mod reply;
mod schedule;
mod service_times;
mod shared;
mod stream;
mod workers;

use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use framegate_backend_api::{BackendError, InputBatch, OutputBatch, Session};
use framegate_models::Detector;
use rayon::ThreadPool;
use tokio_util::sync::CancellationToken;

pub use mailboxes::StreamId;
pub use reply::{Answer, DropReason, Outcome};
pub use schedule::{Capacity, Next, Schedule};
pub use service_times::{BatchTimes, ServiceTimes};
pub use stream::StreamHandle;

use crate::stages::{BoxStage, DecodeLimits};
use shared::Shared;
use workers::{EndOnDrop, Finisher, Inferrer, Preparer};

/// A detector that is loaded and ready to run.
pub struct Pipeline {
    /// What to detect.
    pub detector: Arc<Detector>,
    /// The loaded model.
    pub session: Box<dyn Session>,
    /// Turns raw outputs into detections.
    pub boxes: BoxStage,
}

/// What holds for all pipelines of an engine.
#[derive(Debug, Clone, Copy)]
pub struct EngineSettings {
    /// Bounds on decoded frames.
    pub decode: DecodeLimits,
    /// Most frames in a batch; every session must have been loaded for as many.
    pub max_batch: usize,
    /// Age above which a frame is dropped instead of being worked on.
    pub max_age: Duration,
}

/// Runs the frames of all sessions through their pipelines, one batch at a time.
pub struct Engine {
    shared: Arc<Shared>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

impl Engine {
    /// Measures each pipeline once and starts the threads. `on_batch` is told the size of every batch
    /// that was run.
    ///
    /// # Errors
    /// What a session failed with on its first batch.
    pub fn start(
        mut pipelines: Vec<Pipeline>,
        pool: Arc<ThreadPool>,
        settings: EngineSettings,
        on_batch: impl Fn(usize) + Send + 'static,
    ) -> Result<Self, BackendError> {
        let mut service = Vec::new();
        for pipeline in &mut pipelines {
            service.push(first_measurement(pipeline, settings.max_batch)?);
        }
        let shared = Arc::new(Shared::new(Schedule::new(service, settings)));
        let (detectors, others): (Vec<_>, Vec<_>) = pipelines
            .into_iter()
            .map(|Pipeline { detector, session, boxes }| (detector, (session, boxes)))
            .unzip();
        let (sessions, boxes) = others.into_iter().unzip();
        let links = workers::Links::new(&detectors, settings.max_batch);
        let preparer = Preparer {
            shared: Arc::clone(&shared),
            detectors,
            pool,
            limits: settings.decode,
            free_inputs: links.free_inputs,
            prepared: links.prepared_sender,
        };
        let inferrer = Inferrer {
            shared: Arc::clone(&shared),
            sessions,
            max_age: settings.max_age,
            prepared: links.prepared,
            return_inputs: links.return_inputs,
            free_outputs: links.free_outputs,
            inferred: links.inferred_sender,
        };
        let finisher = Finisher {
            shared: Arc::clone(&shared),
            boxes,
            inferred: links.inferred,
            return_outputs: links.return_outputs,
            on_batch: Box::new(on_batch),
        };
        let spawn = |name: &str, work: Box<dyn FnOnce() + Send>| {
            let ended = EndOnDrop(Arc::clone(&shared));
            thread::Builder::new().name(name.to_owned()).spawn(move || {
                let _ended = ended;
                work();
            })
        };
        let threads = [
            spawn("prepare", Box::new(move || preparer.run())),
            spawn("infer", Box::new(move || inferrer.run())),
            spawn("finish", Box::new(move || finisher.run())),
        ];
        let threads = threads.into_iter().collect::<Result<Vec<_>, _>>().map_err(|error| {
            BackendError::Device { backend: "engine", reason: error.to_string() }
        })?;
        Ok(Self { shared, threads: Mutex::new(threads) })
    }

    /// A new session's way into the pipeline with this number, counted from 0 in the order given to
    /// [`Engine::start`].
    pub fn open(&self, pipeline: usize) -> StreamHandle {
        StreamHandle::open(Arc::clone(&self.shared), pipeline)
    }

    /// Cancelled when the engine has ended, by [`Engine::stop`] or because of a bug in it.
    pub fn ended(&self) -> CancellationToken {
        self.shared.ended.clone()
    }

    /// Finishes the frames being worked on, drops those that wait, and returns when the threads have
    /// ended. Blocks.
    pub fn stop(&self) {
        self.shared.stop();
        let mut threads = self.threads.lock().unwrap_or_else(PoisonError::into_inner);
        for thread in threads.drain(..) {
            // A panic in it was reported by its hook; there is nothing to add.
            let _ = thread.join();
        }
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.shared.stop();
    }
}

/// Runs one image and one full batch of nothing, so that capacity is known before the first frame.
fn first_measurement(
    pipeline: &mut Pipeline,
    max_batch: usize,
) -> Result<ServiceTimes, BackendError> {
    let mut service = ServiceTimes::new(max_batch);
    let image_shape = pipeline.detector.model.graph.image_shape();
    let mut input = InputBatch::new(image_shape, max_batch);
    let mut outputs = OutputBatch::default();
    let mut sizes = vec![1, max_batch];
    sizes.dedup();
    for size in sizes {
        input.set_len(size);
        let start = Instant::now();
        pipeline.session.infer(&input, &mut outputs)?;
        service.record(size, BatchTimes { infer: start.elapsed(), ..BatchTimes::NONE });
    }
    Ok(service)
}
