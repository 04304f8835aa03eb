//! `framegate check`: whether the backends of this machine can be believed.

mod devices;
mod file;
mod text;

use std::io::Write;
use std::path::{Path, PathBuf};

use framegate_backend_api::BackendError;
use framegate_cpu::Level;
use framegate_models::detector::EMBEDDED_MODEL;

use super::bench::{images, start};
use super::{CommandError, CommandStatus, interrupt};
use crate::backends::{BackendId, BackendOptions};
use crate::bench::check::{Candidate, Check, CheckOutcome, Checked};
use crate::bench::{BenchCase, BenchError, RunnerConfig};
use crate::config::CheckConfig;
use crate::report::write_json_to;
use devices::on_each_device;

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
    for (model, images) in models(&config.models, &images) {
        let candidate = |name: String, backend: &BackendId, options: &BackendOptions| {
            let config = RunnerConfig {
                case: BenchCase { model: model.to_owned(), backend: backend.to_string(), batch: 1 },
                images: images.to_vec(),
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
                .flat_map(|id| {
                    let each = of_each_device(id, &config.options).into_iter();
                    each.map(|(name, options)| candidate(name, id, &options)).collect::<Vec<_>>()
                })
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
        checked.outcome.holds()
            && !(is_named && matches!(checked.outcome, CheckOutcome::Absent { .. }))
    };
    Ok(match all.iter().all(is_good) {
        true => CommandStatus::Done,
        false => CommandStatus::SomeComparisonsFailed,
    })
}

/// Each model with its images: the built-in one on the known frame, and what was asked for.
fn models<'a>(
    named: &'a [PathBuf],
    images: &'a [PathBuf],
) -> impl Iterator<Item = (&'a Path, &'a [PathBuf])> {
    let built_in = Path::new(EMBEDDED_MODEL);
    let unnamed = named.is_empty().then_some(built_in);
    let asked = named.iter().map(PathBuf::as_path).chain(unnamed);
    let asked = asked.filter(move |model| *model != built_in || !images.is_empty());
    std::iter::once((built_in, &[][..])).chain(asked.map(move |model| (model, images)))
}

/// A backend on each of its devices, by name and options.
fn of_each_device(id: &BackendId, options: &BackendOptions) -> Vec<(String, BackendOptions)> {
    match id.create(options) {
        Ok(backend) => on_each_device(&id.to_string(), backend.as_ref(), options),
        Err(_) => vec![(id.to_string(), options.clone())],
    }
}

/// Whether a backend can run here, or why not, without the sentence around it that names the backend again.
fn runs_here(id: &BackendId, options: &BackendOptions) -> Result<(), String> {
    match id.create(options).and_then(|backend| backend.probe()) {
        Ok(_) => Ok(()),
        Err(BackendError::Unavailable { reason, .. }) => Err(reason),
        Err(error) => Err(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_model_is_checked_whatever_is_named() {
        let checked = |named: &[&str], images: &[&str]| -> Vec<String> {
            let [named, images] =
                [named, images].map(|all| all.iter().map(PathBuf::from).collect::<Vec<_>>());
            let show = |(model, images): (&Path, &[PathBuf])| {
                format!("{} on {}", model.display(), images.len())
            };
            models(&named, &images).map(show).collect()
        };
        assert_eq!(checked(&[], &[]), ["codes on 0"]);
        assert_eq!(checked(&[], &["b.jpg"]), ["codes on 0", "codes on 1"]);
        assert_eq!(checked(&["a.onnx"], &["b.jpg"]), ["codes on 0", "a.onnx on 1"]);
        assert_eq!(checked(&["codes", "a.onnx"], &[]), ["codes on 0", "a.onnx on 0"]);
        assert_eq!(checked(&["codes"], &["b.jpg"]), ["codes on 0", "codes on 1"]);
    }
}
