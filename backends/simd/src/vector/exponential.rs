//! The exponential function of a vector.
#![expect(unsafe_code, reason = "vector instructions exist on some processors only")]

use super::Vector;

/// Where `exp` is neither infinite nor subnormal.
const RANGE: [f32; 2] = [-87.0, 88.0];

/// ln 2 in two parts: multiples of the first below 2⁸ are exact.
const LN_2: [f32; 2] = [0.693_359_4, -2.121_944_4e-4];

/// `(exp(r) − 1 − r) / r²` for |r| ≤ ln 2 / 2, highest power first: the Taylor series with its last
/// terms bent to the least greatest error, as in Cephes' `expf`
/// (<https://www.netlib.org/cephes/>).
const POLYNOMIAL: [f32; 6] =
    [1.987_569_1e-4, 1.398_199_9e-3, 8.333_452e-3, 4.166_579_6e-2, 1.666_666_5e-1, 0.5];

/// `exp(x)` to about two units in the last place; `x` is first clamped to −87 to 88. What is no
/// number stays none.
///
/// # Safety
/// The processor has `V`'s instructions.
#[inline(always)]
pub(crate) unsafe fn exponential<V: Vector>(x: V) -> V {
    // SAFETY: the caller's promise.
    unsafe {
        // exp(x) = 2ⁿ · exp(r) with x = n · ln 2 + r.
        let x = V::splat(RANGE[1]).min(V::splat(RANGE[0]).max(x));
        let n = x.mul(V::splat(std::f32::consts::LOG2_E)).round();
        let r = n.mul_add(V::splat(-LN_2[1]), n.mul_add(V::splat(-LN_2[0]), x));
        let mut sum = V::splat(POLYNOMIAL[0]);
        for coefficient in &POLYNOMIAL[1..] {
            sum = sum.mul_add(r, V::splat(*coefficient));
        }
        let exp_r = sum.mul_add(r.mul(r), r.add(V::splat(1.0)));
        exp_r.scale_by_power_of_two(n)
    }
}
