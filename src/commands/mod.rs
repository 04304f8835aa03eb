//! What the subcommands do, one file for each.

mod backends;
mod bench;
mod error;
mod eval;
mod infer;
mod inspect;
mod load;
mod offline;
mod run;
mod serve;

use crate::cli::{Command, ModelsCommand};

pub use error::CommandError;

/// How a command ended that could be carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Everything was done.
    Done,
    /// Some frames could not be processed, or not annotated; what is wrong with each was printed in
    /// its place, or logged.
    SomeFramesFailed,
    /// Some sessions were refused or lost; the report says why.
    SomeSessionsFailed,
    /// Something could not be measured, or two backends do not find the same; the report says what.
    SomeComparisonsFailed,
}

/// Carries out a command.
///
/// # Errors
/// [`CommandError`].
pub fn run(command: Command) -> Result<Outcome, CommandError> {
    let outcome = match command {
        Command::Serve(raw) => serve::serve((*raw).try_into()?),
        Command::Infer(raw) => infer::infer((*raw).try_into()?),
        Command::Eval(raw) => eval::eval((*raw).try_into()?),
        Command::Load(raw) => load::load(&(*raw).try_into()?),
        Command::Bench(raw) => bench::bench(&(*raw).try_into()?),
        Command::BenchWorker => bench::work(),
        Command::Models(ModelsCommand::Inspect(raw)) => inspect::inspect(&raw.try_into()?),
        Command::Models(ModelsCommand::Run(raw)) => run::run(&raw.try_into()?),
        Command::Backends(raw) => backends::list(raw),
    };
    match outcome {
        // Whoever read the results has seen enough.
        Err(CommandError::Print(error)) if error.kind() == std::io::ErrorKind::BrokenPipe => {
            Ok(Outcome::Done)
        }
        outcome => outcome,
    }
}
