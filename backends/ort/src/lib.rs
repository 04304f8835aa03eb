//! Backend `ort`: ONNX Runtime, the reference that the other backends are compared with, and a backend in its
//! own right where it is installed.
//!
//! The runtime is a shared library, found when the program starts; nothing is linked. The Python package
//! `onnxruntime` contains one in its folder `capi`. A model passes through:
//!
//! - `library`: finds and loads the shared library, once per process.
//! - `onnx`: writes the graph as an ONNX file in memory, so that the runtime gets the graph that every backend
//!   gets, after the same passes.
//! - `session`: runs batches on the runtime.

mod backend;
mod library;
mod onnx;
mod session;

pub use backend::OrtBackend;

/// Name of the backend.
pub(crate) const BACKEND: &str = "ort";
