//! Scales the sums of a quantised convolution while they are in the first-level cache, and makes bytes of
//! them.
#![expect(unsafe_code, reason = "vector loads and stores go through pointers")]

use super::quantise::{ByteScale, store_bytes};
use crate::vector::{Vector, logistic, versions};

/// A compiled version: sums, target, length, factors, and the scale of the bytes.
pub(crate) type Kernel = unsafe fn(*const f32, *mut u8, usize, *const f32, &ByteScale);

versions!(requantise_version<INTEGERS> = requantise(
    sums: *const f32,
    to: *mut u8,
    len: usize,
    factors: *const f32,
    scale: &ByteScale,
));

versions!(silu_version<INTEGERS> = silu(
    sums: *const f32,
    to: *mut u8,
    len: usize,
    factors: *const f32,
    scale: &ByteScale,
));

/// As [`requantise`], with SiLU before the scale, by which the factors are not divided.
///
/// # Safety
/// As [`requantise`].
#[inline(always)]
unsafe fn silu<V: Vector, const INTEGERS: usize>(
    sums: *const f32,
    to: *mut u8,
    len: usize,
    factors: *const f32,
    scale: &ByteScale,
) {
    // SAFETY: the caller's promise.
    unsafe {
        let (factor, offset) = (V::load(factors), V::load(factors.add(V::LANES)));
        let inverse = V::splat(1.0 / scale.scale);
        store_bytes!(scale, V, to, len, |at| {
            let x = sum::<V, INTEGERS>(sums.add(at)).mul_add(factor, offset);
            logistic(x.mul(inverse), x)
        });
    }
}

versions!(rescale_version<INTEGERS> = rescale(sums: *mut f32, len: usize, factors: *const f32));

/// Writes `len` sums as bytes, after a factor and an offset per lane, which follow each other at `factors`
/// and are divided by the scale already. With `INTEGERS` of 1, sums are the bits of 32-bit integers.
///
/// # Safety
/// The processor has `V`'s instructions. `len` is a multiple of the vector; `sums` and `to` are good for that
/// many elements, which do not overlap, and `factors` for two vectors.
#[inline(always)]
unsafe fn requantise<V: Vector, const INTEGERS: usize>(
    sums: *const f32,
    to: *mut u8,
    len: usize,
    factors: *const f32,
    scale: &ByteScale,
) {
    // SAFETY: the caller's promise.
    unsafe {
        let (factor, offset) = (V::load(factors), V::load(factors.add(V::LANES)));
        store_bytes!(scale, V, to, len, |at| {
            sum::<V, INTEGERS>(sums.add(at)).mul_add(factor, offset)
        });
    }
}

/// Scales `len` sums in place, to floats.
///
/// # Safety
/// As [`requantise`].
#[inline(always)]
unsafe fn rescale<V: Vector, const INTEGERS: usize>(
    sums: *mut f32,
    len: usize,
    factors: *const f32,
) {
    // SAFETY: the caller's promise.
    unsafe {
        let (factor, offset) = (V::load(factors), V::load(factors.add(V::LANES)));
        for at in (0..len).step_by(V::LANES) {
            sum::<V, INTEGERS>(sums.add(at)).mul_add(factor, offset).store(sums.add(at));
        }
    }
}

/// Sums as floats.
///
/// # Safety
/// The processor has `V`'s instructions; the pointer is good for a vector.
#[inline(always)]
unsafe fn sum<V: Vector, const INTEGERS: usize>(from: *const f32) -> V {
    // SAFETY: the caller's promise.
    unsafe {
        let sums = V::load(from);
        if INTEGERS == 1 { sums.of_integers() } else { sums }
    }
}

#[cfg(test)]
mod tests {
    #![expect(unsafe_code, reason = "kernels are run by hand")]

    use framegate_cpu::Level;

    use super::*;

    const SCALE: ByteScale = ByteScale { scale: 0.03125, zero: 17.0, low: 3.0, high: 250.0 };

    /// The bytes of a kernel for these sums, with one factor and offset for all.
    fn run(kernel: Kernel, level: Level, sums: &[i32], factor: f32, offset: f32) -> Vec<u8> {
        let sums: Vec<f32> = sums.iter().map(|sum| f32::from_bits(*sum as u32)).collect();
        let factors = [vec![factor; level.lanes()], vec![offset; level.lanes()]].concat();
        let mut bytes = vec![0; sums.len()];
        // SAFETY: the processor has the level; the lengths are those that the kernel is given.
        unsafe {
            kernel(sums.as_ptr(), bytes.as_mut_ptr(), sums.len(), factors.as_ptr(), &SCALE);
        }
        bytes
    }

    fn byte(divided: f64) -> u8 {
        let [zero, low, high] = [SCALE.zero, SCALE.low, SCALE.high].map(f64::from);
        (divided.round_ties_even() + zero).clamp(low, high) as u8
    }

    #[test]
    fn sums_are_rounded_and_bounded() {
        let mut random = fastrand::Rng::with_seed(11);
        for level in Level::available() {
            for vectors in 1..12 {
                let mut sum = || match random.usize(0..4) {
                    0 => random.i32(..),
                    _ => random.i32(-2000..2000),
                };
                let sums: Vec<i32> = (0..vectors * level.lanes()).map(|_| sum()).collect();
                // The second makes numbers that no integer holds.
                for factor in [0.125, 1e6] {
                    let found =
                        run(requantise_version::<1>(level), level, &sums, factor, -2.5 * factor);
                    let divided = |sum: &i32| (f64::from(*sum) - 2.5) * f64::from(factor);
                    let expected: Vec<u8> = sums.iter().map(|sum| byte(divided(sum))).collect();
                    assert_eq!(found, expected, "{level}, {vectors} vectors");
                }
            }
        }
    }

    #[test]
    fn silu_is_rounded_to_the_nearest_step() {
        let mut random = fastrand::Rng::with_seed(12);
        for level in Level::available() {
            for vectors in 1..12 {
                let sums: Vec<i32> =
                    (0..vectors * level.lanes()).map(|_| random.i32(-9000..9000)).collect();
                let found = run(silu_version::<1>(level), level, &sums, 0.001, 0.25);
                for (sum, found) in sums.iter().zip(found) {
                    let x = f64::from(*sum) * 0.001 + 0.25;
                    let divided = x / (1.0 + (-x).exp()) / f64::from(SCALE.scale);
                    let bounds = [byte(divided - 1e-3), byte(divided + 1e-3)];
                    assert!(bounds.contains(&found), "{level}: {found} for {divided}");
                }
            }
        }
    }
}
