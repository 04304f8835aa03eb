//! Functions of elements, and of pairs of elements, of tensors in the same layout.
#![expect(unsafe_code, reason = "vector loads and stores go through pointers")]

use framegate_backend_api::graph::{Activation, Binary};

use super::activation;
use crate::vector::{Vector, versions};

/// Whether a binary function has a vector version.
pub(crate) fn is_vectorised(function: Binary) -> bool {
    matches!(function, Binary::Add | Binary::Sub | Binary::Mul | Binary::Max | Binary::Min)
}

versions!(binary_version = binary(
    a: *const f32,
    b: *const f32,
    to: *mut f32,
    len: usize,
    function: Binary,
));
versions!(repeated_version = repeated(
    a: *const f32,
    b: *const f32,
    to: *mut f32,
    len: usize,
    function: Binary,
));

/// # Safety
/// The processor has `V`'s instructions; `len` is a multiple of the vector, and the pointers are
/// good for that many elements, of which those written overlap no others.
#[inline(always)]
unsafe fn binary<V: Vector>(
    a: *const f32,
    b: *const f32,
    to: *mut f32,
    len: usize,
    function: Binary,
) {
    // SAFETY: the caller's promise.
    unsafe { pairs::<V, false>(a, b, to, len, function) }
}

/// As [`binary`], but all elements are combined with the same vector `b`.
///
/// # Safety
/// As [`binary`], except that `b` is good for one vector.
#[inline(always)]
unsafe fn repeated<V: Vector>(
    a: *const f32,
    b: *const f32,
    to: *mut f32,
    len: usize,
    function: Binary,
) {
    // SAFETY: the caller's promise.
    unsafe { pairs::<V, true>(a, b, to, len, function) }
}

/// # Safety
/// As [`binary`], or as [`repeated`] if `REPEATED`.
#[inline(always)]
unsafe fn pairs<V: Vector, const REPEATED: bool>(
    a: *const f32,
    b: *const f32,
    to: *mut f32,
    len: usize,
    function: Binary,
) {
    macro_rules! map {
        (|$a:ident, $b:ident| $body:expr) => {
            for at in (0..len).step_by(V::LANES) {
                let ($a, $b) = (V::load(a.add(at)), V::load(b.add(if REPEATED { 0 } else { at })));
                V::store($body, to.add(at));
            }
        };
    }
    // SAFETY: the caller's promise.
    unsafe {
        match function {
            Binary::Add => map!(|a, b| a.add(b)),
            Binary::Sub => map!(|a, b| a.sub(b)),
            Binary::Mul => map!(|a, b| a.mul(b)),
            // A NaN in `a` stays one.
            Binary::Max => map!(|a, b| b.max(a)),
            Binary::Min => map!(|a, b| b.min(a)),
            _ => unreachable!("{function:?} has no vector version"),
        }
    }
}

versions!(activation_version = activate(
    from: *const f32,
    to: *mut f32,
    len: usize,
    function: Activation,
));

/// # Safety
/// As [`binary`].
#[inline(always)]
unsafe fn activate<V: Vector>(from: *const f32, to: *mut f32, len: usize, function: Activation) {
    // SAFETY: the caller's promise.
    unsafe { activation::activate::<V>(from, to, len, function) }
}

#[cfg(test)]
mod tests {
    #![expect(unsafe_code, reason = "kernels are run by hand")]

    use framegate_cpu::Level;

    use super::*;

    /// Processors take a hundred times as long for subnormal numbers.
    #[test]
    fn no_gate_makes_numbers_subnormal() {
        let functions = [
            Activation::Sigmoid,
            Activation::Silu,
            Activation::Gelu { approximate: false },
            Activation::Gelu { approximate: true },
            Activation::Mish,
        ];
        for level in Level::available() {
            for (function, x) in functions.into_iter().flat_map(|it| [(it, -60.0), (it, -1e4)]) {
                let mut numbers = vec![x; level.lanes()];
                // SAFETY: the processor has the level, and the vector is as long as a register.
                unsafe {
                    let at = numbers.as_mut_ptr();
                    activation_version(level)(at, at, numbers.len(), function);
                }
                // As it is, and behind another gate and a weight.
                let weighted = numbers[0] * numbers[0].abs() * 1e-3;
                let is_fine = |x: f32| x == 0.0 || x.is_normal();
                let gates = matches!(function, Activation::Sigmoid | Activation::Silu);
                assert!(
                    is_fine(numbers[0]) && (!gates || is_fine(weighted)),
                    "{level}, {function:?}"
                );
                assert!(numbers[0].abs() < 1e-10, "{level}, {function:?}: {}", numbers[0]);
            }
        }
    }
}
