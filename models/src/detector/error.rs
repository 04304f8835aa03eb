//! Why a detector could not be loaded.

use std::io;
use std::path::PathBuf;

use super::{InputSizeConflict, LabelsError, SidecarError};
use crate::Size;
use crate::layouts::LayoutError;
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
    /// The path is a directory or something else that is not a file.
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
        /// The report of the system.
        #[source]
        problem: io::Error,
    },
    /// The file has no bytes.
    #[error("the model {path} is empty; copy or export it again")]
    Empty {
        /// The path.
        path: PathBuf,
    },
    /// The file is larger than any ONNX file can be.
    #[error(
        "{path} is larger than 2 GiB, which no ONNX file is; name the .onnx file itself, whose weights may be in \
         another file beside it"
    )]
    TooLarge {
        /// The path.
        path: PathBuf,
    },
    /// The file is damaged, is not an ONNX model, or cannot be run.
    #[error("the model {path}: {problem}")]
    Onnx {
        /// The path.
        path: PathBuf,
        /// The mistake in it.
        #[source]
        problem: OnnxError,
    },
    /// The sidecar cannot be read or is malformed.
    #[error("the sidecar {path}: {problem}")]
    Sidecar {
        /// Path of the sidecar.
        path: PathBuf,
        /// Which key is wrong and what is allowed.
        #[source]
        problem: SidecarError,
    },
    /// The model says what an image shows, not where.
    #[error(
        "the model {path} reads text and finds no boxes; name it in the sidecar of a detector, \
         `second = \"NAME.onnx\"`, or write `boxes = \"tensors\"` into its own to get its outputs as numbers"
    )]
    NoBoxes {
        /// Path of the model.
        path: PathBuf,
    },
    /// Facts about the model that are missing or contradict each other, all at once.
    #[error("the model {path} cannot be used yet (its sidecar is {sidecar}):{}", list(problems))]
    Facts {
        /// Path of the model.
        path: PathBuf,
        /// Path of its sidecar, whether it exists or not.
        sidecar: PathBuf,
        /// Everything that is missing or wrong, and how to mend each.
        problems: Vec<ModelFact>,
    },
}

/// A fact about a model that is missing or wrong.
#[derive(Debug, thiserror::Error)]
pub enum ModelFact {
    /// Nothing names the size of the input, and the common ones do not work.
    #[error(
        "its input size is not fixed in the file, and none of the common ones works ({problem}); give it \
         with --input-size WIDTHxHEIGHT (a multiple of 32 is common) or write \
         `input_size = {{ width = …, height = … }}` into the sidecar"
    )]
    InputSizeUnknown {
        /// Why the most common size does not work.
        problem: OnnxError,
    },
    /// The size in the file is an example's.
    #[error(
        "its input is {size} in the file, in which nothing can be found, and its operators take other sizes as well; \
         write the one to run it with into the sidecar, for example `input_size = {{ width = 640, height = 640 }}`, or \
         `input_size = {{ width = {}, height = {} }}` if that is meant",
        size.width,
        size.height
    )]
    TinyExample {
        /// The size in the file.
        size: Size,
    },
    /// The size that was named cannot be that of the input.
    #[error(transparent)]
    InputSize(#[from] InputSizeConflict),
    /// How the outputs are to be read is not known.
    #[error(transparent)]
    Layout(#[from] LayoutError),
    /// The labels are missing or wrong.
    #[error(transparent)]
    Labels(#[from] LabelsError),
    /// The classes of a second stage have no names.
    #[error("nothing names its classes or characters; write `labels = […]` into the sidecar")]
    NothingToSay,
}

fn list(problems: &[ModelFact]) -> String {
    problems.iter().map(|problem| format!("\n  - {problem}")).collect()
}
