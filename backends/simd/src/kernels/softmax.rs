//! Softmax of row-major lines: of neighbouring lines, one per lane, where the axis is not the
//! innermost, and otherwise of one line after another.
#![expect(unsafe_code, reason = "vector loads and stores go through pointers")]

use crate::vector::{LONGEST_VECTOR, Vector, exponential_of_weight, versions};

/// Lines, and where their results go.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Lines {
    /// First element of the first line.
    pub(crate) from: *const f32,
    /// Its first result.
    pub(crate) to: *mut f32,
    /// Elements in a line.
    pub(crate) extent: usize,
    /// Distance between neighbours in a line. Contiguous lines do not use it.
    pub(crate) stride: usize,
}

versions!(side_by_side_version = side_by_side(lines: &Lines));
versions!(line_version = line(lines: &Lines));

/// Computes as many neighbouring lines as the vector has lanes.
///
/// # Safety
/// The processor has `V`'s instructions, the pointers are good for what the other fields say for
/// that many lines, and no other thread writes there.
#[inline(always)]
unsafe fn side_by_side<V: Vector>(lines: &Lines) {
    let Lines { from, to, extent, stride } = *lines;
    // SAFETY: the caller's promise.
    unsafe {
        // Subtracting the largest does not change the result, and keeps the exponentials finite.
        let mut largest = V::splat(f32::NEG_INFINITY);
        for index in 0..extent {
            largest = largest.max(V::load(from.add(index * stride)));
        }
        let mut sum = V::splat(0.0);
        for index in 0..extent {
            let x = exponential_of_weight(V::load(from.add(index * stride)).sub(largest));
            x.store(to.add(index * stride));
            sum = sum.add(x);
        }
        let scale = V::splat(1.0).div(sum);
        for index in 0..extent {
            V::load(to.add(index * stride)).mul(scale).store(to.add(index * stride));
        }
    }
}

/// Computes one contiguous line.
///
/// # Safety
/// The processor has `V`'s instructions, the pointers are good for the line, and no other thread
/// writes there.
#[inline(always)]
unsafe fn line<V: Vector>(lines: &Lines) {
    let Lines { from, to, extent, .. } = *lines;
    let whole = extent / V::LANES * V::LANES;
    let rest = extent - whole;
    // The lanes that the last vector lacks contribute nothing.
    let mut last = [f32::NEG_INFINITY; LONGEST_VECTOR];
    // SAFETY: the caller's promise; the rest is shorter than a vector.
    unsafe {
        from.add(whole).copy_to_nonoverlapping(last.as_mut_ptr(), rest);
        let mut largest = V::load(last.as_ptr());
        for at in (0..whole).step_by(V::LANES) {
            largest = largest.max(V::load(from.add(at)));
        }
        let largest = V::splat(lanes(largest).into_iter().fold(f32::NEG_INFINITY, larger));
        let mut sum = V::splat(0.0);
        for at in (0..whole).step_by(V::LANES) {
            let x = exponential_of_weight(V::load(from.add(at)).sub(largest));
            x.store(to.add(at));
            sum = sum.add(x);
        }
        exponential_of_weight(V::load(last.as_ptr()).sub(largest)).store(last.as_mut_ptr());
        let sum = lanes(sum).into_iter().chain(last.into_iter().take(rest)).sum();
        let scale = V::splat(1.0).div(V::splat(sum));
        for at in (0..whole).step_by(V::LANES) {
            V::load(to.add(at)).mul(scale).store(to.add(at));
        }
        V::load(last.as_ptr()).mul(scale).store(last.as_mut_ptr());
        to.add(whole).copy_from_nonoverlapping(last.as_ptr(), rest);
    }
}

/// The larger number, or NaN if `a` is NaN.
fn larger(a: f32, b: f32) -> f32 {
    if a.is_nan() || a > b { a } else { b }
}

/// The lanes of a vector.
///
/// # Safety
/// The processor has `V`'s instructions.
#[inline(always)]
unsafe fn lanes<V: Vector>(vector: V) -> impl IntoIterator<Item = f32> {
    let mut lanes = [0.0; LONGEST_VECTOR];
    // SAFETY: the caller's promise; no vector is longer.
    unsafe { vector.store(lanes.as_mut_ptr()) };
    lanes.into_iter().take(V::LANES)
}

#[cfg(test)]
mod tests {
    use framegate_cpu::Level;

    use super::*;

    /// Masked scores have weights next to 0, but not subnormal ones, with which processors take a hundred times as
    /// long.
    #[test]
    fn weights_of_what_is_masked_are_not_subnormal() {
        for level in Level::available() {
            let scores: Vec<f32> =
                (0..40).map(|it| if it % 2 == 0 { 3.0 } else { -100.0 }).collect();
            let mut weights = vec![0.0; scores.len()];
            let lines = Lines {
                from: scores.as_ptr(),
                to: weights.as_mut_ptr(),
                extent: scores.len(),
                stride: 1,
            };
            // SAFETY: the processor has the level, and both vectors hold a line.
            unsafe { line_version(level)(&lines) };
            for pair in weights.chunks_exact(2) {
                assert!((pair[0] - 0.05).abs() < 1e-6, "{level}: {}", pair[0]);
                assert!(pair[1] < 1e-20 && (pair[1] * 1e-3).is_normal(), "{level}: {}", pair[1]);
            }
        }
    }
}
