//! `framegate bench-worker`: one combination, in a process of its own.

use std::io;

use framegate_backend_api::Backend;

use crate::bench::{Job, serve};
use crate::commands::{CommandError, Outcome};
use crate::config::NamedBackend;

/// Answers what is asked on standard input until there is no more.
pub(in crate::commands) fn work() -> Result<Outcome, CommandError> {
    serve(io::stdin().lock(), io::stdout().lock(), create)?;
    Ok(Outcome::Done)
}

fn create(job: &Job) -> Result<Box<dyn Backend>, String> {
    let backend = NamedBackend::parse(&job.combination.backend)?;
    backend.id.create(&job.options).map_err(|error| error.to_string())
}
