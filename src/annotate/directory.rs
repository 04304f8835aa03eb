//! The directory that annotated images are written to.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use crate::engine::FrameOrigin;
use crate::sources::Source;

/// Why annotated images cannot be written to a directory.
#[derive(Debug, thiserror::Error)]
pub enum DirectoryError {
    /// The directory cannot be created, or an image cannot be written to it.
    #[error("cannot write {path}")]
    Write {
        /// The directory or file.
        path: PathBuf,
        /// The report of the system.
        source: std::io::Error,
    },
    /// An annotated image would replace the image it was made from.
    #[error("annotating would overwrite the input {0}; choose another directory")]
    OverwritesInput(PathBuf),
    /// Two inputs have the same file name.
    #[error(
        "{first} and {second} have the same name, so their annotated images would too; run them separately"
    )]
    SameName {
        /// One input.
        first: PathBuf,
        /// Another.
        second: PathBuf,
    },
    /// An input has a name that a frame of standard input may get as well.
    #[error(
        "the annotated image of {0} could have the name of a frame of standard input; rename it or run \
         it separately"
    )]
    NamedLikeAStreamFrame(PathBuf),
}

/// A directory for annotated images, none of which replaces its own input or another image of the run.
#[derive(Debug)]
pub struct AnnotationDirectory {
    path: PathBuf,
}

impl AnnotationDirectory {
    /// Creates the directory and checks that every source can be annotated into it: a file under its own
    /// name, besides the frames of standard input if that is among the sources.
    ///
    /// # Errors
    /// [`DirectoryError`].
    pub fn create(path: &Path, sources: &[Source]) -> Result<Self, DirectoryError> {
        std::fs::create_dir_all(path)
            .map_err(|source| DirectoryError::Write { path: path.to_owned(), source })?;
        let mut names: HashMap<&OsStr, &Path> = HashMap::new();
        let has_stream = sources.iter().any(|source| matches!(source, Source::StandardInput));
        for source in sources {
            let (Source::File(input) | Source::Video { path: input, .. }) = source else {
                continue;
            };
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
    /// `frame-000001.jpg`, frame 1 of `clip.mjpeg` becomes `clip-000001.jpg`, and frame 1 of a video
    /// `clip.mp4-000001.jpg`.
    ///
    /// # Errors
    /// [`DirectoryError::Write`].
    pub fn write(&self, origin: &FrameOrigin, jpeg: &[u8]) -> Result<(), DirectoryError> {
        let path = match origin {
            FrameOrigin::File(file) => self.path.join(file.file_name().unwrap_or_default()),
            FrameOrigin::Clip { path, number } => {
                let stem = path.file_stem().unwrap_or_default().to_string_lossy();
                self.path.join(format!("{stem}-{number:06}.jpg"))
            }
            FrameOrigin::Stream { number } => self.path.join(format!("frame-{number:06}.jpg")),
            FrameOrigin::Video { path, index, .. } => {
                let mut name = path.file_name().unwrap_or_default().to_owned();
                name.push(format!("-{index:06}.jpg"));
                self.path.join(name)
            }
        };
        std::fs::write(&path, jpeg).map_err(|source| DirectoryError::Write { path, source })
    }
}

/// Whether a frame of a stream could be written under this name.
fn is_stream_frame_name(name: &OsStr) -> bool {
    let stem = name.to_str().and_then(|name| name.strip_suffix(".jpg"));
    let number = stem.and_then(|stem| stem.strip_prefix("frame-"));
    number.is_some_and(|number| {
        number.len() >= 6 && number.bytes().all(|character| character.is_ascii_digit())
    })
}

/// Whether both paths exist and lead to the same file.
pub(super) fn is_same_file(a: &Path, b: &Path) -> bool {
    matches!((a.canonicalize(), b.canonicalize()), (Ok(a), Ok(b)) if a == b)
}
