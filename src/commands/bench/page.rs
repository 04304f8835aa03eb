//! The report as a page.

use askama::Template;

use crate::bench::report::{BenchReport, Failure, ModelReport, Run};
use crate::bench::{Parity, ParityLimits};
use crate::report::Machine;
use crate::report::chart::{Bar, Bars, Line, Lines, Scale};

/// A page with charts, complete in one file.
#[derive(Debug, Template)]
#[template(path = "commands/bench/page.html")]
pub(super) struct Page<'a> {
    machine: &'a Machine,
    report: &'a BenchReport,
    models: Vec<ModelSection<'a>>,
    failures: &'a [Failure],
}

/// One model's part of the page.
#[derive(Debug)]
struct ModelSection<'a> {
    name: &'a str,
    runs: Vec<&'a Run>,
    throughput: Bars,
    stages: Bars,
    distribution: Lines,
    parity: Vec<&'a Parity>,
}

impl<'a> Page<'a> {
    /// The page of a report.
    pub(super) fn new(report: &'a BenchReport) -> Self {
        let measured = &report.models;
        Self {
            machine: &report.machine,
            report,
            models: measured.models().into_iter().map(|name| section(measured, name)).collect(),
            failures: &measured.failures,
        }
    }
}

fn section<'a>(measured: &'a ModelReport, name: &'a str) -> ModelSection<'a> {
    let runs: Vec<&Run> = measured.runs_of(name).collect();
    ModelSection {
        name,
        throughput: throughput(&runs),
        stages: stages(&runs),
        distribution: distribution(&runs),
        runs,
        parity: measured.parity.iter().filter(|parity| parity.model == name).collect(),
    }
}

fn throughput(runs: &[&Run]) -> Bars {
    let bar = |run: &&Run| Bar { label: run.label(), values: vec![run.frames_per_s] };
    Bars {
        caption: "Frames per second from JPEG to boxes, stages overlapping".to_owned(),
        unit: "frames/s",
        parts: Vec::new(),
        bars: runs.iter().map(bar).collect(),
    }
}

fn stages(runs: &[&Run]) -> Bars {
    let names = runs.first().map(|run| run.stages_ms.iter().map(|stage| stage.name.to_owned()));
    let bar = |run: &&Run| Bar {
        label: run.label(),
        values: run.stages_ms.iter().map(|stage| stage.ms.median).collect(),
    };
    Bars {
        caption: "Milliseconds per frame in each stage by itself, median".to_owned(),
        unit: "ms",
        parts: names.into_iter().flatten().collect(),
        bars: runs.iter().map(bar).collect(),
    }
}

fn distribution(runs: &[&Run]) -> Lines {
    let times = runs.iter().flat_map(|run| run.inference_shares.iter().map(|point| point.0));
    let line = |run: &&Run| Line {
        label: run.label(),
        points: run.inference_shares.iter().map(|(ms, share)| (*ms, share * 100.0)).collect(),
    };
    Lines {
        caption: "Share of frames whose inference took at most this long".to_owned(),
        horizontal: "ms per frame, logarithmic",
        horizontal_scale: Scale::logarithmic(times),
        vertical: "% of frames",
        vertical_scale: Scale::Linear { from: 0.0, to: 100.0 },
        lines: runs.iter().map(line).collect(),
    }
}
