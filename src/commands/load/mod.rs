//! `framegate load`: measures a server under load.

mod page;
mod progress;
mod text;

#[cfg(test)]
mod tests;

use std::io::Write;

use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;

use super::{CommandError, CommandStatus, interrupt};
use crate::config::{LoadConfig, SearchConfig};
use crate::load::capacity::{self, CapacityReport};
use crate::load::frames::Frames;
use crate::load::trial::{self, Trial};
use crate::load::{LoadReport, SourceReport};
use crate::report::{Machine, check_writable, command_line, write_html, write_json};
use page::Page;
use progress::LoadProgress;

pub(super) fn load(
    config: &LoadConfig,
    out: &mut dyn Write,
) -> Result<CommandStatus, CommandError> {
    let stop = interrupt::listen()?.token;
    // Cheap checks come before expensive work.
    for path in [&config.json, &config.html].into_iter().flatten() {
        check_writable(path)?;
    }
    let frames = Frames::read(&config.frames)?;
    let runtime = Runtime::new().map_err(CommandError::Runtime)?;
    let mut progress = LoadProgress::start(config, out);
    let measured = runtime.block_on(measure(config, &frames, &mut progress, &stop));
    progress.end();
    let (trial, capacity) = measured?;
    let report = LoadReport {
        command: command_line(),
        partial: stop.is_cancelled(),
        machine: Machine::describe(),
        address: config.target.to_string(),
        server: trial.server,
        source: SourceReport::new(&config.frames, &frames),
        run: trial.report,
        capacity,
    };
    text::write(out, &report)?;
    out.flush()?;
    if let Some(path) = &config.json {
        write_json(path, &report)?;
    }
    if let Some(path) = &config.html {
        write_html(path, &Page::new(&report))?;
    }
    if report.partial {
        return Ok(CommandStatus::Interrupted);
    }
    // A search exceeds the server's capacity on purpose, so its failures are part of the result.
    Ok(match report.capacity.is_some() || report.run.connections.all_well() {
        true => CommandStatus::Done,
        false => CommandStatus::SomeSessionsFailed,
    })
}

async fn measure(
    config: &LoadConfig,
    frames: &Frames,
    progress: &mut LoadProgress<'_>,
    stop: &CancellationToken,
) -> Result<(Trial, Option<CapacityReport>), CommandError> {
    let LoadConfig { target, plan, search, .. } = config;
    let Some(SearchConfig { target_age, upper_bound }) = *search else {
        return Ok((trial::run(target, frames, plan, progress, stop).await?, None));
    };
    let (capacity, trial) =
        capacity::find(target, frames, *plan, target_age, upper_bound, progress, stop).await?;
    Ok((trial, Some(capacity)))
}
