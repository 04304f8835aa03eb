//! What is known of the images: a JSON file.
//!
//! ```json
//! {"a.jpg": {"objects": [{"label": "qr_code", "x": 12, "y": 30, "w": 200, "h": 198}]}, "b.jpg": {"objects": []}}
//! ```
//!
//! `codes` is another name for `objects`; what else the file tells is not looked at.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// An object that is known to be in an image. Pixels of the upright image.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Label {
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

/// The objects of every image, by the image's file name.
#[derive(Debug, Clone, PartialEq)]
pub struct Labels(pub BTreeMap<String, Vec<Label>>);

#[derive(Deserialize)]
struct Entry {
    #[serde(alias = "codes")]
    objects: Vec<Label>,
}

/// Labels that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LabelsError {
    /// The file cannot be read.
    #[error("the labels {path} cannot be read: {problem}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        problem: std::io::Error,
    },
    /// The file holds something else.
    #[error(
        "the labels {path}: {problem}; expected {{\"a.jpg\": {{\"objects\": [{{\"label\", \"x\", \"y\", \
         \"w\", \"h\"}}]}}}}"
    )]
    Malformed {
        /// The file.
        path: PathBuf,
        /// Where, and what is wrong.
        problem: serde_json::Error,
    },
    /// A class that the model does not know can never be found.
    #[error("{image} is labelled `{label}`, which the model does not know; it knows {known}")]
    UnknownClass {
        /// The image's file name.
        image: String,
        /// The label.
        label: String,
        /// The model's labels.
        known: String,
    },
}

impl Labels {
    /// Reads a file of labels.
    ///
    /// # Errors
    /// [`LabelsError::Unreadable`] and [`LabelsError::Malformed`].
    pub fn read(path: &Path) -> Result<Self, LabelsError> {
        let text = fs::read_to_string(path)
            .map_err(|problem| LabelsError::Unreadable { path: path.to_owned(), problem })?;
        let entries: BTreeMap<String, Entry> = serde_json::from_str(&text)
            .map_err(|problem| LabelsError::Malformed { path: path.to_owned(), problem })?;
        Ok(Self(entries.into_iter().map(|(image, entry)| (image, entry.objects)).collect()))
    }

    /// The objects in the image at `path`, if it is a labelled one below the directory `images`.
    pub fn of(&self, images: &Path, path: &Path) -> &[Label] {
        let name = path.strip_prefix(images).ok().and_then(Path::to_str);
        name.and_then(|name| self.0.get(name)).map_or(&[], Vec::as_slice)
    }

    /// Finds out whether a model with the classes `known` can find everything.
    ///
    /// # Errors
    /// [`LabelsError::UnknownClass`].
    pub fn check(&self, known: &[String]) -> Result<(), LabelsError> {
        for (image, objects) in &self.0 {
            if let Some(unknown) = objects.iter().find(|object| !known.contains(&object.label)) {
                return Err(LabelsError::UnknownClass {
                    image: image.clone(),
                    label: unknown.label.clone(),
                    known: known.join(", "),
                });
            }
        }
        Ok(())
    }
}
