//! Why something could not be measured.

use std::io;
use std::path::PathBuf;

use framegate_backend_api::BackendError;
use framegate_models::detector::ModelError;

use crate::engine::FrameError;
use crate::error_chain::error_chain;
use crate::pipeline::PipelineError;
use crate::stages::{BoxError, DecodeError};

/// Why a benchmark, or one case of it, could not be measured.
#[derive(Debug, thiserror::Error)]
pub enum BenchError {
    /// There is no image to measure with.
    #[error("there is no image to measure with")]
    Images(#[from] ImagesError),
    /// The runner of a case failed.
    #[error("{case}: {problem}")]
    Case {
        /// Which model on which backend.
        case: String,
        /// The report of the runner, in its own process or here.
        problem: String,
    },
    /// The process of a case is gone, or does not follow the protocol.
    #[error("{case}: its process has failed: {problem}")]
    Process {
        /// Which model on which backend.
        case: String,
        /// How the process ended.
        problem: String,
    },
}

impl BenchError {
    pub(super) fn runner(case: &impl ToString, error: &RunnerError) -> Self {
        Self::Case { case: case.to_string(), problem: error_chain(error) }
    }
}

/// Why the images of a benchmark cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ImagesError {
    /// A file cannot be opened.
    #[error("{path} cannot be read")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The report of the system.
        source: io::Error,
    },
    /// A directory or the contents of a file cannot be used.
    #[error("{path}: {problem}")]
    Unusable {
        /// The file or directory.
        path: PathBuf,
        /// The mistake in it.
        problem: String,
    },
    /// The images must be in files, as each worker reads them.
    #[error("images cannot come from standard input")]
    StandardInput,
    /// Not one image fits into the memory reserved for them.
    #[error("the first image is too large")]
    TooLarge,
}

/// Why a runner could not measure its case.
#[derive(Debug, thiserror::Error)]
pub enum RunnerError {
    /// The backend cannot run here, or failed.
    #[error(transparent)]
    Backend(#[from] BackendError),
    /// The model cannot be used.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// The model cannot be loaded on the backend.
    #[error(transparent)]
    Pipeline(#[from] PipelineError),
    /// The images cannot be used.
    #[error("there is no image to measure with")]
    Images(#[from] ImagesError),
    /// The system provides no threads.
    #[error("cannot start worker threads")]
    Threads(#[from] rayon::ThreadPoolBuildError),
    /// An image cannot be decoded.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// The outputs cannot be turned into boxes.
    #[error(transparent)]
    Boxes(#[from] BoxError),
    /// A frame failed on the whole path.
    #[error("{}", .0.cause.as_deref().unwrap_or(&.0.detail))]
    Frame(FrameError),
    /// A bug in a stage or a backend.
    #[error("a bug: panic: {0}")]
    Panic(String),
}
