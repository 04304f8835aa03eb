//! Vectors of `f32` behind a trait, so that each kernel is written once for every instruction set.
//!
//! Methods are always inlined into the kernel, and the `versions` macro compiles the kernel once per
//! instruction set: that is where the intrinsics become single instructions.
#![expect(unsafe_code, reason = "vector instructions exist on some processors only")]

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
#[cfg(target_arch = "x86_64")]
mod avx512_bf16;
mod bf16;
mod error_function;
mod exponential;
mod integers;
#[cfg(target_arch = "x86_64")]
mod integers_avx2;
#[cfg(target_arch = "x86_64")]
mod integers_avx512;
mod portable;

#[cfg(target_arch = "x86_64")]
pub(crate) use avx2::F32x8;
#[cfg(target_arch = "x86_64")]
pub(crate) use avx512::F32x16;
#[cfg(target_arch = "x86_64")]
pub(crate) use avx512_bf16::Bf16x32;
#[cfg(test)]
pub(crate) use bf16::add_pair_product;
pub(crate) use bf16::{PortablePairs, pair_of_bf16};
pub(crate) use error_function::complementary_error;
pub(crate) use exponential::{exponential, exponential_of_weight, logistic};
pub(crate) use integers::{
    PortableIntegers, PortableQuads, add_byte_products, pair_of_integers, quad_of_bytes,
};
#[cfg(target_arch = "x86_64")]
pub(crate) use integers_avx2::{I16x16, I16x16Vnni, U8x32};
#[cfg(target_arch = "x86_64")]
pub(crate) use integers_avx512::{I16x32, I16x32Vnni, U8x64};
pub(crate) use portable::Portable;

/// At least as many elements as the vector of any level has.
pub(crate) const LONGEST_VECTOR: usize = 16;

/// Sums of products, one sum per lane: all that a convolution over all channels needs.
///
/// # Safety
/// A method may be called only where the processor has the type's instructions. Pointers must be good
/// for [`Products::LANES`] elements, aligned or not.
pub(crate) trait Products: Copy {
    /// Elements of a vector.
    const LANES: usize;
    /// The number of vectors that the processor holds in registers.
    const REGISTERS: usize;
    /// Factors in a block of a feature map: channels, or pairs of them.
    const BLOCK: usize = Self::LANES;

    /// `x` in every lane.
    unsafe fn splat(x: f32) -> Self;
    unsafe fn load(from: *const f32) -> Self;
    unsafe fn store(self, to: *mut f32);
    /// `self · factor + addend`, rounded once where the processor can.
    unsafe fn mul_add(self, factor: Self, addend: Self) -> Self;
}

/// A vector of `f32`, one per channel of a block.
///
/// # Safety
/// As [`Products`].
pub(crate) trait Vector: Products {
    unsafe fn add(self, other: Self) -> Self;
    unsafe fn sub(self, other: Self) -> Self;
    unsafe fn mul(self, other: Self) -> Self;
    /// A division. It has a unit of its own beside the one for multiply-adds: an estimate and a step
    /// of Newton's method take longer in these kernels, or as long.
    unsafe fn div(self, other: Self) -> Self;
    /// The larger; `other` if either is NaN.
    unsafe fn max(self, other: Self) -> Self;
    /// The smaller; `other` if either is NaN.
    unsafe fn min(self, other: Self) -> Self;
    /// The nearest integer.
    unsafe fn round(self) -> Self;
    /// `self · 2ⁿ` for integers `n` from −126 to 127.
    unsafe fn scale_by_power_of_two(self, n: Self) -> Self;
    /// `self` where `condition` is negative, else `other`.
    unsafe fn where_negative(self, condition: Self, other: Self) -> Self;
    /// The numbers of lanes that hold the bits of an `i32` each.
    unsafe fn of_integers(self) -> Self;
    /// Transposes a square of elements: writes the first elements of all rows to the first column, and so on. All rows are
    /// read before anything is written.
    unsafe fn transpose(row: impl Fn(usize) -> *const f32, column: impl Fn(usize) -> *mut f32);
    /// Bytes, one per lane.
    unsafe fn load_bytes(from: *const u8) -> Self;
    /// Writes the lanes, whole numbers from 0 to 255, as bytes. A NaN becomes any byte.
    unsafe fn store_bytes(self, to: *mut u8);
    /// Writes the lanes of four vectors, rounded to the nearest integer, ties to even, plus `zero` and between `low` and
    /// `high`, as bytes; these are whole numbers from 0 to 255. A NaN becomes any byte.
    #[inline(always)]
    unsafe fn store_rounded_bytes(
        vectors: [Self; 4],
        zero: f32,
        [low, high]: [f32; 2],
        to: *mut u8,
    ) {
        // SAFETY: the trait's contract.
        unsafe {
            let (zero, low, high) = (Self::splat(zero), Self::splat(low), Self::splat(high));
            for (index, vector) in vectors.into_iter().enumerate() {
                let whole = vector.round().add(zero);
                high.min(low.max(whole)).store_bytes(to.add(index * Self::LANES));
            }
        }
    }
}

