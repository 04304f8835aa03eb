//! The complementary error function of a vector.
#![expect(unsafe_code, reason = "vector instructions exist on some processors only")]

use super::{Vector, exponential_of_weight};

/// The coefficients of formula 7.1.26 of M. Abramowitz and I. Stegun, "Handbook of Mathematical Functions",
/// highest power first.
const POLYNOMIAL: [f32; 5] = [1.061_405_4, -1.453_152, 1.421_413_7, -0.284_496_74, 0.254_829_6];

/// Of the same formula.
const SCALE: f32 = 0.327_591_1;

/// `1 − erf(x)` for `x` of at least 0, with an error of at most 2e-7.
///
/// # Safety
/// The processor has `V`'s instructions.
#[inline(always)]
pub(crate) unsafe fn complementary_error<V: Vector>(x: V) -> V {
    // SAFETY: the caller's promise.
    unsafe {
        let one = V::splat(1.0);
        let t = one.div(x.mul_add(V::splat(SCALE), one));
        let mut sum = V::splat(POLYNOMIAL[0]);
        for coefficient in &POLYNOMIAL[1..] {
            sum = sum.mul_add(t, V::splat(*coefficient));
        }
        sum.mul(t).mul(exponential_of_weight(V::splat(0.0).sub(x.mul(x))))
    }
}
