//! `framegate bench-worker`: one combination, in a process of its own.

use std::io;

use framegate_backend_api::Backend;

use crate::backends::{BackendId, BackendIdError};
use crate::bench::{Job, serve};
use crate::commands::{CommandError, Outcome};

/// Answers what is asked on standard input until there is no more.
pub(in crate::commands) fn work() -> Result<Outcome, CommandError> {
    serve(io::stdin().lock(), io::stdout().lock(), create)?;
    Ok(Outcome::Done)
}

fn create(job: &Job) -> Result<Box<dyn Backend>, String> {
    let id: BackendId =
        job.combination.backend.parse().map_err(|e: BackendIdError| e.to_string())?;
    id.create(&job.options).map_err(|error| error.to_string())
}
