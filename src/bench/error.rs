//! What ends a benchmark.

/// A combination that cannot be measured.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BenchError {
    /// No image can be used.
    #[error("there is no image to measure with: {0}")]
    Images(String),
    /// The model, or the backend on it.
    #[error("{combination}: {problem}")]
    Combination {
        /// Which model on which backend.
        combination: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The process that measured is gone, or says what nobody understands.
    #[error("{combination}: its process has failed: {problem}")]
    Process {
        /// Which model on which backend.
        combination: String,
        /// What became of it.
        problem: String,
    },
}
