//! `framegate bench`: backends side by side.

mod page;
mod progress;
mod text;
mod worker;

#[cfg(test)]
mod tests;

use std::env;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use super::{CommandError, CommandStatus, interrupt};
use crate::backends::BackendId;
use crate::bench::report::{BenchReport, ModelReport};
use crate::bench::{Bench, BenchError, ImagesError, RunnerConfig, Worker, cases};
use crate::config::BenchConfig;
use crate::invocation;
use crate::report::{Machine, check_writable, command_line, write_html, write_json};
use crate::sources::{self, Source};
use page::Page;
use progress::BenchProgress;

pub(super) use worker::work;

/// The variable that sets how much a process logs.
const LOG_LEVEL: &str = "FRAMEGATE_LOG_LEVEL";

pub(super) fn bench(
    config: &BenchConfig,
    out: &mut dyn Write,
) -> Result<CommandStatus, CommandError> {
    let stop = interrupt::listen()?.stop;
    // Cheap checks come before expensive work.
    for path in [&config.json, &config.html].into_iter().flatten() {
        check_writable(path)?;
    }
    let images = images(&config.images).map_err(BenchError::Images)?;
    let backends = backends(config)?;
    let names: Vec<String> = backends.iter().map(ToString::to_string).collect();
    let bench = Bench { duration: config.duration };
    let number = names.len() * config.batches.len() * config.models.len();
    let mut progress = BenchProgress::start(bench.steps(number));
    let mut models = ModelReport::default();
    for model in &config.models {
        let configs = cases(model, &names, &config.batches).into_iter().map(|case| RunnerConfig {
            case,
            images: images.clone(),
            threads: config.threads,
            confidence: config.thresholds.confidence,
            iou: config.thresholds.iou,
            options: config.options.clone(),
        });
        if stop.is_set() {
            break;
        }
        let mut progress = |step| progress.step(&step);
        models.extend(bench.run(configs.collect(), start, &mut progress, &stop));
    }
    progress.end();
    let report = BenchReport {
        command: command_line(),
        partial: stop.is_set(),
        machine: Machine::describe(),
        images: images.len(),
        seconds: config.duration.as_secs_f64(),
        models,
    };
    text::write(out, &report)?;
    if let Some(path) = &config.json {
        write_json(path, &report)?;
    }
    if let Some(path) = &config.html {
        write_html(path, &Page::new(&report))?;
    }
    if report.partial {
        return Ok(CommandStatus::Interrupted);
    }
    Ok(match report.models.holds() {
        true => CommandStatus::Done,
        false => CommandStatus::SomeComparisonsFailed,
    })
}

/// Starts a process of this program that measures one case.
pub(super) fn start(config: RunnerConfig) -> Result<Worker, BenchError> {
    let mut process = invocation::again();
    process.arg("bench-worker");
    // Ctrl-c is for this process, which ends its workers itself when it has what they measured.
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut process, 0);
    // How it loads and warms up is in the report.
    if env::var_os(LOG_LEVEL).is_none() {
        process.env(LOG_LEVEL, "warn");
    }
    Worker::start(config, &mut process)
}

/// The JPEG files to measure with.
pub(super) fn images(images: &Path) -> Result<Vec<PathBuf>, ImagesError> {
    let file = |source| match source {
        // An unreadable file is reported here once, instead of by every case.
        Source::File(path) => match File::open(&path) {
            Ok(_) => Ok(path),
            Err(source) => Err(ImagesError::Unreadable { path, source }),
        },
        Source::Clip(path) => {
            let problem = "a clip is not a JPEG file; measure with its frames".to_owned();
            Err(ImagesError::Unusable { path, problem })
        }
        Source::Unreadable { path, problem } => Err(ImagesError::Unusable { path, problem }),
        Source::Video { path, .. } => {
            let problem = "it is a video: name JPEG files".to_owned();
            Err(ImagesError::Unusable { path, problem })
        }
        Source::StandardInput => Err(ImagesError::StandardInput),
    };
    sources::expand(&[images.to_owned()]).into_iter().map(file).collect()
}

/// The backends to compare: those named, each of which must run here, or all that run here and compute.
fn backends(config: &BenchConfig) -> Result<Vec<BackendId>, CommandError> {
    let probe = |id: &BackendId| id.create(&config.options)?.probe();
    if let Some(backends) = &config.backends {
        backends.iter().try_for_each(|id| probe(id).map(drop))?;
        return Ok(backends.clone());
    }
    let runs_here =
        |id: &BackendId| probe(id).inspect_err(|error| tracing::info!("left out: {error}")).is_ok();
    Ok(BackendId::all().filter(|id| id.computes() && runs_here(id)).collect())
}
