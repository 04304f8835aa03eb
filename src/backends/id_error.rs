//! Why a text does not name a backend.

use framegate_backend_null::NullOptionsError;
use framegate_cpu::UnknownPrecision;

/// Why a text does not name a backend.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BackendIdError {
    /// The name is unknown.
    #[error("unknown backend; expected {expected}")]
    Unknown {
        /// The names of all backends.
        expected: String,
    },
    /// Options follow the name of a backend that has none.
    #[error("backend `{0}` takes no options")]
    TakesNoOptions(&'static str),
    /// The option is unknown.
    #[error("unknown option `{0}`; expected simd:precision= and f32, bf16 or int8")]
    UnknownSimdOption(String),
    /// The precision is unknown.
    #[error("precision: {0}")]
    Precision(#[from] UnknownPrecision),
    /// The options of `null` cannot be used.
    #[error(transparent)]
    Null(#[from] NullOptionsError),
}
