//! Loads a detector with its second stage.

use std::path::Path;

use super::sidecar::Sidecar;
use super::{Detector, LoadOptions, ModelError, SecondStage};

impl Detector {
    /// Reads the model at `path` (or [`EMBEDDED_MODEL`](super::EMBEDDED_MODEL)), its sidecar and its
    /// labels.
    ///
    /// # Errors
    /// [`ModelError`]; everything unknown or contradictory is in one [`ModelError::Facts`].
    pub fn load(path: &Path, options: &LoadOptions) -> Result<Self, ModelError> {
        let sidecar = Sidecar::read(path)?;
        let detector = Self::read(path, options, &sidecar, false)?;
        if !detector.boxes.finds_boxes() && !detector.boxes.reports_tensors() {
            return Err(ModelError::NoBoxes { path: path.to_owned() });
        }
        let second = SecondStage::of(&sidecar, path, &detector.labels)?;
        Ok(Self { second, ..detector })
    }
}
