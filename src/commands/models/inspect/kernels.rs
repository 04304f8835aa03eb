//! The kernels of a backend that run a model.

use std::collections::BTreeMap;

use framegate_backend_api::{BackendError, Limits, Model};
use serde::Serialize;

use crate::backends::{BackendId, BackendOptions};

/// The backend's name for its scalar fallback, which runs any operator.
const FALLBACK: &str = "scalar";

/// The kernels that run a model.
#[derive(Debug, Serialize)]
pub(super) struct KernelReport {
    pub(super) backend: &'static str,
    /// Number of steps per kernel.
    pub(super) kernels: BTreeMap<&'static str, usize>,
    /// Nodes without a fast kernel.
    pub(super) plain: Vec<String>,
}

impl KernelReport {
    /// Loads the model to find out. `None` if the backend does not report its kernels.
    ///
    /// # Errors
    /// When the backend cannot run here, or not this model.
    pub(super) fn of(backend: &BackendId, model: &Model) -> Result<Option<Self>, BackendError> {
        let session = backend
            .create(&BackendOptions::default())?
            .load(model, &Limits { max_batch: 1, threads: 1 })?;
        Ok(session.profile().map(|profile| {
            let mut kernels = BTreeMap::new();
            for step in &profile.steps {
                *kernels.entry(step.kernel).or_default() += 1;
            }
            let plain = profile.steps.into_iter().filter(|step| step.kernel == FALLBACK);
            let plain = plain.map(|step| step.node).collect();
            Self { backend: backend.name(), kernels, plain }
        }))
    }
}
