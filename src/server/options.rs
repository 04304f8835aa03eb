//! How a server is set up.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use framegate_models::detector::EMBEDDED_MODEL;

use crate::engine::EngineSettings;
use crate::front::admission::DropThresholds;
use crate::front::origin::{Origin, OriginPolicy};
use crate::front::places::PlaceLimits;
use crate::front::sessions::SessionLimit;
use crate::front::{FrontSettings, MemoryLimits, VideoSettings};
use crate::pipeline::PipelineOptions;
use crate::protocol::SettingInfo;
use crate::stages::{DecodeLimits, DecodeOptions};

/// How to set up a [`Server`](crate::Server). The default is that of `framegate serve`: the built-in
/// model on port 8000 of this machine, reachable from this machine alone.
///
/// ```
/// use framegate::{PipelineOptions, ServedPipeline, ServerOptions, Thresholds};
///
/// let strict = Thresholds { confidence: 0.5, ..Thresholds::DEFAULT };
/// let options = ServerOptions {
///     pipelines: vec![ServedPipeline { id: "doors".to_owned(), ..ServedPipeline::built_in() }],
///     pipeline: PipelineOptions { thresholds: strict, ..ServerOptions::default().pipeline },
///     ..ServerOptions::default()
/// };
/// assert_eq!(options.address.port(), 8000);
/// ```
#[derive(Debug, Clone)]
pub struct ServerOptions {
    /// Where to listen; port 0 for any that is free.
    pub address: SocketAddr,
    /// What is served, the default pipeline first. Without any, a stand-in that detects nothing, for the
    /// backend `null`.
    pub pipelines: Vec<ServedPipeline>,
    /// How pipelines are loaded that have no options of their own.
    pub pipeline: PipelineOptions,
    /// Largest frame in bytes.
    pub max_frame_bytes: usize,
    /// Age above which a frame is dropped instead of being processed.
    pub max_frame_age: Duration,
    /// How often a device that has nothing to do is checked; `None` for never.
    pub device_check: Option<Duration>,
    /// Longest that the codes of one frame are read.
    pub read_budget: Duration,
    /// Share of frames dropped above which a session's frames are paced, 0 to 1.
    pub drop_threshold: f64,
    /// Share of frames dropped above which a client is asked to slow down; at least `drop_threshold`.
    pub slow_down_threshold: f64,
    /// Sessions above which a warning is logged.
    pub recommended_sessions: usize,
    /// Whether to refuse sessions above that number.
    pub enforce_sessions: bool,
    /// Connections that may be open at once.
    pub max_connections: usize,
    /// Connections from one address.
    pub max_connections_per_address: usize,
    /// Bounds on video files.
    pub video: VideoSettings,
    /// Where video jobs are kept, so that they survive a restart; `None` for memory alone.
    pub jobs_folder: Option<PathBuf>,
    /// Web pages that may connect besides the server's own.
    pub allowed_origins: Vec<Origin>,
    /// How long sessions may take to drain after the shutdown has begun.
    pub drain: Duration,
    /// How long a session may last before its client is asked to connect again; `None` for ever.
    pub max_session_age: Option<Duration>,
    /// Time without a valid frame after which a session gives way when places for connections or sessions run short.
    pub session_idle: Duration,
    /// Whether the detection API of DeepStack and CodeProject.AI is served too, for their clients.
    pub deepstack: bool,
    /// Settings that somebody chose, and where: for `/info` and the log, without effect.
    pub settings: Vec<SettingInfo>,
}

/// A detector and the name that clients ask for it by.
#[derive(Debug, Clone)]
pub struct ServedPipeline {
    /// Its name, unique in the server.
    pub id: String,
    /// The ONNX file, or `codes` for the built-in model.
    pub model: PathBuf,
    /// How it is loaded, if not as the others. Batches are formed, and frames are decoded, alike in all of them, as
    /// [`ServerOptions::pipeline`] says; only the scale is its own.
    pub options: Option<PipelineOptions>,
}

impl ServedPipeline {
    /// The built-in model under its own name.
    pub fn built_in() -> Self {
        Self { id: EMBEDDED_MODEL.to_owned(), model: EMBEDDED_MODEL.into(), options: None }
    }
}

impl Default for ServerOptions {
    fn default() -> Self {
        Self {
            address: (Ipv4Addr::LOCALHOST, 8000).into(),
            pipelines: vec![ServedPipeline::built_in()],
            pipeline: PipelineOptions {
                decode: DecodeLimits::LIVE.into(),
                max_batch: 4,
                ..PipelineOptions::default()
            },
            max_frame_bytes: 5 << 20,
            max_frame_age: Duration::from_secs(1),
            device_check: Some(Duration::from_secs(600)),
            read_budget: Duration::from_millis(20),
            drop_threshold: 0.10,
            slow_down_threshold: 0.30,
            recommended_sessions: 10,
            enforce_sessions: false,
            max_connections: PlaceLimits::DEFAULT.total,
            max_connections_per_address: PlaceLimits::DEFAULT.per_address,
            video: VideoSettings::DEFAULT,
            jobs_folder: None,
            allowed_origins: Vec::new(),
            drain: Duration::from_secs(10),
            max_session_age: None,
            session_idle: Duration::from_secs(60),
            deepstack: false,
            settings: Vec::new(),
        }
    }
}

impl ServerOptions {
    /// How a pipeline is loaded.
    pub(super) fn options_of(&self, pipeline: &ServedPipeline) -> PipelineOptions {
        let PipelineOptions { decode, max_batch, .. } = self.pipeline;
        let own = pipeline.options.as_ref().unwrap_or(&self.pipeline).clone();
        let decode = DecodeOptions { scale: own.decode.scale, ..decode };
        PipelineOptions { decode, max_batch, ..own }
    }

    pub(super) fn engine_settings(&self) -> EngineSettings {
        EngineSettings {
            // Each detector has its own.
            decode: DecodeOptions { scale: None, ..self.pipeline.decode },
            max_batch: self.pipeline.max_batch,
            max_age: self.max_frame_age,
            device_check: self.device_check,
            read_budget: self.read_budget,
        }
    }

    pub(super) fn front_settings(&self) -> FrontSettings {
        FrontSettings {
            max_frame_bytes: self.max_frame_bytes,
            thresholds: DropThresholds {
                drop: self.drop_threshold,
                slow_down: self.slow_down_threshold,
            },
            sessions: SessionLimit {
                recommended: self.recommended_sessions,
                enforced: self.enforce_sessions,
            },
            places: PlaceLimits {
                total: self.max_connections,
                per_address: self.max_connections_per_address,
                ..PlaceLimits::DEFAULT
            },
            memory: MemoryLimits::for_frames(
                self.max_frame_bytes,
                self.recommended_sessions,
                self.pipeline.max_batch,
            ),
            video: self.video,
            origins: OriginPolicy::new(
                self.allowed_origins.clone(),
                self.address.ip().is_loopback(),
            ),
            drain: self.drain,
            max_session_age: self.max_session_age,
            session_idle: self.session_idle,
            deepstack: self.deepstack,
            shown: self.settings.clone(),
        }
    }
}
