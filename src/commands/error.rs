//! Why a command could not be carried out, and the exit status that says so.

use std::net::SocketAddr;
use std::path::PathBuf;

use framegate_backend_api::BackendError;
use framegate_models::detector::ModelError;

use crate::annotate::DirectoryError;
use crate::bench::BenchError;
use crate::config::ConfigError;
use crate::engine::EngineError;
use crate::eval::LabelsError;
use crate::load::SessionFailure;
use crate::load::frames::FramesError;
use crate::npy::NpyError;
use crate::report::ReportError;
use crate::stages::BoxError;

/// Exit status of a command that failed while running.
const FAILED: u8 = 1;
/// Exit status of a command that cannot be carried out as given; clap's for usage errors.
const UNUSABLE: u8 = 2;

/// Why a command could not be carried out.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// A value of an option.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The model and what is said about it.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// The model's outputs cannot be read as boxes.
    #[error(transparent)]
    Boxes(#[from] BoxError),
    /// The backend that was asked for, or chosen.
    #[error(transparent)]
    Backend(#[from] BackendError),
    /// The server's engine could not start.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// Tensor files.
    #[error(transparent)]
    Npy(#[from] NpyError),
    /// The input tensor of `models run` does not fit the model.
    #[error("{path}: {problem}")]
    InputTensor {
        /// The tensor's file.
        path: PathBuf,
        /// What is expected and what was found.
        problem: String,
    },
    /// The directory that `models run` writes to.
    #[error("cannot create {path}: {problem}")]
    OutputDirectory {
        /// The directory.
        path: PathBuf,
        /// What the system said.
        problem: std::io::Error,
    },
    /// The directory for annotated images.
    #[error(transparent)]
    AnnotationDirectory(#[from] DirectoryError),
    /// The system gives no threads.
    #[error("cannot start worker threads, try fewer with --threads: {0}")]
    Threads(#[from] rayon::ThreadPoolBuildError),
    /// The address that the server should listen on.
    #[error("cannot listen on {address}: {problem}; choose another with --host and --port")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        problem: std::io::Error,
    },
    /// The server could not go on.
    #[error("the server has failed: {0}")]
    Serve(std::io::Error),
    /// What to measure with.
    #[error(transparent)]
    Bench(#[from] BenchError),
    /// What is known of the images.
    #[error(transparent)]
    Labels(#[from] LabelsError),
    /// The frames to load a server with.
    #[error(transparent)]
    Frames(#[from] FramesError),
    /// Not one session with a server could be opened.
    #[error(transparent)]
    Session(#[from] SessionFailure),
    /// The system gives no threads for sockets.
    #[error("cannot start: {0}")]
    Runtime(std::io::Error),
    /// A report cannot be written.
    #[error(transparent)]
    Report(#[from] ReportError),
    /// Standard output does not take the results.
    #[error("cannot write results to standard output: {0}")]
    Print(#[from] std::io::Error),
}

impl CommandError {
    /// The process's exit status: 2 when the command must be changed, 1 when it failed on the way.
    pub fn exit_status(&self) -> u8 {
        match self {
            Self::Config(_)
            | Self::Listen { .. }
            | Self::Backend(BackendError::Unavailable { .. })
            | Self::Engine(EngineError::Backend(BackendError::Unavailable { .. }))
            | Self::AnnotationDirectory(
                DirectoryError::OverwritesInput(_)
                | DirectoryError::SameName { .. }
                | DirectoryError::NamedLikeAStreamFrame(_),
            ) => UNUSABLE,
            _ => FAILED,
        }
    }
}
