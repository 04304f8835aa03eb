//! `framegate bench-worker`: one combination, in a process of its own.

use std::io;

use framegate_backend_api::Backend;

use crate::backends::BackendOptions;
use crate::bench::{Job, serve};
use crate::commands::{CommandError, Outcome};
use crate::config::NamedBackend;

/// Answers what is asked on standard input until there is no more.
pub(in crate::commands) fn work() -> Result<Outcome, CommandError> {
    serve(io::stdin().lock(), io::stdout().lock(), create)?;
    Ok(Outcome::Done)
}

fn create(job: &Job) -> Result<Box<dyn Backend>, String> {
    let options = BackendOptions {
        allow_software_gpu: job.allow_software_gpu,
        ort_library: job.ort_library.clone(),
    };
    let backend = NamedBackend::parse(&job.combination.backend)?;
    backend.id.create(&options).map_err(|error| error.to_string())
}
