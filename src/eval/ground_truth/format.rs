//! Which format labels have.

use std::path::Path;

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::{GroundTruthError, has_extension, list, read_text, voc, yolo};

/// A format of labels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GroundTruthFormat {
    /// A JSON file of Framegate's own: `objects` by image.
    Framegate,
    /// COCO's JSON file: `images`, `annotations` and `categories`.
    Coco,
    /// A folder with images/ and labels/*.txt, and the names in data.yaml or classes.txt.
    Yolo,
    /// A folder with JPEGImages/ and Annotations/*.xml.
    Voc,
}

/// The keys that COCO's file has and Framegate's has not, whose keys are names of images.
#[derive(Deserialize)]
struct Keys {
    annotations: Option<IgnoredAny>,
    categories: Option<IgnoredAny>,
}

impl GroundTruthFormat {
    /// The format of the labels at `path`, by what is there.
    pub(super) fn of(path: &Path) -> Result<Self, GroundTruthError> {
        if path.is_dir() {
            return of_directory(path);
        }
        if has_extension(path, &["yaml", "yml"]) {
            return Ok(Self::Yolo);
        }
        if has_extension(path, &["json"]) {
            // A file with a mistake is reported by the reader.
            let keys = serde_json::from_str::<Keys>(&read_text(path)?);
            let coco =
                keys.is_ok_and(|keys| keys.annotations.is_some() || keys.categories.is_some());
            return Ok(if coco { Self::Coco } else { Self::Framegate });
        }
        // That it is not there says more than that it is not recognised.
        read_text(path)?;
        Err(GroundTruthError::Unrecognised { path: path.to_owned() })
    }
}

fn of_directory(path: &Path) -> Result<GroundTruthFormat, GroundTruthError> {
    let holds = |directory: &Path, extension: &str| -> Result<bool, GroundTruthError> {
        Ok(directory.is_dir()
            && list(directory)?.iter().any(|path| has_extension(path, &[extension])))
    };
    let voc = holds(path, "xml")? || path.join(voc::ANNOTATIONS).is_dir();
    let yolo = yolo::is_labels(path) || path.join(yolo::LABELS).is_dir() || holds(path, "yaml")?;
    match (yolo, voc) {
        (true, true) => Err(GroundTruthError::Ambiguous { path: path.to_owned() }),
        (true, false) => Ok(GroundTruthFormat::Yolo),
        (false, true) => Ok(GroundTruthFormat::Voc),
        (false, false) => Err(GroundTruthError::Unrecognised { path: path.to_owned() }),
    }
}
