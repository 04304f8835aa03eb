//! The boundary between Framegate and its compute backends: two traits and plain data.
//!
//! ```text
//! Backend ── probe ──▶ DeviceInfo          can it run here?
//!    └────── load(Model, Limits) ──▶ Session ── infer(InputBatch, OutputBatch)
//! ```
//!
//! Only `f32` slices and shapes cross the boundary: no tensor types, no generics, no async. A backend that needs
//! threads, queues or device memory keeps them behind [`Session`].

#![warn(missing_docs)]

mod backend;
mod batch;
mod error;
pub mod graph;
mod model;
mod panics;
mod profile;
mod tensor;

pub use backend::{Backend, DeviceInfo, DeviceKind, Limits, Session};
pub use batch::{InputBatch, OutputBatch, OutputTensor};
pub use error::BackendError;
pub use model::Model;
pub use panics::{catch_as_device_error, panic_message};
pub use profile::{Profile, StepProfile};
pub use tensor::{ElementType, HostTensor, TensorData};
