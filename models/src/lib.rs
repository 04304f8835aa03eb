//! From a model file to something that backends run.
//!
//! ```text
//! NAME.onnx ─ onnx ─▶ graph ─ passes ─▶ fused graph ─┐
//! NAME.toml, metadata, output shapes ─ detector ─────┴─▶ Detector
//! ```
//!
//! `framegate-scalar` computes what depends on constants alone while a file is read.

#![warn(missing_docs)]

pub mod detector;
pub mod onnx;
pub mod passes;

pub use detector::Detector;
mod size;

pub use size::Size;
