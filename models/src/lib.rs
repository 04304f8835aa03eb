//! From a model file to something that backends run.
//!
//! ```text
//! NAME.onnx ─ onnx ─▶ graph ─ passes ─▶ fused graph ─┐
//! NAME.toml, metadata, outputs ─ layouts, detector ───┴─▶ Detector
//! ```
//!
//! [`mod@reference`] is the scalar meaning of every operator: it folds constants while a file is read,
//! and every backend is compared with it.

#![warn(missing_docs)]

pub mod detector;
mod image_input;
pub mod layouts;
pub mod onnx;
pub mod passes;
pub mod reference;
mod size;

pub use detector::Detector;
pub use size::Size;
