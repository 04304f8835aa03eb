//! Why results cannot be written as files of YOLO's tools.

use std::io;
use std::path::PathBuf;

/// Why results cannot be written into a folder.
#[derive(Debug, thiserror::Error)]
pub(crate) enum YoloFolderError {
    /// The folder cannot be created.
    #[error("cannot create the directory {path}")]
    Create {
        /// The folder.
        path: PathBuf,
        /// The error of the system.
        source: io::Error,
    },
    /// Two files would have one name.
    #[error(
        "{first} and {second} would both be written to {name}.txt; rename one, or run them separately"
    )]
    SameName {
        /// One input.
        first: PathBuf,
        /// Another.
        second: PathBuf,
        /// The name without its extension.
        name: String,
    },
    /// An input has the name of another file of the folder.
    #[error(
        "the results of {0} would be written to classes.txt, which holds the names of the classes; rename it"
    )]
    NamedClasses(PathBuf),
}
