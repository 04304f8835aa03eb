//! `framegate watch`: cameras in, one JSON line per result out.

use std::io::Write;
use std::sync::Arc;

use rayon::ThreadPoolBuilder;
use tokio::runtime::Runtime;
use tokio::sync::mpsc;

use super::{CommandError, CommandStatus, interrupt};
use crate::backends;
use crate::config::WatchConfig;
use crate::engine::{Engine, EngineSettings, Pipeline};
use crate::pipeline::{LoadedPipeline, PipelineError, read_detector};
use crate::server::ServerError;
use crate::watch::{WatchMetrics, serve_metrics, watch};

/// Lines that wait to be written.
const LINES: usize = 256;

pub(super) fn run(config: WatchConfig, out: &mut dyn Write) -> Result<CommandStatus, CommandError> {
    let WatchConfig { model, pipeline: options, cameras, limits, max_frame_age, metrics } = config;
    let stop = interrupt::listen()?.token;
    let runtime = Runtime::new().map_err(CommandError::Runtime)?;
    let series = Arc::new(WatchMetrics::of(cameras.iter().map(|camera| camera.name())));
    // Cheap checks come before expensive work.
    if let Some(address) = metrics {
        runtime
            .block_on(serve_metrics(address, Arc::clone(&series)))
            .map_err(|source| CommandError::ListenMetrics { address, source })?;
    }
    let selected = backends::select(options.backend.as_ref(), &options.backend_options)?;
    let pool = ThreadPoolBuilder::new()
        .num_threads(options.threads)
        .build()
        .map_err(PipelineError::from)?;
    let detector = read_detector(&model, &options)?;
    let LoadedPipeline { detector, session, boxes } =
        LoadedPipeline::load(detector, selected.backend.as_ref(), &options)?;
    let settings = EngineSettings {
        decode: options.decode,
        max_batch: options.max_batch,
        max_age: max_frame_age,
    };
    let pipeline = Pipeline { detector: Arc::new(detector), session, boxes };
    let engine = Engine::start(vec![pipeline], Arc::new(pool), settings, |_| ())
        .map_err(ServerError::from)?;
    let engine = Arc::new(engine);
    let first = engine.pipelines()[0];

    let (sender, mut lines) = mpsc::channel::<String>(LINES);
    let running = Arc::clone(&engine);
    runtime.spawn(async move {
        watch(cameras, limits, (&running, first), &series, sender, stop).await;
    });
    // Ends when the last session has.
    while let Some(line) = lines.blocking_recv() {
        out.write_all(line.as_bytes()).and_then(|()| out.flush()).map_err(CommandError::Print)?;
    }
    runtime.shutdown_background();
    engine.stop();
    Ok(CommandStatus::Done)
}