/// A vector of `f32` sums whose factors are pairs of bf16: a lane of a factor holds two neighbouring
/// channels in place of one `f32`, the first in its lower half, and both products are added.
///
/// # Safety
/// As [`Products`].
pub(crate) trait PairProducts: Products {
    /// Writes the lanes as bf16, rounded to the nearest, ties to even.
    unsafe fn store_rounded(self, to: *mut u16);
}

/// Asks for a line to be brought into the second-level cache, or into the first-level one if `NEAR`. The address need
/// not be good.
#[inline(always)]
pub(crate) fn prefetch<const NEAR: bool>(from: *const f32) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: every x86-64 processor has these hints, which read nothing.
    unsafe {
        use std::arch::x86_64::{_MM_HINT_T0, _MM_HINT_T1, _mm_prefetch};
        match NEAR {
            true => _mm_prefetch::<_MM_HINT_T0>(from.cast()),
            false => _mm_prefetch::<_MM_HINT_T1>(from.cast()),
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = from;
}

/// Defines a function that returns the version of a kernel for a level, from the generic body of the
/// kernel.
///
/// `versions!(name = body(argument: Type, …))` or, for a body with further constants,
/// `versions!(name<A, B> = body(argument: Type, …))`.
macro_rules! versions {
    ($name:ident $(<$($constant:ident),+>)? = $body:ident($($argument:ident: $type:ty),* $(,)?) $(-> $result:ty)?) => {
        /// The version for a level.
        pub(crate) fn $name $(<$(const $constant: usize),+>)? (
            level: framegate_cpu::Level,
        ) -> unsafe fn($($type),*) $(-> $result)? {
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx512f,avx512bw")]
            unsafe fn avx512 $(<$(const $constant: usize),+>)? ($($argument: $type),*) $(-> $result)? {
                // SAFETY: the caller keeps the body's contract, and has AVX-512 F and BW.
                unsafe { self::$body::<$crate::vector::F32x16 $($(, $constant)+)?>($($argument),*) }
            }
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2,fma")]
            unsafe fn avx2 $(<$(const $constant: usize),+>)? ($($argument: $type),*) $(-> $result)? {
                // SAFETY: the caller keeps the body's contract, and has AVX2 and FMA.
                unsafe { self::$body::<$crate::vector::F32x8 $($(, $constant)+)?>($($argument),*) }
            }
            unsafe fn portable $(<$(const $constant: usize),+>)? ($($argument: $type),*) $(-> $result)? {
                // SAFETY: the caller keeps the body's contract.
                unsafe { self::$body::<$crate::vector::Portable $($(, $constant)+)?>($($argument),*) }
            }
            match level {
                #[cfg(target_arch = "x86_64")]
                framegate_cpu::Level::Avx512(_) | framegate_cpu::Level::Amx(_) => avx512 $(::<$($constant),+>)?,
                #[cfg(target_arch = "x86_64")]
                framegate_cpu::Level::Avx2(_) => avx2 $(::<$($constant),+>)?,
                framegate_cpu::Level::Portable => portable $(::<$($constant),+>)?,
            }
        }
    };
}

/// As [`versions`], for a body that is generic over [`PairProducts`].
macro_rules! pair_versions {
    ($name:ident $(<$($constant:ident),+>)? = $body:ident($($argument:ident: $type:ty),* $(,)?)) => {
        /// The version for a level whose factors are pairs of bf16.
        ///
        /// # Panics
        /// If the processor has no instructions for bf16 at that level.
        pub(crate) fn $name $(<$(const $constant: usize),+>)? (
            level: framegate_cpu::Level,
        ) -> unsafe fn($($type),*) {
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx512f,avx512bf16")]
            unsafe fn avx512 $(<$(const $constant: usize),+>)? ($($argument: $type),*) {
                // SAFETY: the caller keeps the body's contract, and has AVX-512 F and BF16.
                unsafe { self::$body::<$crate::vector::Bf16x32 $($(, $constant)+)?>($($argument),*) }
            }
            unsafe fn portable $(<$(const $constant: usize),+>)? ($($argument: $type),*) {
                // SAFETY: the caller keeps the body's contract.
                unsafe {
                    self::$body::<$crate::vector::PortablePairs $($(, $constant)+)?>($($argument),*)
                }
            }
            assert!(level.has(framegate_cpu::Precision::Bf16), "{level} has no bf16 here");
            match level {
                #[cfg(target_arch = "x86_64")]
                framegate_cpu::Level::Avx512(_) | framegate_cpu::Level::Amx(_) => avx512 $(::<$($constant),+>)?,
                _ => portable $(::<$($constant),+>)?,
            }
        }
    };
}

/// As [`versions`], for a body that is generic over [`Products`], with pairs of 16-bit integers for factors
/// and 32-bit integers for sums.
macro_rules! integer_versions {
    ($name:ident $(<$($constant:ident),+>)? = $body:ident($($argument:ident: $type:ty),* $(,)?)) => {
        /// The version for a level whose factors are pairs of integers.
        pub(crate) fn $name $(<$(const $constant: usize),+>)? (
            level: framegate_cpu::Level,
        ) -> unsafe fn($($type),*) {
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
            unsafe fn avx512_vnni $(<$(const $constant: usize),+>)? ($($argument: $type),*) {
                // SAFETY: the caller keeps the body's contract, and has AVX-512 F, BW and VNNI.
                unsafe { self::$body::<$crate::vector::I16x32Vnni $($(, $constant)+)?>($($argument),*) }
            }
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx512f,avx512bw")]
            unsafe fn avx512 $(<$(const $constant: usize),+>)? ($($argument: $type),*) {
                // SAFETY: the caller keeps the body's contract, and has AVX-512 F and BW.
                unsafe { self::$body::<$crate::vector::I16x32 $($(, $constant)+)?>($($argument),*) }
            }
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2,avxvnni")]
            unsafe fn avx2_vnni $(<$(const $constant: usize),+>)? ($($argument: $type),*) {
                // SAFETY: the caller keeps the body's contract, and has AVX2 and AVX-VNNI.
                unsafe { self::$body::<$crate::vector::I16x16Vnni $($(, $constant)+)?>($($argument),*) }
            }
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2")]
            unsafe fn avx2 $(<$(const $constant: usize),+>)? ($($argument: $type),*) {
                // SAFETY: the caller keeps the body's contract, and has AVX2.
                unsafe { self::$body::<$crate::vector::I16x16 $($(, $constant)+)?>($($argument),*) }
            }
            unsafe fn portable $(<$(const $constant: usize),+>)? ($($argument: $type),*) {
                // SAFETY: the caller keeps the body's contract.
                unsafe {
                    self::$body::<$crate::vector::PortableIntegers $($(, $constant)+)?>($($argument),*)
                }
            }
            #[cfg(target_arch = "x86_64")]
            let by_avx512 = |proof: framegate_cpu::Avx512| match proof.has_vnni() {
                true => avx512_vnni $(::<$($constant),+>)? as unsafe fn($($type),*),
                false => avx512 $(::<$($constant),+>)?,
            };
            match level {
                #[cfg(target_arch = "x86_64")]
                framegate_cpu::Level::Avx512(proof) => by_avx512(proof),
                #[cfg(target_arch = "x86_64")]
                framegate_cpu::Level::Amx(proof) => by_avx512(proof.into()),
                #[cfg(target_arch = "x86_64")]
                framegate_cpu::Level::Avx2(proof) if proof.has_vnni() => avx2_vnni $(::<$($constant),+>)?,
                #[cfg(target_arch = "x86_64")]
                framegate_cpu::Level::Avx2(_) => avx2 $(::<$($constant),+>)?,
                framegate_cpu::Level::Portable => portable $(::<$($constant),+>)?,
            }
        }
    };
}

/// As [`versions`], for a body that is generic over [`Products`], with quads of bytes for factors, the first unsigned and
/// the second signed, and 32-bit integers for sums.
macro_rules! quad_versions {
    ($name:ident $(<$($constant:ident),+>)? = $body:ident($($argument:ident: $type:ty),* $(,)?)) => {
        /// The version for a level whose factors are quads of bytes.
        ///
        /// # Panics
        /// If the processor has no instruction for them at that level.
        pub(crate) fn $name $(<$(const $constant: usize),+>)? (
            level: framegate_cpu::Level,
        ) -> unsafe fn($($type),*) {
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
            unsafe fn avx512 $(<$(const $constant: usize),+>)? ($($argument: $type),*) {
                // SAFETY: the caller keeps the body's contract, and has AVX-512 F, BW and VNNI.
                unsafe { self::$body::<$crate::vector::U8x64 $($(, $constant)+)?>($($argument),*) }
            }
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2,avxvnni")]
            unsafe fn avx2 $(<$(const $constant: usize),+>)? ($($argument: $type),*) {
                // SAFETY: the caller keeps the body's contract, and has AVX2 and AVX-VNNI.
                unsafe { self::$body::<$crate::vector::U8x32 $($(, $constant)+)?>($($argument),*) }
            }
            unsafe fn portable $(<$(const $constant: usize),+>)? ($($argument: $type),*) {
                // SAFETY: the caller keeps the body's contract.
                unsafe {
                    self::$body::<$crate::vector::PortableQuads $($(, $constant)+)?>($($argument),*)
                }
            }
            assert!(level.multiplies_bytes(), "{level} has no products of bytes here");
            match level {
                #[cfg(target_arch = "x86_64")]
                framegate_cpu::Level::Avx512(_) | framegate_cpu::Level::Amx(_) => avx512 $(::<$($constant),+>)?,
                #[cfg(target_arch = "x86_64")]
                framegate_cpu::Level::Avx2(_) => avx2 $(::<$($constant),+>)?,
                framegate_cpu::Level::Portable => portable $(::<$($constant),+>)?,
            }
        }
    };
}
pub(crate) use {integer_versions, pair_versions, quad_versions, versions};
