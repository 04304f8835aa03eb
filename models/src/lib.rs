//! From a model file to something that backends run.
//!
//! ```text
//! NAME.onnx ─ onnx ─▶ graph ─ passes ─▶ fused graph ─┐
//! NAME.toml, metadata, output shapes ─ detector ─────┴─▶ Detector
//! ```
//!
//! [`mod@reference`] is the scalar meaning of every operator: it folds constants while a file is read,
//! and it is what every backend is held against.

#![warn(missing_docs)]

pub mod detector;
pub mod onnx;
pub mod passes;
pub mod reference;

pub use detector::Detector;
mod size;

pub use size::Size;
