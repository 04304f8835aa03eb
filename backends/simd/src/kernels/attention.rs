//! The exponentials of a row of scores, between the two products of attention.
#![expect(unsafe_code, reason = "vector loads and stores go through pointers")]

use crate::vector::{LONGEST_VECTOR, Vector, exponential_of_weight, versions};

versions!(exponentials_version = exponentials(scores: *mut f32, len: usize) -> f32);

/// Replaces `len` scores by the exponentials of their differences from the largest, and returns the sum.
///
/// # Safety
/// The processor has `V`'s instructions; `scores` is good for `len` elements that nothing else touches.
#[inline(always)]
unsafe fn exponentials<V: Vector>(scores: *mut f32, len: usize) -> f32 {
    let whole = len / V::LANES * V::LANES;
    let rest = len - whole;
    // The lanes that the last vector lacks contribute nothing.
    let mut last = [f32::NEG_INFINITY; LONGEST_VECTOR];
    // SAFETY: the caller's promise; the rest is shorter than a vector.
    unsafe {
        last.as_mut_ptr().copy_from_nonoverlapping(scores.add(whole), rest);
        let mut largest = V::load(last.as_ptr());
        for at in (0..whole).step_by(V::LANES) {
            largest = largest.max(V::load(scores.add(at)));
        }
        let mut lanes = [f32::NEG_INFINITY; LONGEST_VECTOR];
        largest.store(lanes.as_mut_ptr());
        let larger = |a: f32, b: f32| if a.is_nan() || a > b { a } else { b };
        let largest = V::splat(lanes.into_iter().fold(f32::NEG_INFINITY, larger));
        let mut sum = V::splat(0.0);
        for at in (0..whole).step_by(V::LANES) {
            let x = exponential_of_weight(V::load(scores.add(at)).sub(largest));
            x.store(scores.add(at));
            sum = sum.add(x);
        }
        exponential_of_weight(V::load(last.as_ptr()).sub(largest)).store(last.as_mut_ptr());
        scores.add(whole).copy_from_nonoverlapping(last.as_ptr(), rest);
        let mut lanes = [0.0; LONGEST_VECTOR];
        sum.store(lanes.as_mut_ptr());
        lanes.iter().take(V::LANES).chain(last.iter().take(rest)).sum()
    }
}
