//! `framegate bench`: backends side by side.

mod progress;
mod worker;

use std::env;
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{CommandError, Outcome};
use crate::backends::BackendId;
use crate::bench::report::{BenchReport, Failure, ModelReport, Page, parity_table, runs_table};
use crate::bench::{Bench, BenchError, Job, Worker, combinations};
use crate::config::BenchConfig;
use crate::report::{Machine, check_writable, command_line, write_html, write_json};
use crate::sources::{self, Source};
use progress::ProgressLine;

pub(super) use worker::work;

/// The variable that says how much a process logs.
const LOG_LEVEL: &str = "FRAMEGATE_LOG_LEVEL";

pub(super) fn bench(config: &BenchConfig) -> Result<Outcome, CommandError> {
    // What costs nothing to find out comes before what takes time.
    for path in [&config.json, &config.html].into_iter().flatten() {
        check_writable(path)?;
    }
    let images = images(&config.images)?;
    let backends = backends(config)?;
    let names: Vec<String> = backends.iter().map(ToString::to_string).collect();
    let bench = Bench { duration: config.duration };
    let combined = names.len() * config.batches.len() * config.models.len();
    let mut progress = ProgressLine::start(bench.steps(combined));
    let mut models = ModelReport::default();
    for model in &config.models {
        let jobs =
            combinations(model, &names, &config.batches).into_iter().map(|combination| Job {
                combination,
                images: images.clone(),
                threads: config.threads,
                confidence: config.thresholds.confidence,
                iou: config.thresholds.iou,
                options: config.options.clone(),
            });
        models.extend(bench.run(jobs.collect(), start, &mut |step| progress.step(&step)));
    }
    progress.end();
    let report = BenchReport {
        command: command_line(),
        machine: Machine::describe(),
        images: images.len(),
        seconds: config.duration.as_secs_f64(),
        models,
    };
    print(&report)?;
    if let Some(path) = &config.json {
        write_json(path, &report)?;
    }
    if let Some(path) = &config.html {
        write_html(path, &Page::new(&report))?;
    }
    Ok(if report.models.holds() { Outcome::Done } else { Outcome::SomeComparisonsFailed })
}

/// A process of this program that measures one combination.
fn start(job: Job) -> Result<Worker, BenchError> {
    let program = env::current_exe().unwrap_or_else(|_| PathBuf::from("framegate"));
    let mut process = Command::new(program);
    process.arg("bench-worker");
    // What each loads and warms up is in the report.
    if env::var_os(LOG_LEVEL).is_none() {
        process.env(LOG_LEVEL, "warn");
    }
    Worker::start(job, &mut process)
}

/// The JPEG files to measure with.
fn images(images: &Path) -> Result<Vec<PathBuf>, CommandError> {
    let file = |source| match source {
        // A file that cannot be read is found out here, and not by each combination.
        Source::File(path) => match File::open(&path) {
            Ok(_) => Ok(path),
            Err(problem) => Err(format!("{}: {problem}", path.display())),
        },
        Source::Unreadable { path, problem } => Err(format!("{}: {problem}", path.display())),
        Source::StandardInput => Err("they cannot come from standard input".to_owned()),
    };
    let files = sources::expand(&[images.to_owned()]).into_iter().map(file);
    Ok(files.collect::<Result<_, _>>().map_err(BenchError::Images)?)
}

/// The backends to compare: those asked for, each of which must run here, or all that run here and compute.
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

fn print(report: &BenchReport) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{}", report.machine.summary())?;
    if !report.machine.optimised {
        writeln!(out, "This is a debug build: its figures say nothing about a release.")?;
    }
    for model in report.models.models() {
        writeln!(out, "\n{model}, times in ms a frame, ratios to the first (above 1 is faster)")?;
        writeln!(out, "{}", runs_table(&report.models, model))?;
        if report.models.parity.iter().any(|parity| parity.model == model) {
            writeln!(out, "{}", parity_table(&report.models, model))?;
        }
    }
    for failure in &report.models.failures {
        let Failure { model, backend, batch, problem } = failure;
        writeln!(out, "not measured: {model} on {backend}, batch {batch}: {problem}")?;
    }
    out.flush()
}
