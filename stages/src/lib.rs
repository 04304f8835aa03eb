//! The stages of a frame, in the order in which it passes them. Everything here blocks and nothing awaits.
//!
//! ```text
//! JPEG ─ Decoder ─▶ RgbImage ─ Preprocessor ─▶ the model's input … raw outputs ─ BoxStage ─▶ Detection
//! ```
//!
//! A crate of its own, because this is where the time of a frame goes: it is optimised fully, while what is
//! around it is built fast.

mod antialiased;
mod boxes;
mod cut;
mod decode;
mod fit;
mod frame_transform;
mod grey;
mod normalise;
mod orientation;
pub mod panics;
mod planes;
mod preprocess;
mod resize;
mod rgb_view;
mod rows;
mod stage;
mod tiles;

pub use boxes::{
    BoxError, BoxStage, Detection, MAX_DETECTIONS, MAX_NUMBERS, Mask, Selection, Tensor, Thresholds,
};
pub use cut::{ColourFrame, CutOut};
pub use decode::{
    DecodeError, DecodeLimits, DecodeOptions, DecodeWork, Decoder, JpegDecoder, RgbImage,
    UnknownDecoder, can_be_shared, inspect,
};
pub use frame_transform::{FramePart, FrameTransform};
pub use grey::GreyFrame;
pub use normalise::Normaliser;
pub use orientation::Orientation;
pub use planes::{YuvColours, YuvImage, to_rgb};
pub use preprocess::{FittedImage, InputWriter, Preprocessed, Preprocessor};
pub use resize::Resizer;
pub use rgb_view::RgbView;
pub use rows::PixelRows;
pub use stage::{Stage, StageTimes, milliseconds};
pub use tiles::{MAX_TILES, Tiling, merge_tiles};
