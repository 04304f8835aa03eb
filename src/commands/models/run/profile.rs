//! The time that a backend spends in each layer.

use std::cmp::Reverse;
use std::io::Write;
use std::time::{Duration, Instant};

use comfy_table::Table;
use framegate_backend_api::{BackendError, InputBatch, OutputBatch, Profile, Session};

use crate::commands::CommandError;
use crate::report::table;

/// How long the model is run for a profile.
const DURATION: Duration = Duration::from_secs(2);

/// Runs the model for a while and prints a table of its steps, the longest first.
pub(super) fn print(
    backend: &'static str,
    session: &mut dyn Session,
    input: &InputBatch,
    outputs: &mut OutputBatch,
    out: &mut dyn Write,
) -> Result<(), CommandError> {
    session.set_profiling(true);
    let start = Instant::now();
    while start.elapsed() < DURATION {
        session.infer(input, outputs)?;
    }
    let profile = session.profile().ok_or_else(|| BackendError::Unavailable {
        backend,
        reason: "it cannot profile; --profile needs the backend simd".to_owned(),
    })?;
    writeln!(out, "{}", steps_table(&profile))?;
    writeln!(
        out,
        "{:.0} us of processor time per image, over all threads; {} images",
        profile.total().as_secs_f64() * 1e6,
        profile.images
    )?;
    Ok(())
}

fn steps_table(profile: &Profile) -> Table {
    let mut table = table(&["layer", "kernel", "us", "share", "GFLOP/s"], 2);
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
    table
}
