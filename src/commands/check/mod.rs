//! `framegate check`: whether the backends of this machine can be believed.

mod file;
mod text;

use std::io::Write;
use std::path::Path;

use framegate_backend_api::BackendError;
use framegate_cpu::Level;
use framegate_models::detector::EMBEDDED_MODEL;

use super::bench::{images, start};
use super::{CommandError, CommandStatus, interrupt};
use crate::backends::{BackendId, BackendOptions};
use crate::bench::check::{Candidate, Check, Checked, Outcome};
use crate::bench::{BenchCase, BenchError, RunnerConfig};
use crate::config::CheckConfig;
use crate::report::write_json_to;

pub(super) use file::check_file;

/// The engine without vector instructions: what others are held against.
const REFERENCE: &str = "simd, portable";

pub(super) fn check(
    config: &CheckConfig,
    out: &mut dyn Write,
) -> Result<CommandStatus, CommandError> {
    let stop = interrupt::listen()?.stop;
    let images = match &config.images {
        Some(path) => images(path).map_err(BenchError::Images)?,
        None => Vec::new(),
    };
    let backends = config.backends.clone();
    let backends =
        backends.unwrap_or_else(|| BackendId::all().filter(BackendId::computes).collect());
    let mut all = Vec::new();
    for model in &config.models {
        let candidate = |name: String, backend: &BackendId, options: &BackendOptions| {
            let config = RunnerConfig {
                case: BenchCase { model: model.clone(), backend: backend.to_string(), batch: 1 },
                images: images.clone(),
                threads: config.threads,
                confidence: config.thresholds.confidence,
                iou: config.thresholds.iou,
                options: options.clone(),
            };
            Candidate { name, config: runs_here(backend, options).map(|()| config) }
        };
        let portable = BackendOptions { simd_level: Some(Level::Portable), ..Default::default() };
        let simd = BackendId::all().find(|id| id.name() == "simd" && id.is_compiled_in());
        let check = Check {
            reference: simd.map(|id| candidate(REFERENCE.to_owned(), &id, &portable)),
            candidates: backends
                .iter()
                .map(|id| candidate(id.to_string(), id, &config.options))
                .collect(),
            has_known_boxes: images.is_empty() && model == Path::new(EMBEDDED_MODEL),
            start: &start,
            stop: &stop,
        };
        let name = model.file_stem().unwrap_or_default().to_string_lossy();
        check.run(&name, &mut |checked| {
            text::log(&checked);
            all.push(checked);
        });
    }
    match config.json {
        true => write_json_to(out, &all)?,
        false => text::write(out, &all)?,
    }
    if stop.is_set() {
        return Ok(CommandStatus::Interrupted);
    }
    // A backend that was named should run.
    let is_named = config.backends.is_some();
    let is_good = |checked: &Checked| {
        checked.outcome.holds() && !(is_named && matches!(checked.outcome, Outcome::Absent { .. }))
    };
    Ok(match all.iter().all(is_good) {
        true => CommandStatus::Done,
        false => CommandStatus::SomeComparisonsFailed,
    })
}

/// Whether a backend can run here, or why not, without the sentence around it that names the backend again.
fn runs_here(id: &BackendId, options: &BackendOptions) -> Result<(), String> {
    match id.create(options).and_then(|backend| backend.probe()) {
        Ok(_) => Ok(()),
        Err(BackendError::Unavailable { reason, .. }) => Err(reason),
        Err(error) => Err(error.to_string()),
    }
}
