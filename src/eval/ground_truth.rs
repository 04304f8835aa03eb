//! The objects that are known to be in the images, read from a JSON file.
//!
//! ```json
//! {"a.jpg": {"objects": [{"label": "qr_code", "x": 12, "y": 30, "w": 200, "h": 198}]}, "b.jpg": {"objects": []}}
//! ```
//!
//! `codes` is another name for `objects`; other keys are ignored.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// An object that is known to be in an image, in pixels of the upright image.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LabelledObject {
    /// Name of its class.
    pub label: String,
    /// Left edge.
    pub x: f32,
    /// Top edge.
    pub y: f32,
    /// Width, above 0.
    #[serde(rename = "w")]
    pub width: f32,
    /// Height, above 0.
    #[serde(rename = "h")]
    pub height: f32,
}

/// The objects in every image, by the file name of the image.
#[derive(Debug, Clone, PartialEq)]
pub struct GroundTruth(pub BTreeMap<String, Vec<LabelledObject>>);

#[derive(Deserialize)]
struct Entry {
    #[serde(alias = "codes")]
    objects: Vec<LabelledObject>,
}

/// Why a ground truth cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum GroundTruthError {
    /// The file cannot be read.
    #[error("the ground truth {path} cannot be read")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system reported.
        source: std::io::Error,
    },
    /// The file holds something else.
    #[error(
        "the ground truth {path} must be of the form {{\"a.jpg\": {{\"objects\": [{{\"label\", \"x\", \
         \"y\", \"w\", \"h\"}}]}}}}"
    )]
    Malformed {
        /// The file.
        path: PathBuf,
        /// Where it is wrong, and how.
        source: serde_json::Error,
    },
    /// A class that the model does not detect can never be found.
    #[error("{image} has an object of class `{label}`, but the model only detects {known}")]
    UnknownClass {
        /// The file name of the image.
        image: String,
        /// The class of the object.
        label: String,
        /// The classes of the model.
        known: String,
    },
}

impl GroundTruth {
    /// Reads a ground-truth file.
    ///
    /// # Errors
    /// [`GroundTruthError::Unreadable`] and [`GroundTruthError::Malformed`].
    pub fn read(path: &Path) -> Result<Self, GroundTruthError> {
        let text = fs::read_to_string(path)
            .map_err(|source| GroundTruthError::Unreadable { path: path.to_owned(), source })?;
        let entries: BTreeMap<String, Entry> = serde_json::from_str(&text)
            .map_err(|source| GroundTruthError::Malformed { path: path.to_owned(), source })?;
        Ok(Self(entries.into_iter().map(|(image, entry)| (image, entry.objects)).collect()))
    }

    /// The objects in the image at `path`, if that is a labelled image in the directory `images`.
    pub fn of(&self, images: &Path, path: &Path) -> &[LabelledObject] {
        let name = path.strip_prefix(images).ok().and_then(Path::to_str);
        name.and_then(|name| self.0.get(name)).map_or(&[], Vec::as_slice)
    }

    /// Checks that a model with the classes `known` can find every object.
    ///
    /// # Errors
    /// [`GroundTruthError::UnknownClass`].
    pub fn check(&self, known: &[String]) -> Result<(), GroundTruthError> {
        for (image, objects) in &self.0 {
            if let Some(unknown) = objects.iter().find(|object| !known.contains(&object.label)) {
                return Err(GroundTruthError::UnknownClass {
                    image: image.clone(),
                    label: unknown.label.clone(),
                    known: known.join(", "),
                });
            }
        }
        Ok(())
    }
}
