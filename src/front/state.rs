//! The state of a server that every request can reach.

use std::net::IpAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use framegate_models::Detector;
use tokio::sync::SetOnce;
use tokio_util::sync::CancellationToken;

use super::admission::DropThresholds;
use super::failure_log::FailureLog;
use super::fair_turns::FairTurns;
use super::frame_memory::FrameMemory;
use super::jobs::Jobs;
use super::metrics::{BuildLabels, Metrics};
use super::origin::OriginPolicy;
use super::places::PlaceLimits;
use super::refusals::Refusals;
use super::runs_on::{RunsOn, RunsOnWatch};
use super::sessions::{SessionLimit, Sessions};
use super::unfinished::Unfinished;
use super::video_memory::VideoMemory;
use super::video_settings::VideoSettings;
use super::video_turns::VideoTurns;
use crate::engine::{Engine, EngineSettings, FrameError, PipelineId};
use crate::locks::unpoisoned;
use crate::protocol::SettingInfo;
use crate::stages::Selection;

/// How the front end behaves.
#[derive(Debug, Clone)]
pub struct FrontSettings {
    /// Largest frame that is accepted, in bytes.
    pub max_frame_bytes: usize,
    /// Drop rates at which frames are paced and clients warned.
    pub thresholds: DropThresholds,
    /// How many sessions to serve at once.
    pub sessions: SessionLimit,
    /// How many connections may be open.
    pub places: PlaceLimits,
    /// Memory for messages.
    pub memory: MemoryLimits,
    /// Bounds on video files.
    pub video: VideoSettings,
    /// Which web pages may use the server.
    pub origins: OriginPolicy,
    /// Longest time that a shutdown may take.
    pub drain: Duration,
    /// Longest time that a session may last, if there is one.
    pub max_session_age: Option<Duration>,
    /// Time without a valid frame after which a session gives way when places run short.
    pub session_idle: Duration,
    /// Whether the detection API of DeepStack is served too.
    pub deepstack: bool,
    /// Settings that are not defaults, to be shown.
    pub shown: Vec<SettingInfo>,
}

/// Memory for the messages of all clients together, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MemoryLimits {
    /// Of messages that are still arriving, beyond the first 64 KiB of each.
    pub unfinished: usize,
    /// Of frames that wait for an answer. Half of it is divided equally among the sessions.
    pub frames: usize,
}

impl MemoryLimits {
    /// Room for eight of the largest messages to arrive at once, and for the largest frames from as many
    /// sessions as are recommended, beside what is in the engine.
    pub fn for_frames(max_frame_bytes: usize, sessions: usize, max_batch: usize) -> Self {
        const LEAST: usize = 64 << 20;
        /// Batches in the engine at once: one prepared, one run, one answered.
        const BATCHES: usize = 3;
        let unfinished = LEAST.max(8 * 2 * max_frame_bytes);
        let frames = (sessions + BATCHES * max_batch).saturating_mul(max_frame_bytes);
        Self { unfinished, frames: 2 * LEAST.max(frames).min(usize::MAX / 2) }
    }
}

/// A pipeline under the name that clients ask for.
#[derive(Debug, Clone)]
pub struct NamedPipeline {
    pub id: String,
    pub detector: Arc<Detector>,
    /// The backend that runs it.
    pub runs_on: RunsOnWatch,
    /// Which of its detections are reported by default, and whether what is in their boxes is read.
    pub defaults: Selection,
    /// Whether it can be read.
    pub reads_text: bool,
}

/// The part of the state that exists once the models are loaded.
pub struct Loaded {
    /// Runs the frames; its pipelines have the same order as `pipelines`.
    pub engine: Engine,
    /// At least one; the first is the default.
    pub pipelines: Vec<NamedPipeline>,
    /// Settings that the engine was started with.
    pub settings: EngineSettings,
}

/// A server, starting or ready.
pub struct App {
    pub settings: FrontSettings,
    pub metrics: Arc<Metrics>,
    pub sessions: Sessions,
    /// Cancelled when the shutdown begins.
    pub draining: CancellationToken,
    /// Messages that are arriving.
    pub(super) unfinished: Arc<Unfinished>,
    /// Frames that wait for an answer.
    pub(super) frames: Arc<FrameMemory>,
    pub(super) refusals: Refusals,
    /// One turn per `POST /infer` being answered.
    pub(super) infer_turns: Arc<FairTurns<IpAddr>>,
    /// Video files in memory.
    pub(super) videos: Arc<VideoMemory>,
    /// One turn per video that is opened to see what is in it.
    pub(super) video_openings: Arc<FairTurns<IpAddr>>,
    /// One turn per video being processed.
    pub(super) video_turns: Arc<VideoTurns>,
    pub(super) jobs: Arc<Jobs>,
    infer_failures: Mutex<FailureLog>,
    loaded: SetOnce<Loaded>,
}

