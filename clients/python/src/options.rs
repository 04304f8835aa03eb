//! The options of a backend as Python names them, in Rust's terms.

use framegate::{BackendId, BackendIdError, PipelineOptions};
use pyo3::prelude::*;

use crate::errors::BackendError;

/// The options for a backend by its name (`auto` for the best that runs here) on this many threads, by default all.
pub(crate) fn options(backend: &str, threads: Option<usize>) -> PyResult<PipelineOptions> {
    let unusable =
        |error: BackendIdError| BackendError::new_err(format!("backend {backend:?}: {error}"));
    let mut options = PipelineOptions {
        backend: match backend {
            "auto" => None,
            name => Some(name.parse::<BackendId>().map_err(unusable)?),
        },
        ..PipelineOptions::default()
    };
    if let Some(threads) = threads {
        options.threads = threads;
    }
    Ok(options)
}
