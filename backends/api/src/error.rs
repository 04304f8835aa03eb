//! Errors of backends, by who can mend them.

/// An error of a compute backend.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BackendError {
    /// This machine cannot run the backend.
    #[error("backend `{backend}` cannot run here: {reason}")]
    Unavailable {
        /// Name of the backend.
        backend: &'static str,
        /// Why not, and what would help.
        reason: String,
    },
    /// The backend cannot run this model: the model is at fault, or the backend has a gap.
    #[error("backend `{backend}` cannot run this model: {reason}")]
    Unsupported {
        /// Name of the backend.
        backend: &'static str,
        /// Which operator, at which node, and what about it.
        reason: String,
    },
    /// The caller passed data of the wrong shape or size.
    #[error("wrong input: expected {expected}, got {got}")]
    WrongInput {
        /// The value that the session was loaded for.
        expected: String,
        /// The value that the caller passed.
        got: String,
    },
    /// The device failed: out of memory, lost, or a driver error.
    #[error("backend `{backend}` failed on its device: {reason}")]
    Device {
        /// Name of the backend.
        backend: &'static str,
        /// The report of the device or its driver.
        reason: String,
    },
    /// The operating system refused the threads that a session needs.
    #[error("backend `{backend}` cannot start {threads} threads: {reason}")]
    Threads {
        /// Name of the backend.
        backend: &'static str,
        /// How many threads it asked for.
        threads: usize,
        /// The report of the operating system.
        reason: String,
    },
}