/// Most `POST /infer` requests answered at once: the engine schedules each like a stream, and streams
/// must not starve beside them.
const MAX_INFER_REQUESTS: usize = 4;

/// Most videos opened at once to see what is in them, each of another address.
const MAX_VIDEO_OPENINGS: usize = 2;

impl App {
    /// A server that is starting.
    pub fn new(settings: FrontSettings, metrics: Arc<Metrics>) -> Arc<Self> {
        let sessions = Sessions::new(settings.sessions);
        metrics.set_capacity(settings.sessions.recommended);
        Arc::new(Self {
            unfinished: Unfinished::new(settings.memory.unfinished),
            frames: FrameMemory::new(settings.memory.frames),
            refusals: Refusals::new(Arc::clone(&metrics)),
            videos: VideoMemory::new(settings.video.max_kept_bytes),
            video_openings: FairTurns::new(MAX_VIDEO_OPENINGS, 1),
            video_turns: VideoTurns::new(settings.video.max_concurrent),
            jobs: Jobs::new(&settings.video),
            settings,
            metrics,
            sessions,
            draining: CancellationToken::new(),
            infer_turns: FairTurns::new(MAX_INFER_REQUESTS, MAX_INFER_REQUESTS),
            infer_failures: Mutex::default(),
            loaded: SetOnce::new(),
        })
    }

    /// Makes the server ready. Only the first call has an effect.
    pub fn start(&self, loaded: Loaded) {
        // A second start is dropped, engine included.
        let _ = self.loaded.set(loaded);
    }

    /// The loaded models; `None` while the server is starting.
    pub fn loaded(&self) -> Option<&Loaded> {
        self.loaded.get()
    }

    /// The loaded models; waits for them while the server is starting.
    pub(super) async fn once_loaded(&self) -> &Loaded {
        self.loaded.wait().await
    }

    /// The loaded models; `None` while the server is starting or shutting down.
    pub(super) fn ready(&self) -> Option<&Loaded> {
        self.loaded().filter(|_| !self.draining.is_cancelled())
    }

    /// Everything that is counted and measured, as Prometheus text.
    pub fn encode_metrics(&self) -> String {
        if let Some(loaded) = self.loaded() {
            self.metrics.set_load(loaded.engine.load_ratio(Instant::now()));
            self.metrics.describe(loaded.pipelines.iter().map(NamedPipeline::build_labels));
        }
        self.metrics.encode()
    }

    /// Logs that the image of a `POST /infer` failed.
    pub(super) fn log_infer_failure(&self, error: &FrameError) {
        let mut log = unpoisoned(self.infer_failures.lock());
        log.log(None, 1, error, Instant::now());
    }

    /// Returns when the engine has ended; waits for it to start first.
    pub(super) async fn engine_ended(&self) {
        self.once_loaded().await.engine.ended().cancelled().await;
    }
}

impl NamedPipeline {
    fn build_labels(&self) -> BuildLabels {
        let RunsOn { backend, device, .. } = self.runs_on.borrow().clone();
        let model = self.detector.model.name.clone();
        BuildLabels { version: env!("CARGO_PKG_VERSION"), backend, device, model }
    }
}

impl Loaded {
    /// Whether a pipeline runs on another backend than the one that was chosen for it.
    pub(super) fn is_degraded(&self) -> bool {
        self.pipelines.iter().any(|pipeline| pipeline.runs_on.borrow().is_degraded)
    }

    /// Whether the frames of a pipeline are not answered.
    pub(super) fn is_failing(&self, now: Instant) -> bool {
        self.pipelines.iter().any(|pipeline| pipeline.runs_on.borrow().batches.fail(now))
    }

    /// The pipeline of this name and the engine's id of it; without a name, the default.
    pub(super) fn pipeline(&self, id: Option<&str>) -> Option<(PipelineId, &NamedPipeline)> {
        let mut named = self.engine.pipelines().iter().copied().zip(&self.pipelines);
        match id {
            None => named.next(),
            Some(id) => named.find(|(_, pipeline)| pipeline.id == id),
        }
    }
}
