//! Why the tracks of a sequence cannot be evaluated.

use std::path::PathBuf;

/// Why the tracks of a sequence cannot be evaluated.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TrackEvalError {
    /// When a frame was taken cannot be known.
    #[error(
        "the frame rate of {0} is not known; give it (--frame-rate), or a seqinfo.ini that has it"
    )]
    NoFrameRate(PathBuf),
    /// Which frame an image is cannot be known.
    #[error("{0} must have the number of its frame as its name, as 000001.jpg has")]
    NoNumber(PathBuf),
    /// There is no such class.
    #[error("the model has no class `{class}`, only {known}; choose one of them (--class)")]
    UnknownClass {
        /// The class that was asked for.
        class: String,
        /// The classes of the model.
        known: String,
    },
    /// Labels are about one class.
    #[error(
        "the model has several classes; choose the one that the labels are about (--class): {0}"
    )]
    WhichClass(String),
}
