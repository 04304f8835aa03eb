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

use crate::cli::{Command, ModelsCommand};

pub use error::CommandError;
pub use models::InputTensorError;

/// How a command ended that could be carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CommandStatus {
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
}

/// Carries out a command, which writes its results to `out`.
///
/// # Errors
/// [`CommandError`] when it cannot be carried out.
pub fn run(command: Command, out: &mut dyn Write) -> Result<CommandStatus, CommandError> {
    let status = match command {
        Command::Serve(raw) => serve::serve((*raw).try_into()?),
        Command::Watch(raw) => watch::run((*raw).try_into()?, out),
        Command::Infer(raw) => infer::infer((*raw).try_into()?, out),
        Command::Eval(raw) => eval::eval(&(*raw).try_into()?, out),
        Command::Load(raw) => load::load(&(*raw).try_into()?, out),
        Command::Bench(raw) => bench::bench(&(*raw).try_into()?, out),
        Command::BenchWorker => bench::work(out),
        Command::Check(raw) => check::check(&(*raw).try_into()?, out),
        Command::Models(ModelsCommand::Inspect(raw)) => models::inspect(&raw.try_into()?, out),
        Command::Models(ModelsCommand::Run(raw)) => models::run(&raw.try_into()?, out),
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
