//! The report as text.

use std::io::{self, Write};

use comfy_table::Table;

use crate::bench::report::{BenchReport, Failure, ModelReport};
use crate::report::table;
use crate::stages::Stage;

/// Writes the machine, the tables of each model, and the cases that could not be measured.
pub(super) fn write(out: &mut dyn Write, report: &BenchReport) -> io::Result<()> {
    writeln!(out, "{}", report.machine.summary())?;
    if !report.machine.optimised {
        writeln!(out, "This is a debug build: its figures do not apply to a release build.")?;
    }
    if report.partial {
        writeln!(
            out,
            "PARTIAL: ended early; cases and turns are missing, and nothing was compared."
        )?;
    }
    for model in report.models.models() {
        writeln!(out, "\n{model}, times in ms per frame, ratios to the first (above 1 is faster)")?;
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

/// The stage that has columns of its own.
const INFERENCE: &str = Stage::Inference.name();

/// The figures of the runs of one model; ratios are to the first backend.
fn runs_table(report: &ModelReport, model: &str) -> Table {
    let timed = report.runs_of(model).next().into_iter().flat_map(|run| &run.stages_ms);
    let stages = timed.map(|stage| stage.name).filter(|name| *name != INFERENCE);
    let stages: Vec<&str> = stages.collect();
    let before = ["backend", "batch", "frames/s", "ratio", "inference ms", "ratio", "p95"];
    let mut table = table(&[&before[..], &stages, &["load ms", "peak MB"]].concat(), 1);
    for run in report.runs_of(model) {
        let inference = run.stage(INFERENCE);
        let mut row = vec![
            run.backend.clone(),
            run.batch.to_string(),
            format!("{:.1}", run.frames_per_s),
            format!("{:.2}", run.ratio.frames_per_s),
            format!("{:.2}", inference.median),
            format!("{:.2}", run.ratio.inference),
            format!("{:.2}", inference.p95),
        ];
        row.extend(stages.iter().map(|stage| format!("{:.2}", run.stage(stage).median)));
        row.push(format!("{:.0}", run.read_ms + run.load_ms));
        row.push(run.peak_rss_mb.map_or_else(|| "-".to_owned(), |peak| format!("{peak:.0}")));
        table.add_row(row);
    }
    table
}

/// Whether the backends detect the same.
fn parity_table(report: &ModelReport, model: &str) -> Table {
    let header =
        ["backend", "batch", "against", "boxes", "unmatched", "score diff", "raw diff", "parity"];
    let mut table = table(&header, 1);
    for parity in report.parity.iter().filter(|parity| parity.model == model) {
        let comparison = &parity.comparison;
        table.add_row([
            parity.backend.clone(),
            parity.batch.to_string(),
            parity.against.clone(),
            comparison.boxes.to_string(),
            comparison.unmatched.to_string(),
            format!("{:.1e}", comparison.max_score_diff),
            format!("{:.1e}", comparison.max_raw_rel_diff),
            parity.verdict.to_string(),
        ]);
    }
    table
}
