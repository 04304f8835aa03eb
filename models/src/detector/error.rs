//! Why a detector could not be loaded.

use std::io;
use std::path::PathBuf;

use crate::onnx::OnnxError;

/// An error of [`read_onnx_file`](super::read_onnx_file) or of
/// [`Detector::load`](super::Detector::load). All are about files the user named.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// There is nothing at the path.
    #[error("there is no model at {path}; check the path")]
    Missing {
        /// The path.
        path: PathBuf,
    },
    /// The path is a directory or another thing that is no file.
    #[error("{path} is not a file; name the .onnx file itself")]
    NotAFile {
        /// The path.
        path: PathBuf,
    },
    /// The system would not read the file.
    #[error("the model {path} cannot be read: {problem}")]
    Unreadable {
        /// The path.
        path: PathBuf,
        /// What the system said.
        problem: io::Error,
    },
    /// The file has no bytes.
    #[error("the model {path} is empty; copy or export it again")]
    Empty {
        /// The path.
        path: PathBuf,
    },
    /// The file is damaged, no ONNX model, or one that cannot be run.
    #[error("the model {path}: {problem}")]
    Onnx {
        /// The path.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        problem: OnnxError,
    },
    /// The sidecar is malformed.
    #[error("the sidecar {path}: {problem}")]
    Sidecar {
        /// Path of the sidecar.
        path: PathBuf,
        /// Which key is wrong and what is allowed.
        problem: String,
    },
    /// Facts about the model that are missing or contradict each other, all at once.
    #[error("the model {path} cannot be used yet (its sidecar is {sidecar}):{}", list(problems))]
    Facts {
        /// Path of the model.
        path: PathBuf,
        /// Path of its sidecar, whether it is there or not.
        sidecar: PathBuf,
        /// What is missing or wrong, and what to do about each.
        problems: Vec<String>,
    },
}

fn list(problems: &[String]) -> String {
    problems.iter().map(|problem| format!("\n  - {problem}")).collect()
}
