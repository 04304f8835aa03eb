//! `framegate bench-worker`: measures one case in its own process.

use std::io::{self, Write};

use framegate_backend_api::{Backend, BackendError};

use crate::backends::{BackendId, BackendIdError};
use crate::bench::{RunnerConfig, serve};
use crate::commands::{CommandError, CommandStatus};

/// Why the backend of a case cannot be created.
#[derive(Debug, thiserror::Error)]
enum CreateError {
    #[error(transparent)]
    Name(#[from] BackendIdError),
    #[error(transparent)]
    Backend(#[from] BackendError),
}

/// Answers requests on standard input until there are no more.
pub(in crate::commands) fn work(out: &mut dyn Write) -> Result<CommandStatus, CommandError> {
    serve(io::stdin().lock(), out, create)?;
    Ok(CommandStatus::Done)
}

fn create(config: &RunnerConfig) -> Result<Box<dyn Backend>, CreateError> {
    let id: BackendId = config.case.backend.parse()?;
    Ok(id.create(&config.options)?)
}
