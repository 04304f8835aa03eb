//! Whether a box overlaps one of many others. The loops are plain, and the compiler vectorises them for every
//! level.
#![expect(unsafe_code, reason = "elements are read through pointers")]

use crate::vector::{Vector, versions};

/// Boxes that are compared before the first of them that overlaps ends the search.
const TOGETHER: usize = 32;

/// Boxes by edge: the lower ones along both axes, the upper ones, and areas.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Boxes {
    pub(crate) edges: [*const f32; 5],
    pub(crate) count: usize,
}

versions!(version = overlaps(of: &[f32; 5], boxes: &Boxes, threshold: f32) -> bool);

/// Whether the intersection over union with one of the boxes is above the threshold; it is 0 where a box has
/// no area.
///
/// # Safety
/// The processor has `V`'s instructions, and the pointers are good for `count` elements.
#[inline(always)]
unsafe fn overlaps<V: Vector>(of: &[f32; 5], boxes: &Boxes, threshold: f32) -> bool {
    let Boxes { edges: [lower_a, lower_b, upper_a, upper_b, areas], count } = *boxes;
    let is_hit = |at: usize| {
        // SAFETY: the caller's promise.
        let other = unsafe {
            [*lower_a.add(at), *lower_b.add(at), *upper_a.add(at), *upper_b.add(at), *areas.add(at)]
        };
        let rows = of[2].min(other[2]) - of[0].max(other[0]);
        let columns = of[3].min(other[3]) - of[1].max(other[1]);
        let intersection = rows.max(0.0) * columns.max(0.0);
        let has_none = (intersection <= 0.0) | (of[4] <= 0.0) | (other[4] <= 0.0);
        let ratio = intersection / (of[4] + other[4] - intersection);
        let ratio = if has_none { 0.0 } else { ratio };
        u32::from(ratio > threshold)
    };
    let whole = count / TOGETHER * TOGETHER;
    for first in (0..whole).step_by(TOGETHER) {
        let mut hits = 0;
        for at in first..first + TOGETHER {
            hits |= is_hit(at);
        }
        if hits != 0 {
            return true;
        }
    }
    (whole..count).any(|at| is_hit(at) != 0)
}
