//! Rows of components to rows of pixels.

#[cfg(target_arch = "x86_64")]
pub(super) mod avx2;
pub(super) mod scalar;
