//! Which kernels of a backend a model runs on.

use std::collections::BTreeMap;

use framegate_backend_api::{BackendError, Limits, Model};
use serde::Serialize;

use crate::backends::{BackendId, BackendOptions};

/// What backends call the kernel that runs anything, slowly.
const PLAIN: &str = "plain";

/// The kernels of a backend.
#[derive(Debug, Serialize)]
pub(super) struct KernelReport {
    pub(super) backend: &'static str,
    /// How many steps each kernel runs.
    pub(super) kernels: BTreeMap<&'static str, usize>,
    /// Nodes for which there is no fast kernel.
    pub(super) plain: Vec<String>,
}

impl KernelReport {
    /// Loads the model to see. `None` if the backend does not tell.
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
            let plain = profile.steps.into_iter().filter(|step| step.kernel == PLAIN);
            let plain = plain.map(|step| step.node).collect();
            Self { backend: backend.name(), kernels, plain }
        }))
    }
}
