//! Recognises activations that make bytes.

use framegate_backend_api::graph::Activation;

use crate::kernels::activation::is_vectorised;
use crate::kernels::quantise::ByteScale;

/// How an activation makes bytes, and the number that a byte of 0 is, if it makes any.
pub(super) fn byte_scale(activation: Activation) -> Option<(ByteScale, f32)> {
    let Activation::Quantize { scale, zero, min, max } = activation else { return None };
    let is_byte = |x: f32| x.fract() == 0.0 && (0.0..=255.0).contains(&x);
    // Far from where a division by it would overflow.
    let is_ordinary = (1e-30..1e30).contains(&scale);
    let fits =
        is_ordinary && is_byte(max - min) && is_byte(zero - min) && is_vectorised(activation);
    fits.then_some((ByteScale { scale, zero: zero - min, low: 0.0, high: max - min }, min))
}
