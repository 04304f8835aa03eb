//! The outcome of a check for people.

use std::io::{self, Write};

use crate::bench::check::{CheckOutcome, Checked, Measured};
use crate::report::table;

/// Logs an outcome, so that a long check shows how far it is.
pub(super) fn log(checked: &Checked) {
    let Checked { model, backend, outcome } = checked;
    match outcome {
        CheckOutcome::Absent { .. } => {}
        _ => tracing::info!(model, backend, outcome = word(outcome), "checked"),
    }
}

pub(super) fn write(out: &mut dyn Write, all: &[Checked]) -> io::Result<()> {
    let header = [
        "model",
        "backend",
        "",
        "device, or why not",
        "boxes",
        "score ±",
        "raw ±",
        "load ms",
        "run ms",
    ];
    let mut table = table(&header, 4);
    for Checked { model, backend, outcome } in all {
        let mut row = vec![model.clone(), backend.clone(), word(outcome).to_owned()];
        match outcome {
            CheckOutcome::Right(measured)
            | CheckOutcome::Wrong(measured)
            | CheckOutcome::Reference(measured) => {
                row.extend(figures(measured));
            }
            CheckOutcome::Absent { reason } => row.push(reason.clone()),
            CheckOutcome::Failed { problem } => row.push(problem.clone()),
        }
        table.add_row(row);
    }
    writeln!(out, "{table}")?;
    let bad: Vec<String> = all
        .iter()
        .filter(|checked| !checked.outcome.holds())
        .map(|Checked { model, backend, .. }| format!("{model} on {backend}"))
        .collect();
    match bad.is_empty() {
        true => writeln!(out, "Every backend that runs here computes what it should."),
        false => writeln!(
            out,
            "Not to be trusted: {}. Update the driver, or name another backend (--backend).",
            bad.join(", ")
        ),
    }
}

fn figures(measured: &Measured) -> [String; 6] {
    let Measured { device, load_ms, run_ms, difference, against } = measured;
    let [boxes, score, raw] = match against {
        Some(_) => [
            match difference.unmatched {
                0 => difference.boxes.to_string(),
                unmatched => format!("{}, {unmatched} unmatched", difference.boxes),
            },
            format!("{:.4}", difference.max_score_diff),
            format!("{:.0e}", difference.max_raw_rel_diff),
        ],
        None => [const { String::new() }; 3],
    };
    [device.clone(), boxes, score, raw, format!("{load_ms:.0}"), format!("{run_ms:.1}")]
}

fn word(outcome: &CheckOutcome) -> &'static str {
    match outcome {
        CheckOutcome::Right(_) => "right",
        CheckOutcome::Wrong(_) => "WRONG",
        CheckOutcome::Reference(_) => "reference",
        CheckOutcome::Absent { .. } => "not here",
        CheckOutcome::Failed { .. } => "FAILED",
    }
}
