//! Turns a panic in a kernel into an error: it costs its batch, never the caller.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use framegate_backend_api::BackendError;

/// Runs `work` and turns a panic into [`BackendError::Device`].
///
/// Whatever `work` borrows must be usable after a panic. A session only reads its plan, and writes
/// every buffer anew.
pub(crate) fn as_errors<T>(
    backend: &'static str,
    work: impl FnOnce() -> T,
) -> Result<T, BackendError> {
    catch_unwind(AssertUnwindSafe(work))
        .map_err(|payload| BackendError::Device { backend, reason: message(payload.as_ref()) })
}

/// The message of a panic.
pub(crate) fn message(payload: &(dyn Any + Send)) -> String {
    let text = payload
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| payload.downcast_ref::<&str>().copied());
    text.unwrap_or("it panicked without a message").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_an_error_with_its_message() {
        let lost = as_errors("simd", || panic!("device {} lost", 3));
        let expected = BackendError::Device { backend: "simd", reason: "device 3 lost".to_owned() };
        assert_eq!(lost, Err::<(), _>(expected));
        assert_eq!(as_errors("simd", || 7), Ok(7));
    }
}
