//! YOLO: a folder with a text file for each image, `a.txt` for `a.jpg`, a line for each detection, and the names of
//! the classes in `classes.txt`. `framegate eval` reads the folder as labels.
//!
//! ```text
//! CLASS X Y WIDTH HEIGHT     class number, centre, width and height as shares of the image's
//! ```
//!
//! A frame that could not be processed has no file; an image without detections has an empty one.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::{ResultWriter, result_of};
use crate::commands::CommandError;
use crate::engine::{FinishedFrame, FrameOrigin, FrameResult};
use crate::report::{ReportError, write_text};
use crate::sources::Source;

/// The file of the names of the classes.
const CLASSES: &str = "classes";

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
        "the results of {0} would be written to {CLASSES}.txt, which holds the names of the classes; rename it"
    )]
    NamedClasses(PathBuf),
}

/// The folder, before anything is written to it.
pub(in crate::commands::infer) struct YoloFolder {
    path: PathBuf,
}

impl YoloFolder {
    /// Creates the folder and checks that every source has a name of its own in it.
    pub(super) fn create(path: &Path, sources: &[Source]) -> Result<Self, YoloFolderError> {
        let mut names: HashMap<String, &Path> = HashMap::new();
        for source in sources {
            let (name, input): (String, &Path) = match source {
                Source::File(path) => (stem(path), path),
                // Numbers follow.
                Source::Video { path, .. } => (file_name(path) + "-", path),
                Source::Clip(path) => (stem(path) + "-", path),
                Source::StandardInput => ("frame-".to_owned(), Path::new("-")),
                Source::Unreadable { .. } => continue,
            };
            if name == CLASSES {
                return Err(YoloFolderError::NamedClasses(input.to_owned()));
            }
            let second = input.to_owned();
            if let Some(first) = names.insert(name.clone(), input).filter(|first| *first != input) {
                return Err(YoloFolderError::SameName { first: first.to_owned(), second, name });
            }
        }
        // A file may be named as a numbered frame is.
        for (name, input) in &names {
            let series = name.trim_end_matches(|character: char| character.is_ascii_digit());
            if series != name
                && let Some(first) = names.get(series)
            {
                let (first, second, name) =
                    ((*first).to_owned(), (*input).to_owned(), name.clone());
                return Err(YoloFolderError::SameName { first, second, name });
            }
        }
        fs::create_dir_all(path)
            .map_err(|source| YoloFolderError::Create { path: path.to_owned(), source })?;
        Ok(Self { path: path.to_owned() })
    }

    /// Writes the names of the classes.
    pub(super) fn begin(self, labels: &[String]) -> Result<Yolo, ReportError> {
        let text: String = labels.iter().flat_map(|label| [label.as_str(), "\n"]).collect();
        write_text(&self.path.join(format!("{CLASSES}.txt")), &text)?;
        Ok(Yolo { path: self.path })
    }
}

pub(super) struct Yolo {
    path: PathBuf,
}

impl ResultWriter for Yolo {
    fn write(&mut self, frame: &FinishedFrame) -> Result<(), CommandError> {
        let Some(result) = result_of(frame) else { return Ok(()) };
        let path = self.path.join(format!("{}.txt", name(&frame.tag)));
        Ok(write_text(&path, &lines(result))?)
    }

    fn flush(&mut self) -> Result<(), CommandError> {
        Ok(())
    }

    fn finish(self: Box<Self>, _: bool) -> Result<(), CommandError> {
        Ok(())
    }
}

/// Six decimals are a hundredth of a pixel at 10,000.
fn lines(result: &FrameResult) -> String {
    let (width, height) = (result.size.width as f32, result.size.height as f32);
    let mut text = String::new();
    for found in &result.detections {
        let x = (found.x + found.width / 2.0) / width;
        let y = (found.y + found.height / 2.0) / height;
        let (w, h) = (found.width / width, found.height / height);
        // A string takes everything.
        let _ = writeln!(text, "{} {x:.6} {y:.6} {w:.6} {h:.6}", found.class_id);
    }
    text
}

/// The names that annotated images have, without their extension.
fn name(origin: &FrameOrigin) -> String {
    match origin {
        FrameOrigin::File(path) => stem(path),
        FrameOrigin::Clip { path, number } => format!("{}-{number:06}", stem(path)),
        FrameOrigin::Stream { number } => format!("frame-{number:06}"),
        FrameOrigin::Video { path, index, .. } => format!("{}-{index:06}", file_name(path)),
    }
}

fn stem(path: &Path) -> String {
    path.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}
