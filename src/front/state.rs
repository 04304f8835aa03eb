//! The state of a server that every request can reach.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use framegate_backend_api::DeviceInfo;
use framegate_models::Detector;
use tokio::sync::{Semaphore, SetOnce};
use tokio_util::sync::CancellationToken;

use super::admission::DropThresholds;
use super::failure_log::FailureLog;
use super::metrics::{BuildLabels, Metrics};
use super::origin::OriginPolicy;
use super::sessions::{SessionLimit, Sessions};
use crate::engine::{Engine, EngineSettings, FrameError, PipelineId};
use crate::panics::unpoisoned;

/// How the front end behaves.
#[derive(Debug, Clone)]
pub struct FrontSettings {
    /// Largest frame that is accepted, in bytes.
    pub max_frame_bytes: usize,
    /// When frames are paced and senders told to slow down.
    pub thresholds: DropThresholds,
    /// How many sessions to serve at once.
    pub sessions: SessionLimit,
    /// Which web pages may use the server.
    pub origins: OriginPolicy,
    /// Longest time that a shutdown may take.
    pub drain: Duration,
}

/// A pipeline under the name that clients ask for.
#[derive(Debug, Clone)]
pub struct NamedPipeline {
    pub id: String,
    pub detector: Arc<Detector>,
}

/// What exists once the models are loaded.
pub struct Loaded {
    /// Runs the frames; its pipelines have the same order as `pipelines`.
    pub engine: Engine,
    /// At least one; the first is the default.
    pub pipelines: Vec<NamedPipeline>,
    /// Name of the backend that runs the models.
    pub backend: &'static str,
    /// The device that the backend runs on.
    pub device: DeviceInfo,
    /// What the engine was started with.
    pub settings: EngineSettings,
}

/// A server, starting or ready.
pub struct App {
    pub settings: FrontSettings,
    pub metrics: Arc<Metrics>,
    pub sessions: Sessions,
    /// Cancelled when the shutdown begins.
    pub draining: CancellationToken,
    /// One permit per `POST /infer` being answered.
    pub(super) infer_permits: Semaphore,
    infer_failures: Mutex<FailureLog>,
    loaded: SetOnce<Loaded>,
}

/// Most `POST /infer` requests answered at once: the engine schedules each like a stream, and streams
/// must not starve beside them.
const MAX_INFER_REQUESTS: usize = 4;

impl App {
    /// A server that is starting.
    pub fn new(settings: FrontSettings, metrics: Arc<Metrics>) -> Arc<Self> {
        let sessions = Sessions::new(settings.sessions);
        Arc::new(Self {
            settings,
            metrics,
            sessions,
            draining: CancellationToken::new(),
            infer_permits: Semaphore::new(MAX_INFER_REQUESTS),
            infer_failures: Mutex::default(),
            loaded: SetOnce::new(),
        })
    }

    /// Makes the server ready. Only the first call has an effect.
    pub fn start(&self, loaded: Loaded) {
        for pipeline in &loaded.pipelines {
            self.metrics.describe(&BuildLabels {
                version: env!("CARGO_PKG_VERSION"),
                backend: loaded.backend,
                device: loaded.device.name.clone(),
                model: pipeline.detector.model.name.clone(),
            });
        }
        // A second start is dropped, engine included.
        let _ = self.loaded.set(loaded);
    }

    /// What was loaded; `None` while the server is starting.
    pub fn loaded(&self) -> Option<&Loaded> {
        self.loaded.get()
    }

    /// What was loaded; `None` while the server is starting or shutting down.
    pub(super) fn ready(&self) -> Option<&Loaded> {
        self.loaded().filter(|_| !self.draining.is_cancelled())
    }

    /// Logs that the image of a `POST /infer` failed.
    pub(super) fn log_infer_failure(&self, error: &FrameError) {
        let mut log = unpoisoned(self.infer_failures.lock());
        log.log(None, 1, error, Instant::now());
    }

    /// Returns when the engine has ended; waits for it to start first.
    pub(super) async fn engine_ended(&self) {
        self.loaded.wait().await.engine.ended().cancelled().await;
    }
}

impl Loaded {
    /// The pipeline of this name and the engine's id of it; without a name, the default.
    pub(super) fn pipeline(&self, id: Option<&str>) -> Option<(PipelineId, &NamedPipeline)> {
        let mut named = self.engine.pipelines().iter().copied().zip(&self.pipelines);
        match id {
            None => named.next(),
            Some(id) => named.find(|(_, pipeline)| pipeline.id == id),
        }
    }
}
