//! Layer normalisation of contiguous lines.
#![expect(unsafe_code, reason = "vector loads and stores go through pointers")]

use crate::vector::{LONGEST_VECTOR, Vector, versions};

/// A line, and where its result goes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Line {
    pub(crate) from: *const f32,
    pub(crate) to: *mut f32,
    /// One per element, as of `bias`.
    pub(crate) scale: *const f32,
    pub(crate) bias: *const f32,
    /// Elements in the line.
    pub(crate) extent: usize,
    /// Added to the variance.
    pub(crate) epsilon: f32,
}

versions!(version = line(line: &Line));

/// Gives a line zero mean and unit variance, then scales and shifts it.
///
/// # Safety
/// The processor has `V`'s instructions, the pointers are good for the line, and no other thread writes
/// there.
#[inline(always)]
unsafe fn line<V: Vector>(line: &Line) {
    let Line { from, to, scale, bias, extent, epsilon } = *line;
    let whole = extent / V::LANES * V::LANES;
    // SAFETY: the caller's promise.
    unsafe {
        let mut sum = V::splat(0.0);
        for at in (0..whole).step_by(V::LANES) {
            sum = sum.add(V::load(from.add(at)));
        }
        let mut total = lanes(sum);
        for at in whole..extent {
            total += *from.add(at);
        }
        let mean = total / extent as f32;
        let centre = V::splat(mean);
        let mut sum = V::splat(0.0);
        for at in (0..whole).step_by(V::LANES) {
            let x = V::load(from.add(at)).sub(centre);
            sum = x.mul_add(x, sum);
        }
        let mut total = lanes(sum);
        for at in whole..extent {
            total += (*from.add(at) - mean).powi(2);
        }
        let factor = 1.0 / (total / extent as f32 + epsilon).sqrt();
        let factors = V::splat(factor);
        for at in (0..whole).step_by(V::LANES) {
            let normal = V::load(from.add(at)).sub(centre).mul(factors);
            let y = normal.mul_add(V::load(scale.add(at)), V::load(bias.add(at)));
            y.store(to.add(at));
        }
        for at in whole..extent {
            *to.add(at) = (*from.add(at) - mean) * factor * *scale.add(at) + *bias.add(at);
        }
    }
}

/// The sum of the lanes of a vector.
///
/// # Safety
/// The processor has `V`'s instructions.
#[inline(always)]
unsafe fn lanes<V: Vector>(vector: V) -> f32 {
    let mut lanes = [0.0; LONGEST_VECTOR];
    // SAFETY: the caller's promise; no vector is longer.
    unsafe { vector.store(lanes.as_mut_ptr()) };
    lanes.iter().take(V::LANES).sum()
}
