//! `framegate watch`: cameras in, one JSON line per result out.

use std::io::Write;
use std::sync::Arc;

use tokio::runtime::Runtime;
use tokio::sync::mpsc;

use super::{CommandError, CommandStatus, interrupt};
use crate::backends;
use crate::config::WatchConfig;
use crate::engine::{Engine, EngineSettings, LoadedPipeline};
use crate::pipeline::read_detector;
use crate::server::ServerError;
use crate::watch::{Analysers, WatchMetrics, Watched, serve_metrics, watch};

/// Lines that wait to be written.
const LINES: usize = 256;

pub(super) fn run(config: WatchConfig, out: &mut dyn Write) -> Result<CommandStatus, CommandError> {
    let stop = interrupt::listen()?.token;
    let runtime = Runtime::new().map_err(CommandError::Runtime)?;
    let series = WatchMetrics::of(config.cameras.iter().map(|camera| camera.name()));
    let series = Arc::new(series);
    // Cheap checks come before expensive work.
    if let Some(address) = config.metrics {
        runtime
            .block_on(serve_metrics(address, Arc::clone(&series)))
            .map_err(|source| CommandError::ListenMetrics { address, source })?;
    }
    let engine = match config.to {
        Some(_) => None,
        None => Some(Arc::new(engine(&config)?)),
    };
    let WatchConfig { cameras, limits, sinks, to, .. } = config;
    let (sender, mut lines) = mpsc::channel::<String>(LINES);
    let watched = Watched { cameras, limits, lines: sender, sinks };
    let running = engine.clone();
    runtime.spawn(async move {
        let analysers = match (&to, &running) {
            (Some(server), _) => Analysers::Server(server),
            (None, Some(engine)) => Analysers::Engine(engine, engine.pipelines()[0]),
            (None, None) => return,
        };
        watch(watched, analysers, &series, stop).await;
    });
    // Ends when the last session has.
    while let Some(line) = lines.blocking_recv() {
        out.write_all(line.as_bytes()).and_then(|()| out.flush()).map_err(CommandError::Print)?;
    }
    runtime.shutdown_background();
    if let Some(engine) = engine {
        engine.stop();
    }
    Ok(CommandStatus::Done)
}

/// The engine that analyses the frames, with its model loaded.
fn engine(config: &WatchConfig) -> Result<Engine, CommandError> {
    let options = &config.pipeline;
    let selected = backends::select(options.backend.as_ref(), &options.backend_options)?;
    let detector = read_detector(&config.model, options)?;
    let (pipeline, on) = LoadedPipeline::load_on_fastest(detector, &Arc::new(selected), options)?;
    let pipeline = pipeline.with_failover(&on, options, |_| ());
    let settings = EngineSettings {
        decode: options.decode,
        max_batch: options.max_batch,
        max_age: config.max_frame_age,
        device_check: config.device_check,
        read_budget: config.read_budget,
    };
    let engine = Engine::start(vec![pipeline], options.threads, settings, |_| ());
    Ok(engine.map_err(ServerError::from)?)
}
