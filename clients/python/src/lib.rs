//! The compiled half of the Python package `framegate`: what computes, in Rust; how it is offered, in Python
//! (`clients/python/python`).

use pyo3::prelude::*;

mod detector;
mod errors;
mod found;
mod image;
mod options;
mod program;
mod session;
mod tracker;
mod websocket;

#[pymodule]
mod _native {
    #[pymodule_export]
    const MAX_BATCH: usize = framegate::MAX_BATCH;
    #[pymodule_export]
    const MAX_THREADS: usize = framegate::MAX_THREADS;
    #[pymodule_export]
    use crate::detector::Detector;
    #[pymodule_export]
    use crate::errors::{BackendError, FrameError, ModelError};
    #[pymodule_export]
    use crate::found::Found;
    #[pymodule_export]
    use crate::image::encode_jpeg;
    #[pymodule_export]
    use crate::program::run_program;
    #[pymodule_export]
    use crate::session::{Session, Tensor};
    #[pymodule_export]
    use crate::tracker::Tracker;
    #[pymodule_export]
    use crate::websocket::WebSocket;
}
