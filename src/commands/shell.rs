//! `framegate completions` and `framegate man`: the command line for shells and for readers of manuals.

use std::io::Write;

use super::{CommandError, CommandStatus};
use crate::cli::{self, CompletionsArgs, ManArgs};

pub(super) fn completions(
    raw: CompletionsArgs,
    out: &mut dyn Write,
) -> Result<CommandStatus, CommandError> {
    out.write_all(&cli::completions(raw.shell))?;
    out.flush()?;
    Ok(CommandStatus::Done)
}

pub(super) fn man(raw: &ManArgs) -> Result<CommandStatus, CommandError> {
    let directory = raw.directory.clone();
    cli::man(&raw.directory).map_err(|source| CommandError::ManualPages { directory, source })?;
    Ok(CommandStatus::Done)
}
