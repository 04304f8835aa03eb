//! Panics that cost one frame: caught where a stage is called, and reported in order.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind};

use framegate_backend_api::panic_message;

thread_local! {
    /// How many calls of [`catch`] this thread is in.
    static CAUGHT: Cell<usize> = const { Cell::new(0) };
}

/// Runs `work`; a panic in it becomes the error, with its message.
///
/// After a panic the caller must discard or overwrite whatever `work` was changing.
pub fn catch<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    CAUGHT.set(CAUGHT.get() + 1);
    let caught = catch_unwind(AssertUnwindSafe(work));
    CAUGHT.set(CAUGHT.get() - 1);
    caught.map_err(|payload| panic_message(payload.as_ref()).to_owned())
}

/// Sends panics to the log from now on. A panic that is caught is reported by its catcher, so that a
/// hostile frame sent again and again cannot fill the log.
pub fn log_panics() {
    std::panic::set_hook(Box::new(|panic: &PanicHookInfo<'_>| {
        let place = panic.location().map(ToString::to_string);
        let cause = panic.payload_as_str();
        if CAUGHT.get() > 0 {
            tracing::debug!(place, cause, "a panic was caught");
        } else {
            tracing::error!(place, cause, "a bug: panic");
        }
    }));
}
