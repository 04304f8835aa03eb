//! What happens to a convolution's sums while they are in the first-level cache: an activation, a
//! residual that is added, another activation.
#![expect(unsafe_code, reason = "vector loads and stores go through pointers")]

use framegate_backend_api::graph::Activation;

use crate::vector::{Vector, exponential, logistic, versions};

/// Functions of an element and of its counterpart in a second tensor.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Finish {
    /// Applied first.
    pub(crate) before: Option<Activation>,
    /// Applied after the residual was added; without a residual there is none.
    pub(crate) after: Option<Activation>,
}

/// Whether there is a vector version of a function.
pub(crate) fn is_vectorised(function: Activation) -> bool {
    !matches!(function, Activation::Gelu { approximate: false } | Activation::Softplus)
}

versions!(version = finish(
    elements: *mut f32,
    residual: *const f32,
    len: usize,
    functions: &Finish,
));

/// Finishes `len` elements in place; `residual` is null where nothing is added.
///
/// # Safety
/// The processor has `V`'s instructions. `len` is a multiple of the vector; the pointers are good
/// for that many elements, which do not overlap.
#[inline(always)]
unsafe fn finish<V: Vector>(
    elements: *mut f32,
    residual: *const f32,
    len: usize,
    functions: &Finish,
) {
    // SAFETY: the caller's promise.
    unsafe {
        if residual.is_null() {
            if let Some(function) = functions.before {
                activate::<V>(elements, elements, len, function);
            }
            return;
        }
        match functions.before {
            None => {}
            Some(function) => activate::<V>(elements, elements, len, function),
        }
        for at in (0..len).step_by(V::LANES) {
            let sum = V::load(elements.add(at)).add(V::load(residual.add(at)));
            sum.store(elements.add(at));
        }
        if let Some(function) = functions.after {
            activate::<V>(elements, elements, len, function);
        }
    }
}

/// Writes a function of `len` elements from `from` to `to`, which may be the same.
///
/// # Safety
/// As [`finish`].
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
            Activation::Gelu { .. } => {
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
                    let e = exponential(enough.min(x));
                    let product = e.mul_add(e, e.add(e));
                    x.mul(product.div(product.add(two)))
                })
            }
            Activation::Softplus => unreachable!("softplus has no vector version"),
        }
    }
}

/// `clamp(x, low, high)`; bounds come first, so that what is no number stays none.
///
/// # Safety
/// The processor has `V`'s instructions.
#[inline(always)]
unsafe fn clamp<V: Vector>(x: V, low: V, high: V) -> V {
    // SAFETY: the caller's promise.
    unsafe { high.min(low.max(x)) }
}
