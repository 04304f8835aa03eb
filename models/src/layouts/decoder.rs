//! From a model's raw outputs to candidates.

use std::fmt;

use framegate_backend_api::OutputBatch;

use super::{Candidate, Keypoint, MaskCells};

/// Turns the raw outputs of one model into candidates. Keeps its buffers between calls and allocates
/// nothing but room for candidates.
pub trait Decoder: fmt::Debug + Send {
    /// Adds every box that scores at least `confidence` on image number `image` of the batch.
    ///
    /// # Panics
    /// When the outputs are not those of the model it was made for.
    fn decode(
        &mut self,
        outputs: &OutputBatch,
        image: usize,
        confidence: f32,
        candidates: &mut Vec<Candidate>,
    );

    /// The text of an image, of models that read: the name of its best class, or the characters in it. `labels` name the
    /// classes in order. `None` where nothing is read, and of models that do not.
    fn text(
        &mut self,
        _outputs: &OutputBatch,
        _image: usize,
        _labels: &[String],
    ) -> Option<Transcript> {
        None
    }

    /// Whether the values can be those of this layout. Costs a pass over the outputs, so it
    /// is meant for the first few frames.
    ///
    /// # Errors
    /// [`Implausible`]: the outputs have another layout.
    fn check(&mut self, _outputs: &OutputBatch, _image: usize) -> Result<(), Implausible> {
        Ok(())
    }

    /// Adds the key points of a candidate that [`Decoder::decode`] made of the same outputs.
    fn keypoints(
        &self,
        _outputs: &OutputBatch,
        _image: usize,
        _candidate: &Candidate,
        _keypoints: &mut Vec<Keypoint>,
    ) {
    }

    /// Computes the mask of a candidate that [`Decoder::decode`] made of the same outputs. Returns
    /// whether the model has masks.
    fn mask(
        &self,
        _outputs: &OutputBatch,
        _image: usize,
        _candidate: &Candidate,
        _mask: &mut MaskCells,
    ) -> bool {
        false
    }
}

/// A text that a model reads in an image.
#[derive(Debug, Clone, PartialEq)]
pub struct Transcript {
    /// The text; never empty.
    pub text: String,
    /// How certain it is, 0 to 1: as much as its least certain character.
    pub score: f32,
}

/// Values that outputs of the layout never have: the model's outputs have another.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Implausible(pub String);
