//! Inverse transforms: coefficients of a block to samples.

#[cfg(target_arch = "x86_64")]
pub(super) mod avx2;
#[cfg(target_arch = "x86_64")]
pub(super) mod avx2_order;
#[cfg(target_arch = "x86_64")]
pub(super) mod avx2_reduced;
pub(super) mod scalar;
