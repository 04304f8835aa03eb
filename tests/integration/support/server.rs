//! A server in this process, on its own port.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use framegate::engine::{Engine, EngineSettings, LoadedPipeline};
use framegate::front::admission::DropThresholds;
use framegate::front::metrics::Metrics;
use framegate::front::origin::{Origin, OriginPolicy};
use framegate::front::places::PlaceLimits;
use framegate::front::sessions::SessionLimit;
use framegate::front::{
    App, Batches, FrontSettings, JobsFolder, Loaded, MemoryLimits, NamedPipeline, RunsOn,
    RunsOnWatch, VideoSettings, serve,
};
use framegate::stages::{BoxStage, DecodeLimits, Selection, Thresholds};
use framegate_backend_api::{Backend, Limits, Session};
use framegate_models::Detector;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::backends::reader;
use super::client::Client;
use super::colours::colour_detector;

/// Which of its detections count.
const THRESHOLDS: Thresholds = Thresholds { confidence: 0.5, iou: 0.45 };

/// How a server is set up; each test changes what it is about.
pub(crate) struct Setup {
    pub(crate) front: FrontSettings,
    pub(crate) engine: EngineSettings,
    pub(crate) pipelines: Vec<(String, Detector)>,
    /// Where jobs are kept.
    pub(crate) jobs: Option<PathBuf>,
}

impl Setup {
    /// One pipeline with the colour detector, one frame per batch, frames of up to 64 KiB.
    pub(crate) fn colours() -> Self {
        Self {
            front: FrontSettings {
                max_frame_bytes: 65_536,
                thresholds: DropThresholds { drop: 0.10, slow_down: 0.30 },
                sessions: SessionLimit { recommended: 10, enforced: false },
                places: PlaceLimits::DEFAULT,
                memory: MemoryLimits::for_frames(65_536, 10, 1),
                video: VideoSettings::DEFAULT,
                origins: OriginPolicy::new(
                    vec![Origin::parse("https://allowed.example").unwrap()],
                    true,
                ),
                drain: Duration::from_secs(5),
                max_session_age: None,
                session_idle: Duration::from_secs(60),
                deepstack: false,
                shown: Vec::new(),
            },
            engine: EngineSettings {
                decode: DecodeLimits::DEFAULT.into(),
                max_batch: 1,
                max_age: Duration::from_secs(1),
                device_check: None,
                read_budget: Duration::from_millis(20),
            },
            pipelines: vec![("colours".to_owned(), colour_detector())],
            jobs: None,
        }
    }
}

pub(crate) struct TestServer {
    pub(crate) address: SocketAddr,
    pub(crate) app: Arc<App>,
    shutdown: CancellationToken,
    serving: JoinHandle<std::io::Result<()>>,
}

impl TestServer {
    /// A server that is ready.
    pub(crate) async fn start(backend: &dyn Backend, setup: Setup) -> Self {
        let device = backend.probe().unwrap().name;
        let runs_on = RunsOn {
            backend: backend.name(),
            device,
            is_degraded: false,
            batches: Batches::default(),
        };
        Self::start_with(setup, |detector, limits, _| {
            let session = backend.load(&detector.model, limits).unwrap();
            (session, watch::channel(runs_on.clone()).1)
        })
        .await
    }

    /// A server that is ready, on sessions of the caller's making.
    pub(crate) async fn start_with(
        setup: Setup,
        load: impl Fn(&Arc<Detector>, &Limits, &Metrics) -> (Box<dyn Session>, RunsOnWatch),
    ) -> Self {
        let Setup { front, engine: settings, pipelines, jobs } = setup;
        let server = Self::starting(front).await;
        if let Some(folder) = jobs {
            let folder = JobsFolder::open(&folder).unwrap();
            server.app.keep_jobs_in(folder).await.unwrap();
        }
        let limits = Limits { max_batch: settings.max_batch, threads: 1 };
        let mut named = Vec::new();
        let mut loaded = Vec::new();
        for (id, detector) in pipelines {
            let detector = Arc::new(detector);
            let (session, runs_on) = load(&detector, &limits, &server.app.metrics);
            let reader = reader(&detector);
            let reads_text = reader.is_some();
            loaded.push(LoadedPipeline {
                session,
                boxes: BoxStage::new(&detector, THRESHOLDS).unwrap(),
                detector: Arc::clone(&detector),
                reader,
            });
            named.push(NamedPipeline {
                id,
                detector,
                runs_on,
                defaults: Selection::of_all(THRESHOLDS),
                reads_text,
            });
        }
        let on_batch = server.app.metrics.batch_observer();
        server.app.start(Loaded {
            engine: Engine::start(loaded, 2, settings, on_batch).unwrap(),
            pipelines: named,
            settings,
        });
        server
    }

    /// A server that has not loaded its models yet.
    pub(crate) async fn starting(front: FrontSettings) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let app = App::new(front, Arc::new(Metrics::default()));
        let shutdown = CancellationToken::new();
        let stopped = shutdown.clone().cancelled_owned();
        let serving = tokio::spawn(serve(listener, Arc::clone(&app), stopped));
        Self { address, app, shutdown, serving }
    }

    /// Opens a session; `query` is the part of the address after the question mark.
    pub(crate) async fn connect(&self, query: &str) -> Client {
        Client::connect(self.address, query).await
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// The status of a path and its JSON.
    pub(crate) async fn get(&self, path: &str) -> (u16, Value) {
        self.read(path).await
    }

    /// The status of a path and its body, as a type of the protocol.
    pub(crate) async fn read<T: DeserializeOwned>(&self, path: &str) -> (u16, T) {
        let response = reqwest::get(self.url(path)).await.unwrap();
        let status = response.status().as_u16();
        (status, serde_json::from_str(&response.text().await.unwrap()).unwrap())
    }

    /// A number of `/metrics`, 0 if the series does not exist yet.
    pub(crate) fn metric(&self, series: &str) -> f64 {
        let text = self.app.metrics.encode();
        let value = text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
        value.map_or(0.0, |value| value.parse().unwrap())
    }

    /// Begins the shutdown.
    pub(crate) fn begin_shutdown(&self) {
        self.shutdown.cancel();
    }

    /// Shuts the server down gracefully and returns when it has ended.
    pub(crate) async fn stop(self) {
        self.begin_shutdown();
        self.serving.await.unwrap().unwrap();
    }
}
