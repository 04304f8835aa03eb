//! The stages of a frame, in the order it passes them. Everything here blocks and nothing awaits.

mod boxes;
mod decode;
mod fit;
mod frame_transform;
mod normalise;
mod orientation;
mod preprocess;
mod resize;

pub use boxes::{BoxError, BoxStage, Detection, MAX_DETECTIONS, Thresholds};
pub use decode::{DecodeError, DecodeLimits, Decoder, RgbImage, RgbView};
pub use frame_transform::FrameTransform;
pub use normalise::Normaliser;
pub use orientation::Orientation;
pub use preprocess::{InputWriter, PreprocessTimings, Preprocessed, Preprocessor};
pub use resize::Resizer;
