//! Loads what a server serves: a backend is selected for each pipeline, then its model is read and loaded.

use std::sync::Arc;

use framegate_backend_api::BackendError;
use framegate_models::Detector;

use super::null_detector::null_detector;
use super::{ServedPipeline, ServerError, ServerOptions};
use crate::backends::{self, Selected};
use crate::engine::{Engine, LoadedPipeline};
use crate::front::metrics::Metrics;
use crate::front::{Loaded, NamedPipeline, RunsOn};
use crate::pipeline::{PipelineError, PipelineOptions, read_detector};
use crate::stages::Thresholds;

/// The backend of each pipeline; of the stand-in, if there is none. Pipelines that ask for the same share one.
pub(super) fn select(options: &ServerOptions) -> Result<Vec<Arc<Selected>>, BackendError> {
    let mut selected: Vec<(PipelineOptions, Arc<Selected>)> = Vec::new();
    for wanted in all(options) {
        let is_same = |(other, _): &&(PipelineOptions, _)| {
            other.backend == wanted.backend && other.backend_options == wanted.backend_options
        };
        let backend = match selected.iter().find(is_same) {
            Some((_, backend)) => Arc::clone(backend),
            None => Arc::new(backends::select(wanted.backend.as_ref(), &wanted.backend_options)?),
        };
        selected.push((wanted, backend));
    }
    Ok(selected.into_iter().map(|(_, backend)| backend).collect())
}

/// How each pipeline is loaded; at least one.
fn all(options: &ServerOptions) -> Vec<PipelineOptions> {
    match options.pipelines.as_slice() {
        [] => vec![options.pipeline.clone()],
        pipelines => pipelines.iter().map(|pipeline| options.options_of(pipeline)).collect(),
    }
}

/// Reads the models, loads each on its backend and warms it up.
pub(super) fn load(
    options: &ServerOptions,
    selected: &[Arc<Selected>],
    metrics: &Metrics,
) -> Result<Loaded, ServerError> {
    let mut named = Vec::new();
    let mut pipelines = Vec::new();
    let each = read(options)?.into_iter().zip(all(options)).zip(selected);
    for (((id, mut detector), options), selected) in each {
        // Before what the sidecar says.
        detector.input.decode_scale = options.decode.scale.or(detector.input.decode_scale);
        let (pipeline, on) = LoadedPipeline::load_on_fastest(detector, selected, &options)?;
        let (observe, runs_on) = RunsOn::observe(&on, metrics);
        let (model, backend) = (&pipeline.detector.model.name, on.backend.name());
        let Thresholds { confidence, iou } = options.thresholds;
        tracing::info!(pipeline = id, model, backend, confidence, iou, "pipeline loaded");
        named.push(NamedPipeline {
            id,
            detector: Arc::clone(&pipeline.detector),
            runs_on,
            defaults: options.selection(&pipeline.detector.labels)?,
            reads_text: pipeline.reader.is_some(),
        });
        pipelines.push(pipeline.with_failover(&on, &options, observe));
    }
    let (workers, settings) = (options.pipeline.threads, options.engine_settings());
    Ok(Loaded {
        engine: Engine::start(pipelines, workers, settings, metrics.batch_observer())?,
        pipelines: named,
        settings,
    })
}

/// The detectors under their names. Every model is read before the first is loaded, which takes longer.
fn read(options: &ServerOptions) -> Result<Vec<(String, Detector)>, PipelineError> {
    if options.pipelines.is_empty() {
        return Ok(vec![("null".to_owned(), null_detector())]);
    }
    let read = |pipeline: &ServedPipeline| {
        let detector = read_detector(&pipeline.model, &options.options_of(pipeline))?;
        Ok((pipeline.id.clone(), detector))
    };
    options.pipelines.iter().map(read).collect()
}
