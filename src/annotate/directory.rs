//! Where annotated images are written.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use crate::engine::FrameOrigin;
use crate::sources::Source;

/// Why a directory cannot take the annotated images.
#[derive(Debug, thiserror::Error)]
pub enum DirectoryError {
    /// It cannot be made, or an image cannot be written into it.
    #[error("cannot write {path}: {problem}")]
    Write {
        /// The directory or file.
        path: PathBuf,
        /// What the system said.
        problem: std::io::Error,
    },
    /// An annotated image would take the place of the image it was made from.
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
    /// An input has a name that a frame of standard input may be given too.
    #[error(
        "{0} would be annotated into a file that a frame of standard input may be written to: \
         rename it or run it on its own"
    )]
    NamedLikeAStreamFrame(PathBuf),
}

/// A directory for annotated images, none of which takes the place of the input it was made from
/// or of another one of the run.
#[derive(Debug)]
pub struct AnnotationDirectory {
    path: PathBuf,
}

impl AnnotationDirectory {
    /// Makes sure that the directory exists and that every one of `sources` can be annotated into it:
    /// a file under its own name, beside the frames of standard input if they are among the sources.
    ///
    /// # Errors
    /// [`DirectoryError`].
    pub fn create(path: &Path, sources: &[Source]) -> Result<Self, DirectoryError> {
        std::fs::create_dir_all(path)
            .map_err(|problem| DirectoryError::Write { path: path.to_owned(), problem })?;
        let mut names: HashMap<&OsStr, &Path> = HashMap::new();
        let has_stream = sources.iter().any(|source| matches!(source, Source::StandardInput));
        for source in sources {
            let Source::File(input) = source else { continue };
            let Some(name) = input.file_name() else { continue };
            if is_same_file(&path.join(name), input) {
                return Err(DirectoryError::OverwritesInput(input.to_owned()));
            }
            if has_stream && is_stream_frame_name(name) {
                return Err(DirectoryError::NamedLikeAStreamFrame(input.to_owned()));
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

    /// Writes the annotated image of a frame: a file keeps its name, frame 1 of a stream becomes
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

/// Whether some frame of a stream is written under this name.
fn is_stream_frame_name(name: &OsStr) -> bool {
    let stem = name.to_str().and_then(|name| name.strip_suffix(".jpg"));
    let number = stem.and_then(|stem| stem.strip_prefix("frame-"));
    number.is_some_and(|number| {
        number.len() >= 6 && number.bytes().all(|character| character.is_ascii_digit())
    })
}

/// Whether both exist and are one file, by whatever way they are reached.
fn is_same_file(a: &Path, b: &Path) -> bool {
    matches!((a.canonicalize(), b.canonicalize()), (Ok(a), Ok(b)) if a == b)
}
