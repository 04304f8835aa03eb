//! Which vector instructions the kernels use.

/// The instruction set of the kernels. A level exists only where the processor has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// Plain Rust, on any processor.
    Portable,
    /// AVX2 and the bit manipulation that came with it.
    #[cfg(target_arch = "x86_64")]
    Avx2(Avx2),
    /// AVX-512 where rows are made, else as with AVX2.
    #[cfg(target_arch = "x86_64")]
    Avx512(Avx512),
}

/// Proof that the processor has AVX2, BMI1, BMI2, LZCNT and MOVBE: only [`Avx2::detect`] makes it.
#[cfg(target_arch = "x86_64")]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Avx2(());

#[cfg(target_arch = "x86_64")]
impl Avx2 {
    /// The proof, if the processor has what it stands for.
    pub fn detect() -> Option<Self> {
        let has_all = is_x86_feature_detected!("avx2")
            && is_x86_feature_detected!("bmi1")
            && is_x86_feature_detected!("bmi2")
            && is_x86_feature_detected!("lzcnt")
            && is_x86_feature_detected!("movbe");
        has_all.then_some(Self(()))
    }
}

/// Proof that the processor has AVX-512 F, BW, VL and VBMI, and all of [`Avx2`]: only [`Avx512::detect`] makes it.
#[cfg(target_arch = "x86_64")]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Avx512(Avx2);

#[cfg(target_arch = "x86_64")]
impl Avx512 {
    /// The proof, if the processor has what it stands for.
    pub fn detect() -> Option<Self> {
        let has_all = is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512vl")
            && is_x86_feature_detected!("avx512vbmi");
        Avx2::detect().filter(|_| has_all).map(Self)
    }

    /// The proof of the lesser instructions.
    pub fn avx2(self) -> Avx2 {
        self.0
    }
}

impl Level {
    /// Every level that this processor has, the fastest last.
    pub fn available() -> Vec<Self> {
        let mut levels = vec![Self::Portable];
        #[cfg(target_arch = "x86_64")]
        {
            levels.extend(Avx2::detect().map(Self::Avx2));
            levels.extend(Avx512::detect().map(Self::Avx512));
        }
        levels
    }

    /// The fastest level that this processor has.
    pub fn best() -> Self {
        Self::available().last().copied().unwrap_or(Self::Portable)
    }
}
