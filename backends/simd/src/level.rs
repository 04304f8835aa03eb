//! Which vector instructions this processor has.

use std::fmt;

use crate::precision::Precision;
#[cfg(target_arch = "x86_64")]
use crate::tiles;

/// The instruction set that a session's kernels are compiled for.
///
/// Results differ between levels by rounding only: fused multiply-adds round once, and sums are
/// taken in another order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SimdLevel {
    /// Plain Rust, on any processor; the compiler vectorises it for the baseline.
    Portable,
    /// AVX2 and FMA.
    #[cfg(target_arch = "x86_64")]
    Avx2(Avx2),
    /// AVX-512 F.
    #[cfg(target_arch = "x86_64")]
    Avx512(Avx512),
    /// AVX-512, and AMX for products of bf16: it has no others.
    #[cfg(target_arch = "x86_64")]
    Amx(Amx),
}

impl SimdLevel {
    /// Every level that this processor has, the fastest last; never empty.
    pub fn available() -> Vec<Self> {
        let mut levels = vec![Self::Portable];
        #[cfg(target_arch = "x86_64")]
        {
            levels.extend(Avx2::detect().map(Self::Avx2));
            levels.extend(Avx512::detect().map(Self::Avx512));
            levels.extend(Amx::detect().map(Self::Amx));
        }
        levels
    }

    /// The fastest level that this processor has for a precision; for `f32` if it has none.
    pub fn best(precision: Precision) -> Self {
        let serves = |level: &Self| level.has(precision) || level.has(Precision::F32);
        Self::available().into_iter().rfind(serves).unwrap_or(Self::Portable)
    }

    /// Its name on command lines.
    pub fn name(self) -> &'static str {
        match self {
            Self::Portable => "portable",
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(_) => "avx2",
            #[cfg(target_arch = "x86_64")]
            Self::Avx512(_) => "avx512",
            #[cfg(target_arch = "x86_64")]
            Self::Amx(_) => "amx",
        }
    }

    /// Number of `f32` in a vector, which is also the number of channels in a block.
    pub fn lanes(self) -> usize {
        match self {
            Self::Portable => 8,
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(_) => 8,
            #[cfg(target_arch = "x86_64")]
            Self::Avx512(_) | Self::Amx(_) => 16,
        }
    }
}

impl fmt::Display for SimdLevel {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Portable => "portable",
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(_) => "AVX2",
            #[cfg(target_arch = "x86_64")]
            Self::Avx512(_) => "AVX-512",
            #[cfg(target_arch = "x86_64")]
            Self::Amx(_) => "AMX",
        })
    }
}

/// Proof that the processor has AVX2 and FMA: only [`Avx2::detect`] makes one.
#[cfg(target_arch = "x86_64")]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Avx2(());

#[cfg(target_arch = "x86_64")]
impl Avx2 {
    /// Asks the processor.
    pub fn detect() -> Option<Self> {
        (is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma")).then_some(Self(()))
    }
}

/// Proof that the processor has AVX-512 F: only [`Avx512::detect`] makes one.
#[cfg(target_arch = "x86_64")]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Avx512(());

#[cfg(target_arch = "x86_64")]
impl Avx512 {
    /// Asks the processor.
    pub fn detect() -> Option<Self> {
        is_x86_feature_detected!("avx512f").then_some(Self(()))
    }
}

/// Proof that the processor has AVX-512 F and AMX for bf16, and that the system lets this process use
/// them: only [`Amx::detect`] makes one.
#[cfg(target_arch = "x86_64")]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Amx(());

#[cfg(target_arch = "x86_64")]
impl Amx {
    /// Asks the processor and the system.
    pub fn detect() -> Option<Self> {
        let has_vectors =
            is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512bf16");
        (has_vectors && tiles::is_usable()).then_some(Self(()))
    }
}
