//! A detector: a model, and what is around it to make boxes out of images.
//!
//! ```text
//! sidecar ─┐
//! metadata ┼▶ input_size ─▶ graph ─▶ layouts ─▶ labels, preprocessing ─▶ Detector
//! options ─┘
//! ```

mod anchors;
mod assumed_size;
mod bounded_text;
mod embedded;
mod error;
mod guesses;
mod image_metadata;
mod input_size;
mod labels;
mod literal;
mod load;
mod load_options;
mod metadata;
mod model_card;
mod nms_scope;
mod preprocessing;
mod read;
mod restated_size;
mod second;
mod second_name;
mod sidecar;
mod sidecar_error;
mod sidecar_labels;
mod single;

use framegate_backend_api::Model;

pub use crate::image_input::{
    ChannelOrder, DecodeScale, Fit, ImageInput, LetterboxAlign, ResizeFilter,
};
use crate::layouts::BoxLayout;
pub use embedded::EMBEDDED_MODEL;
pub use error::{ModelError, ModelFact};
pub use input_size::{InputSizeConflict, InputSizeError, check_input_size};
pub use labels::{LabelsError, LabelsSource};
pub use literal::NamesError;
pub use load_options::LoadOptions;
pub use nms_scope::NmsScope;
pub use read::read_onnx_file;
pub use second::{SecondModel, SecondStage};
pub use sidecar_error::SidecarError;

/// A model together with everything needed to feed it images and to read its outputs.
#[derive(Debug, Clone)]
pub struct Detector {
    /// The graph that backends run.
    pub model: Model,
    /// How frames are prepared.
    pub input: ImageInput,
    /// How raw outputs become boxes.
    pub boxes: BoxLayout,
    /// Why this layout was chosen, for people.
    pub boxes_reason: String,
    /// Facts that neither the sidecar nor the metadata states, each with how to say otherwise.
    pub guesses: Vec<String>,
    /// Which of its boxes suppress each other.
    pub nms: NmsScope,
    /// The closer look at each box, if there is one.
    pub second: Option<SecondStage>,
    /// Name of each class, by class number; never empty.
    pub labels: Vec<String>,
    /// Where the labels come from.
    pub labels_source: LabelsSource,
    /// The model's licence, as its sidecar names it.
    pub licence: Option<String>,
    /// Where the model comes from, as its sidecar says.
    pub source: Option<String>,
}
