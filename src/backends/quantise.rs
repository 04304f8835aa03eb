//! Quantises a model before it is loaded, for `--calibrate`.

use framegate_backend_api::{BackendError, Model};
use framegate_cpu::Precision;

use super::int8::quantise_on;
use super::{BackendId, BackendIdError, BackendOptions};

/// The backend that computes on bytes.
const BACKEND: &str = "simd";
/// Images that a model is calibrated on at most: ranges hardly change with more.
pub(crate) const MOST_CALIBRATION_IMAGES: usize = 64;

/// The model with convolutions that read bytes, as [`quantise_on`] makes it on `simd`.
///
/// # Errors
/// [`BackendError`] when nothing in the model can be quantised, or `simd` cannot run it.
pub(crate) fn quantise(
    options: &BackendOptions,
    model: &Model,
    images: &[Vec<f32>],
    threads: usize,
) -> Result<Model, BackendError> {
    let options = BackendOptions { precision: Precision::F32, ..options.clone() };
    let unknown = |reason: BackendIdError| BackendError::Unavailable {
        backend: BACKEND,
        reason: reason.to_string(),
    };
    let backend = BACKEND.parse::<BackendId>().map_err(unknown)?.create(&options)?;
    quantise_on(backend.as_ref(), model, images, threads)
}
