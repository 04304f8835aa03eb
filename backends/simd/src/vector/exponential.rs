//! Exponential and logistic functions of a vector.
#![expect(unsafe_code, reason = "vector instructions exist on some processors only")]

use std::f32::consts::LOG2_E;

use super::Vector;

/// The exponents of two whose powers are neither infinite nor subnormal.
const RANGE: [f32; 2] = [-126.0, 126.0];

/// The exponents of two at which the logistic function and weights of softmax stop that approach 0. Next to numbers around 1
/// these are as good as 0, but their products with what they are multiplied with, such as another gate, are not subnormal
/// numbers, whose arithmetic takes processors a hundred times as long.
const SMALLEST_GATE: f32 = -50.0;
const SMALLEST_WEIGHT: f32 = -100.0;

/// `(2ʳ − 1) / r` for |r| ≤ ½, highest power first. Of all polynomials of this degree it has the
/// smallest maximum relative error in `2ʳ`, 1e-7; found by least squares with weights that grow where
/// the error is large.
#[expect(clippy::approx_constant, reason = "not ln 2, but the best value together with the others")]
const POLYNOMIAL: [f32; 5] =
    [0.001_326_472_7, 0.009_671_513, 0.055_507_336, 0.240_222_42, 0.693_147];

/// `exp(x)`, with a relative error of about 2e-7, plus 6e-8 for each unit that `x` is away from 0.
/// `x` is first clamped to ±87; NaN stays NaN.
///
/// # Safety
/// The processor has `V`'s instructions.
#[inline(always)]
pub(crate) unsafe fn exponential<V: Vector>(x: V) -> V {
    // SAFETY: the caller's promise.
    unsafe { power_of_two(x.mul(V::splat(LOG2_E)), RANGE) }
}

/// As [`exponential`], but at least 2⁻¹⁰⁰: for what is added to numbers around 1.
///
/// # Safety
/// The processor has `V`'s instructions.
#[inline(always)]
pub(crate) unsafe fn exponential_of_weight<V: Vector>(x: V) -> V {
    // SAFETY: the caller's promise.
    unsafe { power_of_two(x.mul(V::splat(LOG2_E)), [SMALLEST_WEIGHT, RANGE[1]]) }
}

/// `numerator / (1 + exp(−x))`: the logistic function for a numerator of 1, SiLU for `x`. The denominator is at most 2⁵⁰.
///
/// # Safety
/// The processor has `V`'s instructions.
#[inline(always)]
pub(crate) unsafe fn logistic<V: Vector>(numerator: V, x: V) -> V {
    // SAFETY: the caller's promise.
    unsafe {
        numerator.div(
            power_of_two(x.mul(V::splat(-LOG2_E)), [RANGE[0], -SMALLEST_GATE]).add(V::splat(1.0)),
        )
    }
}

/// `2ˣ` for `x` clamped to a range within ±126.
///
/// # Safety
/// The processor has `V`'s instructions.
#[inline(always)]
unsafe fn power_of_two<V: Vector>(x: V, [least, most]: [f32; 2]) -> V {
    // SAFETY: the caller's promise.
    unsafe {
        let x = V::splat(most).min(V::splat(least).max(x));
        let n = x.round();
        let r = x.sub(n);
        let mut sum = V::splat(POLYNOMIAL[0]);
        for coefficient in &POLYNOMIAL[1..] {
            sum = sum.mul_add(r, V::splat(*coefficient));
        }
        sum.mul_add(r, V::splat(1.0)).scale_by_power_of_two(n)
    }
}
