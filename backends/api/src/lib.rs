//! The boundary between Framegate and whatever computes: two traits and plain data.
//!
//! ```text
//! Backend ── probe ──▶ DeviceInfo          is it usable here?
//!    └────── load(Model, Limits) ──▶ Session ── infer(InputBatch, OutputBatch)
//! ```
//!
//! Only `f32` slices and shapes cross it: no tensor types, no generics, no async. A backend that
//! needs threads, queues or device memory keeps them behind [`Session`].

#![warn(missing_docs)]

mod backend;
mod batch;
mod error;
pub mod graph;
mod model;
mod profile;
mod tensor;

pub use backend::{Backend, DeviceInfo, DeviceKind, Limits, Session};
pub use batch::{InputBatch, OutputBatch, OutputTensor};
pub use error::BackendError;
pub use model::Model;
pub use profile::{Profile, StepProfile};
pub use tensor::{ElementType, HostTensor, TensorData};
