//! A server of live video from start to end: bind, load, serve, drain.

mod error;
mod null_detector;
mod options;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rayon::ThreadPoolBuilder;
use tokio::net::TcpListener;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use crate::backends::{self, Selected};
use crate::engine::{self, Engine};
use crate::front::metrics::Metrics;
use crate::front::{App, JobsFolder, Loaded, NamedPipeline, serve as serve_clients};
use crate::pipeline::{LoadedPipeline, PipelineError, read_detector};
use null_detector::null_detector;

pub use error::ServerError;
pub use options::{ServedPipeline, ServerOptions};

/// How long the engine may take to end after the last session.
const STOP_LIMIT: Duration = Duration::from_millis(200);

/// A server of live video: JPEG frames over a WebSocket or by `POST /infer`, answered in time.
///
/// See `examples/serve.rs` for a whole program.
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    selected: Selected,
    jobs: Option<JobsFolder>,
    options: ServerOptions,
    on_ready: Box<dyn FnOnce() + Send>,
}

impl Server {
    /// Selects the backend and binds the address. Clients can connect from now on, but are answered
    /// only while [`Server::run`] runs.
    ///
    /// # Errors
    /// [`ServerError`] when the backend cannot run here or the address cannot be used.
    pub async fn bind(options: ServerOptions) -> Result<Self, ServerError> {
        let (id, allowed) =
            (options.pipeline.backend.clone(), options.pipeline.backend_options.clone());
        let selecting = spawn_blocking(move || backends::select(id.as_ref(), &allowed));
        let selected = selecting
            .await
            .map_err(|error| ServerError::Serve(error.into()))?
            .map_err(PipelineError::from)?;
        let jobs = open_jobs_folder(&options).await?;
        let asked = options.address;
        let listen = |source| ServerError::Listen { address: asked, source };
        let listener = TcpListener::bind(asked).await.map_err(listen)?;
        let address = listener.local_addr().map_err(listen)?;
        Ok(Self { listener, address, selected, jobs, options, on_ready: Box::new(|| {}) })
    }

    /// The address it listens on, with the port that the system gave for port 0.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Calls `act` once the models are loaded and frames are accepted.
    #[must_use]
    pub fn on_ready(mut self, act: impl FnOnce() + Send + 'static) -> Self {
        self.on_ready = Box::new(act);
        self
    }

    /// Serves until `shutdown` completes and the sessions have drained. Models are loaded in the
    /// meantime: `GET /readyz` answers with status 200 once they are.
    ///
    /// # Errors
    /// [`ServerError`] when a model cannot be loaded or the socket fails.
    pub async fn run(
        self,
        shutdown: impl Future<Output = ()> + Send + 'static,
    ) -> Result<(), ServerError> {
        let Self { listener, address, selected, jobs, options, on_ready } = self;
        let app = App::new(options.front_settings(), Arc::new(Metrics::default()));
        if let Some(folder) = jobs {
            app.keep_jobs_in(folder).await.map_err(|source| jobs_folder_error(&options, source))?;
        }
        tracing::info!(%address, "listening on http://{address}");
        for origin in options.allowed_origins.iter().filter(|origin| origin.admits_anybody()) {
            tracing::warn!(
                "--allow-origin {origin} lets every page that somebody visits use this server"
            );
        }
        let loading = {
            let app = Arc::clone(&app);
            spawn_blocking(move || {
                let loaded = load(&options, &selected, &app.metrics)?;
                let names = loaded.pipelines.iter().map(|pipeline| pipeline.id.clone());
                let names: Vec<String> = names.collect();
                app.start(loaded);
                tracing::info!(pipelines = ?names, "ready at http://{address}");
                on_ready();
                Ok::<_, ServerError>(())
            })
        };
        let serving = serve_clients(listener, Arc::clone(&app), shutdown);
        tokio::pin!(serving);
        tokio::select! {
            served = &mut serving => return served.map_err(ServerError::Serve),
            loaded = loading => loaded.map_err(|error| ServerError::Serve(error.into()))??,
        }
        serving.await.map_err(ServerError::Serve)?;
        // No client waits for a result any more, so a batch that still runs need not end.
        let stopping = spawn_blocking(move || {
            if let Some(loaded) = app.loaded() {
                loaded.engine.stop();
            }
        });
        let _ = timeout(STOP_LIMIT, stopping).await;
        Ok(())
    }
}

/// Opens the folder for jobs, if there is to be one.
async fn open_jobs_folder(options: &ServerOptions) -> Result<Option<JobsFolder>, ServerError> {
    let Some(path) = options.jobs_folder.clone() else { return Ok(None) };
    let opened = engine::blocking(move || JobsFolder::open(&path)).await;
    opened.map(Some).map_err(|source| jobs_folder_error(options, source))
}

fn jobs_folder_error(options: &ServerOptions, source: std::io::Error) -> ServerError {
    ServerError::JobsFolder { path: options.jobs_folder.clone().unwrap_or_default(), source }
}

/// Reads the models, loads them on the backend and warms them up.
fn load(
    options: &ServerOptions,
    selected: &Selected,
    metrics: &Metrics,
) -> Result<Loaded, ServerError> {
    let pool = ThreadPoolBuilder::new()
        .num_threads(options.pipeline.threads)
        .build()
        .map_err(PipelineError::from)?;
    // Every model is read before the first is loaded, which takes longer.
    let mut detectors = Vec::new();
    for ServedPipeline { id, model } in &options.pipelines {
        detectors.push((
            id.clone(),
            read_detector(model, &options.pipeline).map_err(PipelineError::from)?,
        ));
    }
    if detectors.is_empty() {
        detectors.push(("null".to_owned(), null_detector()));
    }
    let mut named = Vec::new();
    let mut pipelines = Vec::new();
    for (id, detector) in detectors {
        let LoadedPipeline { detector, session, boxes } =
            LoadedPipeline::load(detector, selected.backend.as_ref(), &options.pipeline)?;
        let detector = Arc::new(detector);
        named.push(NamedPipeline { id, detector: Arc::clone(&detector) });
        pipelines.push(engine::Pipeline { detector, session, boxes });
    }
    let settings = options.engine_settings();
    Ok(Loaded {
        engine: Engine::start(pipelines, Arc::new(pool), settings, metrics.batch_observer())?,
        pipelines: named,
        backend: selected.backend.name(),
        device: selected.device.clone(),
        settings,
    })
}
