//! Why labels cannot be used.

use std::io;
use std::path::{Path, PathBuf};

/// Why a ground truth cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum GroundTruthError {
    /// A file or directory cannot be read.
    #[error("the ground truth {path} cannot be read")]
    Unreadable {
        /// The file or directory.
        path: PathBuf,
        /// The error of the system.
        source: io::Error,
    },
    /// Nothing there looks like labels.
    #[error(
        "{path} holds no labels that are recognised: give a JSON file (COCO's or Framegate's), a YOLO folder with \
         labels/*.txt or its data.yaml, or a Pascal VOC folder with Annotations/*.xml; or name the format (--format)"
    )]
    Unrecognised {
        /// The file or directory.
        path: PathBuf,
    },
    /// Labels in two formats.
    #[error(
        "{path} holds labels of YOLO and of Pascal VOC; say which to read: --ground-truth-format yolo or voc"
    )]
    Ambiguous {
        /// The directory.
        path: PathBuf,
    },
    /// The format has no place for images.
    #[error("give the directory of the images that {path} names: --images DIR")]
    NoImages {
        /// The file of the labels.
        path: PathBuf,
    },
    /// The file holds something else.
    #[error(
        "the ground truth {path} must be of the form {{\"a.jpg\": {{\"objects\": [{{\"label\", \"x\", \
         \"y\", \"w\", \"h\"}}]}}}}, or COCO's"
    )]
    Malformed {
        /// The file.
        path: PathBuf,
        /// Where it is wrong, and how.
        source: serde_json::Error,
    },
    /// Something in a file is wrong.
    #[error("{path}, {place}: {problem}")]
    Wrong {
        /// The file.
        path: PathBuf,
        /// The line or the item.
        place: String,
        /// The mistake, and what to do about it.
        problem: String,
    },
    /// No object can be found.
    #[error(
        "the labels are of {labels}, none of which the model detects, only {known}; rename the classes in the labels, \
         or choose another model"
    )]
    UnknownClasses {
        /// The classes of the labels.
        labels: String,
        /// The classes of the model.
        known: String,
    },
}

impl GroundTruthError {
    pub(super) fn unreadable(path: &Path, source: io::Error) -> Self {
        Self::Unreadable { path: path.to_owned(), source }
    }

    pub(super) fn wrong(path: &Path, place: impl Into<String>, problem: impl Into<String>) -> Self {
        Self::Wrong { path: path.to_owned(), place: place.into(), problem: problem.into() }
    }
}
