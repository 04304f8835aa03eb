//! From a model file to something that backends run.
//!
//! ```text
//! NAME.onnx ─ onnx ─▶ graph ─ passes ─▶ fused graph ─┐
//! NAME.toml, metadata, outputs ─ layouts, detector ───┴─▶ Detector
//! ```
//!
//! What depends on constants alone is computed while a file is read, by `framegate-scalar`.

#![warn(missing_docs)]

mod beside;
mod coco;
pub mod detector;
mod image_input;
pub mod layouts;
pub mod onnx;
pub mod passes;
pub mod quantise;
mod size;

pub use detector::Detector;
pub use size::Size;
