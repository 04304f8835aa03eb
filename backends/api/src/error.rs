//! What can go wrong in a backend, by whose fault it is.

/// An error of a compute backend.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BackendError {
    /// This machine cannot run the backend.
    #[error("backend `{backend}` cannot run here: {reason}")]
    Unavailable {
        /// Name of the backend.
        backend: &'static str,
        /// Why not, and what would help.
        reason: String,
    },
    /// The backend cannot run this model: the model's fault, or a gap in the backend.
    #[error("backend `{backend}` cannot run this model: {reason}")]
    Unsupported {
        /// Name of the backend.
        backend: &'static str,
        /// Which operator, at which node, and what about it.
        reason: String,
    },
    /// The caller handed over data of the wrong shape or size.
    #[error("wrong input: expected {expected}, got {got}")]
    WrongInput {
        /// What the session was loaded for.
        expected: String,
        /// What was handed over.
        got: String,
    },
    /// The device failed: out of memory, lost, or a driver error.
    #[error("backend `{backend}` failed on its device: {reason}")]
    Device {
        /// Name of the backend.
        backend: &'static str,
        /// What the device or driver said.
        reason: String,
    },
}
