//! Where a backend's time goes, layer by layer.

use std::cmp::Reverse;
use std::io::{self, Write};
use std::time::{Duration, Instant};

use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{CellAlignment, Table};
use framegate_backend_api::{BackendError, InputBatch, OutputBatch, Profile, Session};

use crate::commands::CommandError;

/// How long the model is run to see where its time goes.
const DURATION: Duration = Duration::from_secs(2);

/// Runs the model for a while and prints a table of its steps, the one that takes longest first.
pub(super) fn print(
    backend: &'static str,
    session: &mut dyn Session,
    input: &InputBatch,
    outputs: &mut OutputBatch,
) -> Result<(), CommandError> {
    session.set_profiling(true);
    let start = Instant::now();
    while start.elapsed() < DURATION {
        session.infer(input, outputs)?;
    }
    let profile = session.profile().ok_or_else(|| BackendError::Unavailable {
        backend,
        reason: "it does not tell where its time goes; --profile is for the backend simd"
            .to_owned(),
    })?;
    let mut out = io::stdout().lock();
    writeln!(out, "{}", table(&profile))?;
    writeln!(
        out,
        "{:.0} us of processor time an image, over all threads; {} images",
        profile.total().as_secs_f64() * 1e6,
        profile.images
    )?;
    Ok(())
}

fn table(profile: &Profile) -> Table {
    let mut table = Table::new();
    table.load_style(UTF8_FULL_CONDENSED);
    table.set_header(["layer", "kernel", "us", "share", "GFLOP/s"]);
    let total = profile.total().as_secs_f64();
    let mut steps: Vec<_> = profile.steps.iter().collect();
    steps.sort_by_key(|step| Reverse(step.time));
    for step in steps {
        let seconds = step.time.as_secs_f64();
        table.add_row([
            step.node.clone(),
            step.kernel.to_owned(),
            format!("{:.1}", seconds * 1e6),
            format!("{:.1} %", 100.0 * seconds / total),
            match step.multiply_adds {
                0 => "-".to_owned(),
                _ => format!("{:.1}", step.gigaflops()),
            },
        ]);
    }
    for column in table.column_iter_mut().skip(2) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}
