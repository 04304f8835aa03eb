//! What convolutions multiply.

use std::fmt;

use crate::level::SimdLevel;

/// The numbers that convolutions over all channels multiply. Sums, and whatever else is computed, are
/// `f32` in any case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Precision {
    /// 24 significant bits.
    F32,
    /// 8 significant bits, two products an instruction: weights and inputs are rounded.
    Bf16,
}

impl fmt::Display for Precision {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::F32 => "f32",
            Self::Bf16 => "bf16",
        })
    }
}

impl SimdLevel {
    /// Whether there are kernels of this precision that this processor can run: bf16 needs AVX-512
    /// BF16 or AMX, and is there in portable code for comparison.
    pub fn has(self, precision: Precision) -> bool {
        match (precision, self) {
            #[cfg(target_arch = "x86_64")]
            (precision, Self::Amx(_)) => precision == Precision::Bf16,
            (Precision::F32, _) | (Precision::Bf16, Self::Portable) => true,
            #[cfg(target_arch = "x86_64")]
            (Precision::Bf16, Self::Avx2(_)) => false,
            #[cfg(target_arch = "x86_64")]
            (Precision::Bf16, Self::Avx512(_)) => is_x86_feature_detected!("avx512bf16"),
        }
    }
}
