//! Failures as exceptions.

use framegate::{FrameErrorCode, PipelineError, RawModelError};
use pyo3::create_exception;
use pyo3::exceptions::{PyRuntimeError, PyValueError};
use pyo3::prelude::*;

create_exception!(
    framegate,
    ModelError,
    PyValueError,
    "A model, or what was said about it, cannot be used."
);
create_exception!(
    framegate,
    BackendError,
    PyRuntimeError,
    "A backend cannot run here, or cannot run a model."
);
create_exception!(framegate, FrameError, PyValueError, "No detections could be made in a frame.");

/// An error with everything that caused it, as the program prints it.
fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    framegate::error_chain::error_chain(error).to_string()
}

pub(crate) fn of_pipeline(error: PipelineError) -> PyErr {
    match &error {
        PipelineError::Model(error) => ModelError::new_err(chain(error)),
        PipelineError::Boxes(error) => ModelError::new_err(chain(error)),
        error => BackendError::new_err(chain(error)),
    }
}

pub(crate) fn of_raw_model(error: RawModelError) -> PyErr {
    match &error {
        RawModelError::Model(error) => ModelError::new_err(chain(error)),
        RawModelError::Input(error) => PyValueError::new_err(chain(error)),
        error => BackendError::new_err(chain(error)),
    }
}

/// The cause is shown: model and frame are on the same machine, and belong to the same person.
pub(crate) fn of_frame(error: &framegate::FrameError) -> PyErr {
    match (&error.code, &error.cause) {
        (FrameErrorCode::PipelineFailure, Some(cause)) => BackendError::new_err(cause.to_string()),
        _ => FrameError::new_err(error.detail.clone()),
    }
}
