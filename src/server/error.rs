//! Why a server could not start or go on.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use crate::engine::EngineError;
use crate::pipeline::PipelineError;

/// Why a [`Server`](crate::Server) could not start or go on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServerError {
    /// A pipeline cannot be loaded.
    #[error(transparent)]
    Pipeline(#[from] PipelineError),
    /// The engine that runs the pipelines cannot start.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The address cannot be used.
    #[error("cannot listen on {address}; choose another address or port (--host, --port)")]
    Listen {
        /// The address as given.
        address: SocketAddr,
        /// What the system reported.
        source: io::Error,
    },
    /// The folder for video jobs cannot be used.
    #[error("cannot keep jobs in {path}; choose another folder (--jobs-dir)")]
    JobsFolder {
        /// The folder as given.
        path: PathBuf,
        /// The system's report.
        source: io::Error,
    },
    /// The server cannot go on.
    #[error("the server has failed")]
    Serve(#[source] io::Error),
}
