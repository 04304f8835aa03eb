//! `framegate bench-worker`: measures one case in its own process.

use std::io::{self, Write};

use framegate_backend_api::{Backend, BackendError};

use crate::bench::{RunnerConfig, serve};
use crate::commands::{CommandError, CommandStatus};
use crate::config::{BackendNameError, NamedBackend};

/// Why the backend of a case cannot be created.
#[derive(Debug, thiserror::Error)]
enum CreateError {
    #[error(transparent)]
    Name(#[from] BackendNameError),
    #[error(transparent)]
    Backend(#[from] BackendError),
}

/// Answers requests on standard input until there are no more.
pub(in crate::commands) fn work(out: &mut dyn Write) -> Result<CommandStatus, CommandError> {
    serve(io::stdin().lock(), out, create)?;
    Ok(CommandStatus::Done)
}

fn create(config: &RunnerConfig) -> Result<Box<dyn Backend>, CreateError> {
    let backend = NamedBackend::parse(&config.case.backend)?;
    Ok(backend.id.create(&config.options)?)
}
