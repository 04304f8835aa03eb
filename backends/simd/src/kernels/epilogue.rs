//! What is applied to a convolution's sums while they are in the first-level cache: an activation, a
//! residual, another activation.
#![expect(unsafe_code, reason = "vector loads and stores go through pointers")]

use framegate_backend_api::graph::Activation;

use super::activation::activate;
use crate::vector::{LONGEST_VECTOR, Vector, versions};

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

versions!(lines_version = lines(
    elements: *mut f32,
    residual: *const f32,
    len: usize,
    rows_and_strides: [usize; 3],
    epilogue: &Epilogue,
));

/// Applies the epilogue to a number of rows of `len` elements each, of any length: after the number of
/// rows come the distances between them, in the elements and in the residual.
///
/// # Safety
/// As [`apply`], except for the length.
#[inline(always)]
unsafe fn lines<V: Vector>(
    elements: *mut f32,
    residual: *const f32,
    len: usize,
    [rows, stride, residual_stride]: [usize; 3],
    epilogue: &Epilogue,
) {
    let whole = len / V::LANES * V::LANES;
    let rest = len - whole;
    for row in 0..rows {
        // SAFETY: the caller's promise; the rest is shorter than a vector.
        unsafe {
            let line = elements.add(row * stride);
            let other = match residual.is_null() {
                true => residual,
                false => residual.add(row * residual_stride),
            };
            apply::<V>(line, other, whole, epilogue);
            if rest == 0 {
                continue;
            }
            let mut last = [0.0; LONGEST_VECTOR];
            let mut last_other = [0.0; LONGEST_VECTOR];
            last.as_mut_ptr().copy_from_nonoverlapping(line.add(whole), rest);
            let mut last_residual = residual;
            if !residual.is_null() {
                last_other.as_mut_ptr().copy_from_nonoverlapping(other.add(whole), rest);
                last_residual = last_other.as_ptr();
            }
            apply::<V>(last.as_mut_ptr(), last_residual, V::LANES, epilogue);
            line.add(whole).copy_from_nonoverlapping(last.as_ptr(), rest);
        }
    }
}
