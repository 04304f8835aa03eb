//! `framegate load`: a server under load, measured.

mod page;
mod progress;
mod text;

use std::io::{self, Write};

use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;

use super::{CommandError, Outcome};
use crate::config::{LoadConfig, SearchConfig};
use crate::load::capacity::{self, CapacityReport};
use crate::load::frames::Frames;
use crate::load::trial::{self, Trial};
use crate::load::{LoadReport, SourceReport};
use crate::report::{Machine, check_writable, command_line, write_html, write_json};
use page::Page;
use progress::ProgressLine;

pub(super) fn load(config: &LoadConfig) -> Result<Outcome, CommandError> {
    // What costs nothing to find out comes before what takes time.
    for path in [&config.json, &config.html].into_iter().flatten() {
        check_writable(path)?;
    }
    let frames = Frames::read(&config.frames)?;
    let runtime = Runtime::new().map_err(CommandError::Runtime)?;
    let mut progress = ProgressLine::start(config);
    let measured = runtime.block_on(measure(config, &frames, &mut progress));
    progress.end();
    let (trial, capacity) = measured?;
    let report = LoadReport {
        command: command_line(),
        machine: Machine::describe(),
        address: config.target.to_string(),
        server: trial.server,
        source: SourceReport::new(&config.frames, &frames),
        run: trial.report,
        capacity,
    };
    let mut out = io::stdout().lock();
    text::write(&mut out, &report)?;
    out.flush()?;
    if let Some(path) = &config.json {
        write_json(path, &report)?;
    }
    if let Some(path) = &config.html {
        write_html(path, &Page::new(&report))?;
    }
    // A search goes beyond what the server can take, so what fails there is part of the answer.
    Ok(match report.capacity.is_some() || report.run.connections.all_well() {
        true => Outcome::Done,
        false => Outcome::SomeSessionsFailed,
    })
}

async fn measure(
    config: &LoadConfig,
    frames: &Frames,
    progress: &mut ProgressLine,
) -> Result<(Trial, Option<CapacityReport>), CommandError> {
    let LoadConfig { target, plan, search, .. } = config;
    let stop = CancellationToken::new();
    let Some(SearchConfig { target_age, upper_bound }) = *search else {
        return Ok((trial::run(target, frames, plan, progress, &stop).await?, None));
    };
    let (capacity, trial) =
        capacity::find(target, frames, *plan, target_age, upper_bound, progress, &stop).await?;
    Ok((trial, Some(capacity)))
}
