//! A server of live video from start to end: bind, load, serve, drain.

mod error;
mod load;
mod null_detector;
mod options;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use crate::backends::Selected;
use crate::engine;
use crate::front::metrics::Metrics;
use crate::front::{App, JobsFolder, serve as serve_clients};
use crate::pipeline::PipelineError;
use crate::protocol::SettingInfo;
use load::{load, select};

pub use error::ServerError;
pub use options::{ServedPipeline, ServerOptions};

/// How long the engine may take to end after the last session.
const STOP_LIMIT: Duration = Duration::from_millis(200);

/// A server of live video: JPEG frames over a WebSocket or by `POST /infer`, answered in time.
///
/// ```
/// use framegate::{Server, ServerOptions};
/// # tokio::runtime::Runtime::new()?.block_on(async {
/// let address = ([127, 0, 0, 1], 0).into();
/// let server = Server::bind(ServerOptions { address, ..ServerOptions::default() }).await?;
/// println!("listening on http://{}", server.address());
/// // Here until its model is loaded; a server for others runs until a signal.
/// let (ready, loaded) = tokio::sync::oneshot::channel();
/// let server = server.on_ready(|| drop(ready.send(())));
/// server.run(async { drop(loaded.await) }).await?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// See `examples/serve.rs` for a whole program.
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    selected: Vec<Arc<Selected>>,
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
        let plan = options.clone();
        let selected = spawn_blocking(move || select(&plan))
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
        for SettingInfo { name, value, set_by, line } in &options.settings {
            tracing::info!(name, value, ?set_by, line, "setting");
        }
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
