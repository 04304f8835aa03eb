//! What the subcommands do, one file for each.

mod backends;
mod error;
mod infer;
mod inspect;
mod run;

use std::path::Path;

use framegate_models::detector::ModelError;
use framegate_models::onnx::OnnxFile;

use crate::cli::{Command, ModelsCommand};

pub use error::CommandError;

/// How a command ended that could be carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Everything was done.
    Done,
    /// Some frames could not be processed; what is wrong with each was printed in its place.
    SomeFramesFailed,
}

/// Carries out a command.
///
/// # Errors
/// [`CommandError`].
pub fn run(command: Command) -> Result<Outcome, CommandError> {
    let outcome = match command {
        Command::Infer(raw) => infer::infer((*raw).try_into()?),
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

/// Reads a model file without asking what kind of model it is.
fn read_onnx(path: &Path) -> Result<OnnxFile, CommandError> {
    let bytes = std::fs::read(path).map_err(|problem| CommandError::File {
        action: "read",
        path: path.to_owned(),
        problem,
    })?;
    let parsed = OnnxFile::parse(&bytes);
    Ok(parsed.map_err(|problem| ModelError::Onnx { path: path.to_owned(), problem })?)
}
