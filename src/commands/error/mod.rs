//! Why a command could not be carried out, and the exit status for it.

mod track_eval;
mod yolo_folder;

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use framegate_backend_api::BackendError;
use framegate_fetch::{AddressError, FetchError};
use framegate_models::detector::ModelError;

use crate::annotate::{AnnotationVideoError, DirectoryError};
use crate::bench::BenchError;
use crate::cli::FileError;
use crate::client::SessionFailure;
use crate::config::ConfigError;
use crate::engine::EngineError;
use crate::eval::GroundTruthError;
use crate::eval::tracks::MotError;
use crate::load::frames::FramesError;
use crate::npy::NpyError;
use crate::pipeline::{InputTensorError, PipelineError};
use crate::report::ReportError;
use crate::server::ServerError;

pub(crate) use track_eval::TrackEvalError;
pub(crate) use yolo_folder::YoloFolderError;

/// Exit status of a command that failed while running.
const FAILED: u8 = 1;
/// Exit status of a command that cannot be carried out as given, the same as clap's for usage errors.
const UNUSABLE: u8 = 2;

/// Why a command could not be carried out.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CommandError {
    /// The value of an option.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The configuration file.
    #[error(transparent)]
    File(#[from] FileError),
    /// The address of a model.
    #[error("{text} is not the address of a model")]
    Address {
        /// As it was written, without passwords.
        text: String,
        /// The expected form.
        source: AddressError,
    },
    /// A model cannot be fetched.
    #[error(transparent)]
    Fetch(#[from] FetchError),
    /// A file that was fetched is not a model.
    #[error("{address} was fetched and not kept: it cannot be read as a model")]
    NotKept {
        /// Its address.
        address: String,
        /// Why it cannot be read.
        source: Box<ModelError>,
    },
    /// A model that is to be removed is not there.
    #[error("{0} is not in the cache; `framegate models list` shows what is")]
    NotFetched(String),
    /// The model file.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// The backend.
    #[error(transparent)]
    Backend(#[from] BackendError),
    /// The model, the backend, or one on the other.
    #[error(transparent)]
    Pipeline(#[from] PipelineError),
    /// Tensor files.
    #[error(transparent)]
    Npy(#[from] NpyError),
    /// The input tensor of `models run` does not fit the model.
    #[error("the input tensor {path} cannot be used")]
    InputTensor {
        /// The tensor's file.
        path: PathBuf,
        /// The shapes that are expected and found.
        source: InputTensorError,
    },
    /// The directory that `models run` writes to.
    #[error("cannot create the directory {path}")]
    OutputDirectory {
        /// The directory.
        path: PathBuf,
        /// The report of the system.
        source: io::Error,
    },
    /// The directory for annotated images.
    #[error(transparent)]
    AnnotationDirectory(#[from] DirectoryError),
    /// The annotated video.
    #[error(transparent)]
    AnnotationVideo(#[from] AnnotationVideoError),
    /// The directory of `infer --format yolo`.
    #[error(transparent)]
    YoloFolder(#[from] YoloFolderError),
    /// The server of `serve`.
    #[error(transparent)]
    Server(#[from] ServerError),
    /// The address at which `watch` serves metrics.
    #[error("cannot serve metrics at {address}; choose another address or port (--metrics)")]
    ListenMetrics {
        /// The address as given.
        address: SocketAddr,
        /// The report of the system.
        source: io::Error,
    },
    /// The benchmark.
    #[error(transparent)]
    Bench(#[from] BenchError),
    /// The ground truth of `eval`.
    #[error(transparent)]
    GroundTruth(#[from] GroundTruthError),
    /// The labels of `eval --tracks`.
    #[error(transparent)]
    Mot(#[from] MotError),
    /// The sequence of `eval --tracks`.
    #[error(transparent)]
    TrackEval(#[from] TrackEvalError),
    /// The frames of `load`.
    #[error(transparent)]
    Frames(#[from] FramesError),
    /// Not one session with the server of `load` could be opened.
    #[error(transparent)]
    Session(#[from] SessionFailure),
    /// The system provides no threads or signals for the asynchronous runtime.
    #[error("cannot start the asynchronous runtime")]
    Runtime(#[source] io::Error),
    /// A report cannot be written.
    #[error(transparent)]
    Report(#[from] ReportError),
    /// The manual pages cannot be written.
    #[error("cannot write manual pages into {directory}")]
    ManualPages {
        /// The directory.
        directory: PathBuf,
        /// The error of the system.
        source: io::Error,
    },
    /// Standard output does not accept the results.
    #[error("cannot write results to standard output")]
    Print(#[from] io::Error),
}

impl CommandError {
    /// The exit status of the process: 2 when the command must be changed, 1 when it failed on the way.
    pub(crate) fn exit_status(&self) -> u8 {
        match self {
            Self::Config(_)
            | Self::File(_)
            | Self::Address { .. }
            | Self::Fetch(FetchError::NotBuiltIn { .. })
            | Self::ListenMetrics { .. }
            | Self::Backend(BackendError::Unavailable { .. })
            | Self::Pipeline(PipelineError::Backend(BackendError::Unavailable { .. }))
            | Self::Server(
                ServerError::Listen { .. }
                | ServerError::JobsFolder { .. }
                | ServerError::Pipeline(PipelineError::Backend(BackendError::Unavailable { .. }))
                | ServerError::Engine(EngineError::Backend(BackendError::Unavailable { .. })),
            )
            | Self::TrackEval(_)
            | Self::GroundTruth(
                GroundTruthError::NoImages { .. } | GroundTruthError::Ambiguous { .. },
            )
            | Self::AnnotationDirectory(
                DirectoryError::OverwritesInput(_)
                | DirectoryError::SameName { .. }
                | DirectoryError::NamedLikeAStreamFrame(_),
            )
            | Self::YoloFolder(
                YoloFolderError::SameName { .. } | YoloFolderError::NamedClasses(_),
            )
            | Self::AnnotationVideo(
                AnnotationVideoError::NoFfmpeg
                | AnnotationVideoError::OverwritesInput(_)
                | AnnotationVideoError::NotOneVideo(_),
            ) => UNUSABLE,
            _ => FAILED,
        }
    }
}
