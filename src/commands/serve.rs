//! `framegate serve`: the server from its start to its end.

mod pipelines;
mod signals;

use std::sync::Arc;
use std::time::Duration;

use framegate_backend_api::Limits;
use rayon::ThreadPoolBuilder;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::time::timeout;

use super::{CommandError, Outcome};
use crate::backends::{self, Selected};
use crate::config::ServeConfig;
use crate::engine::{Engine, Pipeline};
use crate::front::metrics::Metrics;
use crate::front::{App, Loaded, NamedPipeline, serve as serve_clients};
use crate::stages::BoxStage;
use signals::Signals;

/// How long the engine may take to end after the last session.
const STOP_LIMIT: Duration = Duration::from_millis(200);

pub(super) fn serve(config: ServeConfig) -> Result<Outcome, CommandError> {
    // A backend that cannot run here is found out before anybody connects.
    let chosen = backends::select(config.backend.id.as_ref(), &config.backend.options)?;
    let runtime = Runtime::new().map_err(CommandError::Serve)?;
    let served = runtime.block_on(run(config, chosen));
    // Nothing that is left over, such as the loading of a model, holds up the end.
    runtime.shutdown_background();
    served.map(|()| Outcome::Done)
}

async fn run(config: ServeConfig, chosen: Selected) -> Result<(), CommandError> {
    let mut signals = Signals::new().map_err(CommandError::Serve)?;
    let address = config.address;
    let listen = |problem| CommandError::Listen { address, problem };
    let listener = TcpListener::bind(address).await.map_err(listen)?;
    let address = listener.local_addr().map_err(listen)?;
    let app = App::new(config.front.clone(), Arc::new(Metrics::default()));
    tracing::info!(%address, "listening on http://{address}");

    let loading = {
        let app = Arc::clone(&app);
        tokio::task::spawn_blocking(move || {
            let loaded = load(&config, &chosen, &app.metrics)?;
            let names = loaded.pipelines.iter().map(|pipeline| pipeline.id.clone());
            let names: Vec<String> = names.collect();
            app.start(loaded);
            tracing::info!(pipelines = ?names, "ready at http://{address}");
            Ok::<_, CommandError>(())
        })
    };
    // A second signal ends the process at once.
    let shutdown = async move {
        signals.next().await;
        tokio::spawn(async move {
            signals.next().await;
            tracing::warn!("ended at once by a second signal");
            std::process::exit(1);
        });
    };
    let serving = serve_clients(listener, Arc::clone(&app), shutdown);
    tokio::pin!(serving);
    tokio::select! {
        served = &mut serving => return served.map_err(CommandError::Serve),
        loaded = loading => loaded.map_err(|error| CommandError::Serve(error.into()))??,
    }
    serving.await.map_err(CommandError::Serve)?;
    // Nobody waits for a result any more; a batch that still runs need not end.
    let stopping = tokio::task::spawn_blocking(move || {
        if let Some(loaded) = app.loaded() {
            loaded.engine.stop();
        }
    });
    let _ = timeout(STOP_LIMIT, stopping).await;
    Ok(())
}

/// Reads the models, uploads them and warms them up.
fn load(
    config: &ServeConfig,
    chosen: &Selected,
    metrics: &Metrics,
) -> Result<Loaded, CommandError> {
    let pool = ThreadPoolBuilder::new().num_threads(config.backend.threads).build()?;
    let limits = Limits { max_batch: config.engine.max_batch, threads: config.backend.threads };
    let mut named = Vec::new();
    let mut pipelines = Vec::new();
    for (id, detector) in pipelines::detectors(&config.pipelines)? {
        let boxes = BoxStage::new(&detector, config.thresholds)?;
        let session = chosen.backend.load(&detector.model, &limits)?;
        let detector = Arc::new(detector);
        named.push(NamedPipeline { id, detector: Arc::clone(&detector) });
        pipelines.push(Pipeline { detector, session, boxes });
    }
    let on_batch = metrics.batch_observer();
    Ok(Loaded {
        engine: Engine::start(pipelines, Arc::new(pool), config.engine, on_batch)?,
        pipelines: named,
        backend: chosen.backend.name(),
        device: chosen.device.clone(),
        settings: config.engine,
    })
}
