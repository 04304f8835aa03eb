//! A detector: a model, and what lies around it to make boxes out of images.
//!
//! ```text
//! sidecar ─┐
//! metadata ┼▶ input_size ─▶ graph ─▶ choose_boxes ─▶ labels ─▶ preprocessing ─▶ Detector
//! options ─┘                         (output_layout)
//! ```

mod box_decoder;
mod choose_boxes;
mod embedded;
mod error;
mod image_input;
mod input_size;
mod labels;
mod literal;
mod load;
mod metadata;
mod nms_scope;
mod output_layout;
mod preprocessing;
mod read;
mod sidecar;

use framegate_backend_api::Model;

pub use box_decoder::BoxDecoder;
pub use embedded::EMBEDDED_MODEL;
pub use error::ModelError;
pub use image_input::{ChannelOrder, Fit, ImageInput, LetterboxAlign};
pub use input_size::{InputSizeError, check_input_size};
pub use labels::LabelsSource;
pub use load::LoadOptions;
pub use nms_scope::NmsScope;
pub use output_layout::{ClassCount, OutputShape, grid};
pub use read::read_onnx_file;

/// A model together with everything needed to feed it images and read its outputs.
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
    /// Which of its boxes suppress each other.
    pub nms: NmsScope,
    /// Name of each class, by class number; never empty.
    pub labels: Vec<String>,
    /// Where the labels come from.
    pub labels_source: LabelsSource,
    /// The model's licence, as its sidecar names it.
    pub licence: Option<String>,
    /// Where the model comes from, as its sidecar says.
    pub source: Option<String>,
}
