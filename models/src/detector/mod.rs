//! A detector: a model, and what lies around it to make boxes out of pictures.

mod box_decoder;
mod image_input;

use framegate_backend_api::Model;

pub use box_decoder::BoxDecoder;
pub use image_input::{ChannelOrder, Fit, ImageInput, LetterboxPlacement};

/// A model together with everything needed to feed it pictures and read its outputs.
#[derive(Debug, Clone)]
pub struct Detector {
    /// What backends run.
    pub model: Model,
    /// How frames are prepared.
    pub input: ImageInput,
    /// How raw outputs become boxes.
    pub boxes: BoxDecoder,
    /// Why that box decoder was chosen, for people.
    pub boxes_reason: String,
    /// Name of each class, by class number; never empty.
    pub labels: Vec<String>,
}
