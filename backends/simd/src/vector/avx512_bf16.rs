//! Sixteen `f32` sums of products of bf16 pairs, in an AVX-512 register.
#![expect(unsafe_code, reason = "vector instructions exist on some processors only")]
// SAFETY of every block: the trait's contract says that the processor has AVX-512 F and BF16 and that
// pointers are good.

use std::arch::x86_64::*;

use super::{F32x16, PairProducts, Products};

/// Sixteen lanes: sums, or pairs of factors.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bf16x32(F32x16);

impl Bf16x32 {
    #[inline(always)]
    fn pairs(self) -> __m512bh {
        // SAFETY: both types are 64 bytes, for which every bit pattern is valid.
        unsafe { std::mem::transmute::<__m512, __m512bh>(self.0.0) }
    }
}

impl Products for Bf16x32 {
    const LANES: usize = F32x16::LANES;
    const REGISTERS: usize = F32x16::REGISTERS;
    const BLOCK: usize = Self::LANES / 2;

    #[inline(always)]
    unsafe fn splat(x: f32) -> Self {
        // SAFETY: the trait's contract.
        Self(unsafe { F32x16::splat(x) })
    }

    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: the trait's contract.
        Self(unsafe { F32x16::load(from) })
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        // SAFETY: the trait's contract.
        unsafe { self.0.store(to) }
    }

    #[inline(always)]
    unsafe fn mul_add(self, factor: Self, addend: Self) -> Self {
        // SAFETY: the trait's contract.
        Self(F32x16(unsafe { _mm512_dpbf16_ps(addend.0.0, self.pairs(), factor.pairs()) }))
    }
}

impl PairProducts for Bf16x32 {
    #[inline(always)]
    unsafe fn store_rounded(self, to: *mut u16) {
        // SAFETY: the trait's contract.
        unsafe { to.cast::<__m256bh>().write_unaligned(_mm512_cvtneps_pbh(self.0.0)) }
    }
}
