//! Shares of a whole that may be 0.

/// `part / whole`; `None` when `whole` is 0.
pub(super) fn share(part: usize, whole: usize) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}
