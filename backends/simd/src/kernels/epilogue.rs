//! What is applied to a convolution's sums while they are in the first-level cache: an activation, a
//! residual, another activation.
#![expect(unsafe_code, reason = "vector loads and stores go through pointers")]

use framegate_backend_api::graph::Activation;

use super::activation::activate;
use crate::vector::{Vector, versions};

/// The activations around the residual, each of which may be absent.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Epilogue {
    pub(crate) before_residual: Option<Activation>,
    /// Always absent where there is no residual.
    pub(crate) after_residual: Option<Activation>,
}

versions!(version = apply(
    elements: *mut f32,
    residual: *const f32,
    len: usize,
    epilogue: &Epilogue,
));

/// Applies the epilogue to `len` elements in place. A null `residual` means that nothing is added.
///
/// # Safety
/// The processor has `V`'s instructions. `len` is a multiple of the vector; the pointers are good
/// for that many elements, which do not overlap.
#[inline(always)]
unsafe fn apply<V: Vector>(
    elements: *mut f32,
    residual: *const f32,
    len: usize,
    epilogue: &Epilogue,
) {
    // SAFETY: the caller's promise.
    unsafe {
        if residual.is_null() {
            if let Some(function) = epilogue.before_residual {
                activate::<V>(elements, elements, len, function);
            }
            return;
        }
        match epilogue.before_residual {
            None => {}
            Some(function) => activate::<V>(elements, elements, len, function),
        }
        for at in (0..len).step_by(V::LANES) {
            let sum = V::load(elements.add(at)).add(V::load(residual.add(at)));
            sum.store(elements.add(at));
        }
        if let Some(function) = epilogue.after_residual {
            activate::<V>(elements, elements, len, function);
        }
    }
}
