//! Proofs that the processor has an instruction set.

#[cfg(feature = "amx")]
use crate::amx;

/// Proof that the processor has AVX2 and FMA: only [`Avx2::detect`] makes one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Avx2(());

impl Avx2 {
    /// Asks the processor.
    pub fn detect() -> Option<Self> {
        (is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma")).then_some(Self(()))
    }

    /// Whether the processor also adds products of integers in one instruction (AVX-VNNI).
    pub fn has_vnni(self) -> bool {
        is_x86_feature_detected!("avxvnni")
    }
}

/// Proof that the processor has AVX-512 F and BW: only [`Avx512::detect`] makes one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Avx512(());

impl Avx512 {
    /// Asks the processor.
    pub fn detect() -> Option<Self> {
        (is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512bw"))
            .then_some(Self(()))
    }

    /// Whether the processor also adds products of integers in one instruction (AVX-512 VNNI).
    pub fn has_vnni(self) -> bool {
        is_x86_feature_detected!("avx512vnni")
    }

    /// Whether the processor also permutes bytes across whole registers (AVX-512 VBMI).
    pub fn has_vbmi(self) -> bool {
        is_x86_feature_detected!("avx512vbmi")
    }

    /// Whether the processor also multiplies pairs of bf16 (AVX-512 BF16).
    pub(crate) fn has_bf16(self) -> bool {
        is_x86_feature_detected!("avx512bf16")
    }
}

/// Proof that the processor has AMX for bf16 and everything that [`Avx512`] stands for, and that the operating
/// system lets this process use them: only [`Amx::detect`] makes one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Amx(Avx512);

impl Amx {
    /// Asks the processor and the operating system.
    #[cfg(feature = "amx")]
    pub fn detect() -> Option<Self> {
        let avx512 = Avx512::detect()?;
        (avx512.has_bf16() && amx::is_usable()).then_some(Self(avx512))
    }

    /// Finds nothing: this build lacks the feature `amx`.
    #[cfg(not(feature = "amx"))]
    pub fn detect() -> Option<Self> {
        None
    }
}

impl From<Amx> for Avx512 {
    fn from(Amx(proof): Amx) -> Self {
        proof
    }
}
