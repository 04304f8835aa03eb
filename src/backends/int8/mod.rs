//! `--precision int8` for an `f32` model: its convolutions are quantised by what it computes on a few images.
//!
//! ```text
//! images ─ runs ─▶ values that become bytes: their ranges ────┐
//! images ─ runs ─▶ values that show the loss, before and after┴▶ sensitivity: which convolutions stay f32
//! ```

mod backend;
mod runs;
mod sensitivity;

use std::time::Instant;

use framegate_backend_api::graph::{Graph, ValueId};
use framegate_backend_api::{Backend, BackendError, Model};
use framegate_models::quantise::{Quantiser, is_quantised};

pub(super) use backend::CalibratingBackend;
use runs::Runs;

/// The model with convolutions that read bytes; one that holds quantised numbers already stays as it is. `backend`
/// computes what is observed; the images are inputs of the model, at least one.
///
/// # Errors
/// [`BackendError`] when nothing in the model can be quantised, or the backend cannot run it.
pub(super) fn quantise_on(
    backend: &dyn Backend,
    model: &Model,
    images: &[Vec<f32>],
    threads: usize,
) -> Result<Model, BackendError> {
    if is_quantised(&model.graph) {
        return Ok(model.clone());
    }
    let start = Instant::now();
    let quantiser = Quantiser::new(&model.graph);
    let candidates = quantiser.convolutions();
    if candidates.is_empty() {
        return Err(unsupported(backend, "it has no convolutions that could read bytes"));
    }
    let name = &model.name;
    tracing::info!(model = name, images = images.len(), "calibrating for int8");
    let runs = Runs { backend, model, threads };
    let observations = runs.observe(&quantiser.observed(), images)?;
    let seen = |id: ValueId| &observations[&id];
    let measured = quantiser.measured();
    let images = &images[..images.len().min(sensitivity::MEASURED_IMAGES)];
    let exact = runs.outputs(Graph { outputs: measured.clone(), ..model.graph.clone() }, images)?;
    let loss = |convolutions: &[usize], count: usize| {
        let count = count.min(images.len());
        let quantised = quantiser.quantise(convolutions, &measured, seen);
        Ok(sensitivity::loss(&exact[..count], &runs.outputs(quantised, &images[..count])?))
    };
    let Some(chosen) = sensitivity::choose(candidates, loss)? else {
        return Err(unsupported(backend, "it loses too much in 8 bits"));
    };
    tracing::info!(
        model = name,
        ms = start.elapsed().as_millis() as u64,
        "int8: {} of {} convolutions read bytes; {:.1} % of their results' deviation is lost",
        chosen.convolutions.len(),
        candidates.len(),
        chosen.loss * 100.0,
    );
    let graph = quantiser.quantise(&chosen.convolutions, &model.graph.outputs, seen);
    let (exact, rounded) = (runs.time(&model.graph)?, runs.time(&graph)?);
    let ratio = exact.as_secs_f64() / rounded.as_secs_f64();
    if ratio > 1.0 {
        tracing::info!(model = name, "int8 is {ratio:.2} times as fast as f32 here");
    } else {
        tracing::warn!(
            model = name,
            "int8 is {ratio:.2} times as fast as f32 on this processor; --precision f32 is better"
        );
    }
    Ok(Model { graph, ..model.clone() })
}

fn unsupported(backend: &dyn Backend, reason: &str) -> BackendError {
    let reason = format!("{reason}; take --precision f32");
    BackendError::Unsupported { backend: backend.name(), reason }
}
