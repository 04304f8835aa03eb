//! The stages of a frame, in the order it passes them. Everything here blocks and nothing awaits.

mod boxes;
mod decode;
mod fit;
mod normalise;
mod orientation;
mod placement;
mod preprocess;
mod resize;
mod simd;

pub use boxes::{BoxError, BoxStage, Detection, MAX_DETECTIONS, Thresholds};
pub use decode::{DecodeError, DecodeLimits, Decoder, Picture, RgbView};
pub use normalise::Normaliser;
pub use orientation::Orientation;
pub use placement::{FrameSize, Placement};
pub use preprocess::{InputWriter, PreprocessTimings, Preprocessed, Preprocessor};
pub use resize::Resizer;
pub use simd::SimdLevel;
