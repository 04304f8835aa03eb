//! Options for loading a model.

use std::path::PathBuf;

use crate::Size;

/// The part of a detector that a command line may give.
#[derive(Debug, Clone)]
pub struct LoadOptions {
    /// A text file with one label per line.
    pub labels: Option<PathBuf>,
    /// The input size, for models whose file leaves it open.
    pub input_size: Option<Size>,
}
