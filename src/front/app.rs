//! What every request of a server can reach.

use std::sync::{Arc, Mutex, PoisonError};
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

/// How the front end behaves.
#[derive(Debug, Clone)]
pub struct FrontSettings {
    /// Largest frame that is accepted, in bytes.
    pub max_frame_bytes: usize,
    /// When frames are paced and senders told to slow down.
    pub thresholds: DropThresholds,
    /// How many sessions there should be.
    pub sessions: SessionLimit,
    /// Which web pages are let in.
    pub origins: OriginPolicy,
    /// How long a shutdown may take.
    pub drain: Duration,
}

/// A pipeline by the name that clients use.
#[derive(Debug, Clone)]
pub struct NamedPipeline {
    /// Its name.
    pub id: String,
    /// What it detects.
    pub detector: Arc<Detector>,
}

/// What is there once the models are loaded.
pub struct Running {
    /// Runs the frames; its pipelines are numbered as those here.
    pub engine: Engine,
    /// At least one; the first is the default.
    pub pipelines: Vec<NamedPipeline>,
    /// What computes.
    pub backend: &'static str,
    /// What that runs on.
    pub device: DeviceInfo,
    /// Bounds that the engine was started with.
    pub settings: EngineSettings,
}

/// A server's state.
pub struct App {
    /// How it behaves.
    pub settings: FrontSettings,
    /// What it counts.
    pub metrics: Arc<Metrics>,
    /// Who is connected.
    pub sessions: Sessions,
    /// Cancelled when the shutdown begins.
    pub draining: CancellationToken,
    /// Images of single requests being worked on.
    pub(super) single_frames: Semaphore,
    single_failures: Mutex<FailureLog>,
    running: SetOnce<Running>,
}

/// Most images of single requests worked on at once: each is a session of its own in the turns, and
/// streams must not starve beside them.
const MAX_SINGLE_FRAMES: usize = 4;

impl App {
    /// A server that is starting.
    pub fn new(settings: FrontSettings, metrics: Arc<Metrics>) -> Arc<Self> {
        let sessions = Sessions::new(settings.sessions);
        Arc::new(Self {
            settings,
            metrics,
            sessions,
            draining: CancellationToken::new(),
            single_frames: Semaphore::new(MAX_SINGLE_FRAMES),
            single_failures: Mutex::default(),
            running: SetOnce::new(),
        })
    }

    /// From now on the server is ready. Only the first call has an effect.
    pub fn start(&self, running: Running) {
        for pipeline in &running.pipelines {
            self.metrics.describe(&BuildLabels {
                version: env!("CARGO_PKG_VERSION"),
                backend: running.backend,
                device: running.device.name.clone(),
                model: pipeline.detector.model.name.clone(),
            });
        }
        // A second start is dropped, engine and all.
        let _ = self.running.set(running);
    }

    /// What is there once the models are loaded.
    pub fn running(&self) -> Option<&Running> {
        self.running.get()
    }

    /// The same, unless the server is starting or shutting down.
    pub(super) fn ready(&self) -> Option<&Running> {
        self.running().filter(|_| !self.draining.is_cancelled())
    }

    /// Logs that an image of a single request has failed.
    pub(super) fn log_single_failure(&self, error: &FrameError) {
        let mut log = self.single_failures.lock().unwrap_or_else(PoisonError::into_inner);
        log.log(None, 1, error, Instant::now());
    }

    /// Returns when the engine, once there is one, has ended.
    pub(super) async fn engine_ended(&self) {
        self.running.wait().await.engine.ended().cancelled().await;
    }
}

impl Running {
    /// The pipeline of this name; without a name, the default.
    pub(super) fn pipeline(&self, id: Option<&str>) -> Option<(PipelineId, &NamedPipeline)> {
        let mut named = self.engine.pipelines().iter().copied().zip(&self.pipelines);
        match id {
            None => named.next(),
            Some(id) => named.find(|(_, pipeline)| pipeline.id == id),
        }
    }
}
