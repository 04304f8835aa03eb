//! Why a pipeline could not be loaded.

use std::path::PathBuf;

use framegate_backend_api::BackendError;
use framegate_models::detector::ModelError;

use crate::stages::BoxError;

/// Why a [`Pipeline`](crate::Pipeline) could not be loaded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PipelineError {
    /// The model, its sidecar or its labels cannot be used.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// The model's outputs cannot be read as boxes.
    #[error(transparent)]
    Boxes(#[from] BoxError),
    /// The backend cannot run here, or cannot run this model.
    #[error(transparent)]
    Backend(#[from] BackendError),
    /// The frames to calibrate on cannot be read.
    #[error("cannot calibrate int8 on {}: {problem}", path.display())]
    Calibration {
        /// Where they should be.
        path: PathBuf,
        /// Why the first of them cannot be read.
        problem: String,
    },
    /// A class that is to be reported is none of the model's.
    #[error("{problem} (--classes); the model has {labels}")]
    Classes {
        /// Which one.
        problem: String,
        /// Those there are.
        labels: String,
    },
    /// The model is not one for tiles.
    #[error("frames cannot be cut into tiles (--tiles): {problem}")]
    Tiles {
        /// Why not.
        problem: String,
    },
    /// The system provides no threads.
    #[error("cannot start worker threads; ask for fewer (--threads)")]
    Threads(#[from] rayon::ThreadPoolBuildError),
}
