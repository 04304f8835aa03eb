//! Backend `ort`: ONNX Runtime, the yardstick that the other backends are measured with, and a backend
//! for whoever has it.
//!
//! The runtime is a shared library that is found when the program starts; nothing is linked. PyPI's
//! package `onnxruntime` holds one in its folder `capi`. The way of a model:
//!
//! - `library`: the shared library, found and loaded once for the whole process.
//! - `onnx`: the graph written down as an ONNX file in memory, so that the runtime gets what every
//!   backend gets, after the same passes.
//! - `session`: a batch through the runtime.

mod backend;
mod library;
mod onnx;
mod session;

pub use backend::OrtBackend;
