//! Twice as many samples of a row, or repeated ones.

#[cfg(target_arch = "x86_64")]
pub(super) mod avx2;
pub(super) mod scalar;
