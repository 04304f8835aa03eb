//! Activations in vector instructions.
#![expect(unsafe_code, reason = "vector loads and stores go through pointers")]

use framegate_backend_api::graph::Activation;

use crate::vector::{Vector, complementary_error, exponential, exponential_of_weight, logistic};

/// Whether an activation has a vector version.
pub(crate) fn is_vectorised(function: Activation) -> bool {
    function != Activation::Softplus
}

/// Applies `function` to the `len` elements at `from` and writes the results to `to`, which may be the
/// same.
///
/// # Safety
/// The processor has `V`'s instructions. `len` is a multiple of the vector, and both pointers are good
/// for that many elements.
#[inline(always)]
pub(super) unsafe fn activate<V: Vector>(
    from: *const f32,
    to: *mut f32,
    len: usize,
    function: Activation,
) {
    macro_rules! map {
        (|$x:ident| $body:expr) => {
            for at in (0..len).step_by(V::LANES) {
                let $x = V::load(from.add(at));
                V::store($body, to.add(at));
            }
        };
    }
    // SAFETY: the caller's promise.
    unsafe {
        let (zero, one) = (V::splat(0.0), V::splat(1.0));
        match function {
            Activation::Relu => map!(|x| zero.max(x)),
            Activation::LeakyRelu { slope } => {
                let slope = V::splat(slope);
                map!(|x| x.mul(slope).where_negative(x, x))
            }
            Activation::Sigmoid => map!(|x| logistic(one, x)),
            Activation::Silu => map!(|x| logistic(x, x)),
            Activation::HardSigmoid { alpha, beta } => {
                let (alpha, beta) = (V::splat(alpha), V::splat(beta));
                map!(|x| clamp(x.mul_add(alpha, beta), zero, one))
            }
            Activation::HardSwish => {
                let (sixth, half) = (V::splat(1.0 / 6.0), V::splat(0.5));
                map!(|x| x.mul(clamp(x.mul_add(sixth, half), zero, one)))
            }
            Activation::Clip { min, max } => {
                let (min, max) = (V::splat(min), V::splat(max));
                map!(|x| clamp(x, min, max))
            }
            // 1 − 2 / (1 + exp(2x))
            Activation::Tanh => {
                let two = V::splat(2.0);
                map!(|x| one.sub(two.div(exponential(x.add(x)).add(one))))
            }
            // (1 + tanh(u)) / 2 is sigmoid(2u).
            Activation::Gelu { approximate: false } => {
                let (root, half) = (V::splat(std::f32::consts::FRAC_1_SQRT_2), V::splat(0.5));
                map!(|x| {
                    let z = x.mul(root);
                    let tail = complementary_error(z.max(zero.sub(z))).mul(x.mul(half));
                    tail.where_negative(x, x.sub(tail))
                })
            }
            Activation::Gelu { approximate: true } => {
                let linear = V::splat(2.0 * (2.0 / std::f32::consts::PI).sqrt());
                let cubic = V::splat(2.0 * (2.0 / std::f32::consts::PI).sqrt() * 0.044715);
                map!(|x| {
                    let double_u = x.mul(x.mul(x).mul_add(cubic, linear));
                    logistic(x, double_u)
                })
            }
            Activation::Elu { alpha } => {
                let alpha = V::splat(alpha);
                map!(|x| exponential(x).sub(one).mul(alpha).where_negative(x, x))
            }
            // tanh(ln(1 + e)) is (e² + 2e) / (e² + 2e + 2), and 1 from e = exp(20) on.
            Activation::Mish => {
                let (two, enough) = (V::splat(2.0), V::splat(20.0));
                map!(|x| {
                    let e = exponential_of_weight(enough.min(x));
                    let product = e.mul_add(e, e.add(e));
                    x.mul(product.div(product.add(two)))
                })
            }
            Activation::Quantize { scale, zero, min, max } => {
                let (scale, zero) = (V::splat(scale), V::splat(zero));
                let (min, max) = (V::splat(min), V::splat(max));
                map!(|x| clamp(x.div(scale).round().add(zero), min, max))
            }
            Activation::Dequantize { scale, zero } => {
                let (scale, zero) = (V::splat(scale), V::splat(zero));
                map!(|x| x.sub(zero).mul(scale))
            }
            Activation::Softplus => unreachable!("softplus has no vector version"),
        }
    }
}

/// `x` limited to `low..=high`. The bounds are the first operands, so that a NaN stays a NaN.
///
/// # Safety
/// The processor has `V`'s instructions.
#[inline(always)]
unsafe fn clamp<V: Vector>(x: V, low: V, high: V) -> V {
    // SAFETY: the caller's promise.
    unsafe { high.min(low.max(x)) }
}
