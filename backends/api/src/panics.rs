//! Panics inside a backend become errors: they cost a batch, never the caller.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::BackendError;

/// Runs `work` and turns a panic into [`BackendError::Device`].
///
/// Whatever `work` borrows must be usable after a panic. Sessions fulfil this by only reading their plan and
/// overwriting every buffer.
///
/// # Errors
/// [`BackendError::Device`] with the message of the panic.
pub fn catch_as_device_error<T>(
    backend: &'static str,
    work: impl FnOnce() -> T,
) -> Result<T, BackendError> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|payload| BackendError::Device {
        backend,
        reason: panic_message(payload.as_ref()).to_owned(),
    })
}

/// The message of a panic that was caught.
pub fn panic_message(payload: &(dyn Any + Send)) -> &str {
    let text = payload
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| payload.downcast_ref::<&str>().copied());
    text.unwrap_or("it panicked without a message")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_an_error_with_its_message() {
        let device_error =
            |reason: &str| BackendError::Device { backend: "flex", reason: reason.to_owned() };
        let lost = catch_as_device_error("flex", || panic!("device {} lost", 3));
        assert_eq!(lost, Err::<(), _>(device_error("device 3 lost")));
        let lost = catch_as_device_error("flex", || panic!("device lost"));
        assert_eq!(lost, Err::<(), _>(device_error("device lost")));
        let lost = catch_as_device_error("flex", || std::panic::panic_any(3));
        assert_eq!(lost, Err::<(), _>(device_error("it panicked without a message")));
        assert_eq!(catch_as_device_error("flex", || 7), Ok(7));
    }
}
