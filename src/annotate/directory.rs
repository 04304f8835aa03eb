//! Where annotated pictures are written.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use crate::engine::FrameOrigin;

/// Why a directory cannot take the annotated pictures.
#[derive(Debug, thiserror::Error)]
pub enum DirectoryError {
    /// It cannot be made, or a picture cannot be written into it.
    #[error("cannot write {path}: {problem}")]
    Write {
        /// The directory or file.
        path: PathBuf,
        /// What the system said.
        problem: std::io::Error,
    },
    /// An annotated picture would take the place of the picture it was made from.
    #[error("annotating would overwrite the input {0}: choose another directory")]
    OverwritesInput(PathBuf),
    /// Two inputs have the same file name.
    #[error("{first} and {second} would be annotated into the same file: run them one at a time")]
    SameName {
        /// One input.
        first: PathBuf,
        /// Another.
        second: PathBuf,
    },
}

/// A directory for annotated pictures, none of which takes the place of an input or of another.
#[derive(Debug)]
pub struct AnnotationDirectory {
    path: PathBuf,
}

impl AnnotationDirectory {
    /// Makes sure that the directory exists and that every one of `inputs` can be annotated into it
    /// under its own file name.
    ///
    /// # Errors
    /// [`DirectoryError`].
    pub fn create<'a>(
        path: &Path,
        inputs: impl Iterator<Item = &'a Path>,
    ) -> Result<Self, DirectoryError> {
        std::fs::create_dir_all(path)
            .map_err(|problem| DirectoryError::Write { path: path.to_owned(), problem })?;
        let mut names: HashMap<&OsStr, &Path> = HashMap::new();
        for input in inputs {
            let Some(name) = input.file_name() else { continue };
            if is_same_file(&path.join(name), input) {
                return Err(DirectoryError::OverwritesInput(input.to_owned()));
            }
            match names.insert(name, input) {
                Some(other) if other != input => {
                    let (first, second) = (other.to_owned(), input.to_owned());
                    return Err(DirectoryError::SameName { first, second });
                }
                _ => {}
            }
        }
        Ok(Self { path: path.to_owned() })
    }

    /// Writes the annotated picture of a frame: a file keeps its name, frame 1 of a stream becomes
    /// `frame-000001.jpg`.
    ///
    /// # Errors
    /// [`DirectoryError::Write`].
    pub fn write(&self, origin: &FrameOrigin, jpeg: &[u8]) -> Result<(), DirectoryError> {
        let path = match origin {
            FrameOrigin::File(file) => self.path.join(file.file_name().unwrap_or_default()),
            FrameOrigin::Stream { number } => self.path.join(format!("frame-{number:06}.jpg")),
        };
        std::fs::write(&path, jpeg).map_err(|problem| DirectoryError::Write { path, problem })
    }
}

/// Whether both exist and are one file, by whatever way they are reached.
fn is_same_file(a: &Path, b: &Path) -> bool {
    matches!((a.canonicalize(), b.canonicalize()), (Ok(a), Ok(b)) if a == b)
}
