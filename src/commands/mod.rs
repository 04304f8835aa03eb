//! The subcommands, a folder for each. Results go to the writer that a command is given, messages to the
//! log.

mod backends;
mod bench;
mod check;
mod error;
mod eval;
mod infer;
mod interrupt;
mod load;
mod models;
mod offline;
mod progress;
mod serve;
mod shell;
mod signals;
mod watch;

use std::io::{ErrorKind, Write};

use crate::cli::{Command, ConfigFile, FileError, ModelsCommand};
use crate::config::file_problems;
use models::with_models_fetched;

pub(crate) use error::{CommandError, TrackEvalError, YoloFolderError};

/// How a command ended that could be carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CommandStatus {
    /// Everything was done.
    Done,
    /// Some frames could not be processed or annotated; each was reported in its place, or logged.
    SomeFramesFailed,
    /// Some sessions were refused or lost; the report says why.
    SomeSessionsFailed,
    /// Ctrl-c has ended it early; what it had done by then was reported, and marked as a part.
    Interrupted,
    /// A backend failed, or its results differ from another's; the report says which.
    SomeComparisonsFailed,
    /// The configuration file has problems; the report says which.
    FileHasProblems,
}

/// Carries out a command, which writes its results to `out`.
///
/// # Errors
/// [`CommandError`] when it cannot be carried out.
pub(crate) fn run(command: Command, out: &mut dyn Write) -> Result<CommandStatus, CommandError> {
    let status = match command {
        Command::Serve(raw) => {
            refuse_problems(raw.config.file.as_ref())?;
            serve::serve(with_models_fetched(raw.fetch.clone(), *raw)?)
        }
        Command::Watch(raw) => {
            refuse_problems(raw.config.file.as_ref())?;
            watch::run(with_models_fetched(raw.fetch.clone(), *raw)?, out)
        }
        Command::Infer(raw) => infer::infer(with_models_fetched(raw.fetch.clone(), *raw)?, out),
        Command::Eval(raw) => eval::eval(&with_models_fetched(raw.fetch.clone(), *raw)?, out),
        Command::Load(raw) => load::load(&(*raw).try_into()?, out),
        Command::Bench(raw) => bench::bench(&with_models_fetched(raw.fetch.clone(), *raw)?, out),
        Command::BenchWorker => bench::work(out),
        Command::Check(raw) => match &raw.config.config {
            Some(file) => check::check_file(file, raw.report.json, out),
            None => check::check(&with_models_fetched(raw.fetch.clone(), *raw)?, out),
        },
        Command::Models(raw) => of_models(raw, out),
        Command::Backends(raw) => backends::list(raw, out),
        Command::Completions(raw) => shell::completions(raw, out),
        Command::Man(raw) => shell::man(&raw),
    };
    match status {
        // The reader of the results has seen enough.
        Err(CommandError::Print(error)) if error.kind() == ErrorKind::BrokenPipe => {
            Ok(CommandStatus::Done)
        }
        status => status,
    }
}

fn of_models(command: ModelsCommand, out: &mut dyn Write) -> Result<CommandStatus, CommandError> {
    match command {
        ModelsCommand::Inspect(raw) => {
            models::inspect(&with_models_fetched(raw.fetch.clone(), raw)?, out)
        }
        ModelsCommand::Run(raw) => models::run(&with_models_fetched(raw.fetch.clone(), raw)?, out),
        ModelsCommand::Pull(raw) => models::pull(raw, out),
        ModelsCommand::List(raw) => models::list(raw, out),
        ModelsCommand::Rm(raw) => models::remove(raw),
    }
}

/// A file with a problem is not used in part.
fn refuse_problems(file: Option<&ConfigFile>) -> Result<(), FileError> {
    let Some(file) = file else { return Ok(()) };
    match file_problems(file) {
        problems if problems.is_empty() => Ok(()),
        problems => Err(FileError::new(&file.path, problems)),
    }
}
