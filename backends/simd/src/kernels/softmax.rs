//! Softmax along an axis that is not the innermost: lines side by side, one to a lane.
#![expect(unsafe_code, reason = "vector loads and stores go through pointers")]

use crate::vector::{Vector, exponential, versions};

/// Neighbouring lines.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Lines {
    /// First element of the first line.
    pub(crate) from: *const f32,
    /// Its result.
    pub(crate) to: *mut f32,
    /// Elements in a line.
    pub(crate) extent: usize,
    /// Distance between neighbours in a line.
    pub(crate) stride: usize,
}

versions!(version = lines(lines: &Lines));

/// Computes as many lines as the vector has lanes.
///
/// # Safety
/// The processor has `V`'s instructions, the pointers are good for what the other fields say for
/// that many lines, and no other thread writes there.
#[inline(always)]
unsafe fn lines<V: Vector>(lines: &Lines) {
    let Lines { from, to, extent, stride } = *lines;
    // SAFETY: the caller's promise.
    unsafe {
        // Subtracting the largest changes nothing but keeps the exponentials finite.
        let mut largest = V::splat(f32::NEG_INFINITY);
        for index in 0..extent {
            largest = largest.max(V::load(from.add(index * stride)));
        }
        let mut sum = V::splat(0.0);
        for index in 0..extent {
            let x = exponential(V::load(from.add(index * stride)).sub(largest));
            x.store(to.add(index * stride));
            sum = sum.add(x);
        }
        let share = V::splat(1.0).div(sum);
        for index in 0..extent {
            V::load(to.add(index * stride)).mul(share).store(to.add(index * stride));
        }
    }
}
