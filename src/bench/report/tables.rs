//! The report on a terminal.

use comfy_table::Table;

use super::ModelReport;
use crate::report::numbers_table;

/// The figures of one model's runs; ratios are to the first backend.
pub fn runs_table(report: &ModelReport, model: &str) -> Table {
    let mut table = numbers_table(&[
        "backend",
        "batch",
        "frames/s",
        "ratio",
        "inference ms",
        "ratio",
        "p95",
        "decode",
        "resize",
        "normalise",
        "boxes",
        "load ms",
        "peak MB",
    ]);
    for run in report.runs_of(model) {
        let inference = run.stage("inference");
        let ms = |stage| format!("{:.2}", run.stage(stage).median);
        table.add_row([
            run.backend.clone(),
            run.batch.to_string(),
            format!("{:.1}", run.frames_per_s),
            format!("{:.2}", run.ratio.frames_per_s),
            format!("{:.2}", inference.median),
            format!("{:.2}", run.ratio.inference),
            format!("{:.2}", inference.p95),
            ms("decode"),
            ms("resize"),
            ms("normalise"),
            ms("postprocess"),
            format!("{:.0}", run.read_ms + run.load_ms),
            run.peak_rss_mb.map_or_else(|| "-".to_owned(), |peak| format!("{peak:.0}")),
        ]);
    }
    table
}

/// Whether the backends find the same.
pub fn parity_table(report: &ModelReport, model: &str) -> Table {
    let mut table = numbers_table(&[
        "backend",
        "batch",
        "against",
        "boxes",
        "unmatched",
        "score diff",
        "raw diff",
        "parity",
    ]);
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
            if parity.holds { "holds" } else { "FAILS" }.to_owned(),
        ]);
    }
    table
}
