//! Reductions: of contiguous lines, and of neighbouring lines side by side. The loops are plain, and the
//! compiler vectorises them for every level.
#![expect(unsafe_code, reason = "elements are read and written through pointers")]

use framegate_backend_api::graph::Reduction;

use crate::vector::{Vector, versions};

/// Sums that are kept apart, so that they are one or more vectors.
const APART: usize = 32;

/// Lines `[count][extent][inner]` that are reduced to `[count][inner]`. Several only where `inner` is 1.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Lines {
    pub(crate) from: *const f32,
    pub(crate) to: *mut f32,
    pub(crate) count: usize,
    pub(crate) extent: usize,
    /// Elements from one to the next in a line.
    pub(crate) stride: usize,
    /// Lines side by side.
    pub(crate) inner: usize,
}

versions!(version = reduce(lines: &Lines, reduction: Reduction));

/// # Safety
/// The processor has `V`'s instructions, and the pointers are good for what the other fields say; the
/// results overlap no operand.
#[inline(always)]
unsafe fn reduce<V: Vector>(lines: &Lines, reduction: Reduction) {
    // SAFETY: the caller's promise.
    unsafe {
        match reduction {
            Reduction::Sum => fold(lines, 0.0, |sum, x| sum + x, |sum| sum),
            Reduction::Mean => {
                let scale = 1.0 / lines.extent as f32;
                fold(lines, 0.0, |sum, x| sum + x, |sum| sum * scale);
            }
            // A NaN stays: nothing is larger, and it is replaced by nothing but another.
            Reduction::Max => {
                let larger = |best: f32, x: f32| if x > best || x.is_nan() { x } else { best };
                fold(lines, f32::NEG_INFINITY, larger, |best| best);
            }
            Reduction::Min => {
                let smaller = |best: f32, x: f32| if x < best || x.is_nan() { x } else { best };
                fold(lines, f32::INFINITY, smaller, |best| best);
            }
            Reduction::Product => fold(lines, 1.0, |product, x| product * x, |product| product),
        }
    }
}

/// # Safety
/// As [`reduce`].
#[inline(always)]
unsafe fn fold(
    lines: &Lines,
    start: f32,
    combine: impl Fn(f32, f32) -> f32,
    finish: impl Fn(f32) -> f32,
) {
    let Lines { from, to, count, extent, stride, inner } = *lines;
    // SAFETY: the caller's promise.
    unsafe {
        if inner == 1 && stride == 1 {
            match extent {
                2 => return fold_short::<2>(lines, start, combine, finish),
                3 => return fold_short::<3>(lines, start, combine, finish),
                4 => return fold_short::<4>(lines, start, combine, finish),
                _ => {}
            }
            for line in 0..count {
                let to = to.add(line);
                fold_line(from.add(line * extent), to, extent, start, &combine, &finish);
            }
            return;
        }
        let whole = inner / APART * APART;
        for first in (0..whole).step_by(APART) {
            let mut apart = [start; APART];
            for index in 0..extent {
                let line = from.add(index * stride + first);
                for (lane, apart) in apart.iter_mut().enumerate() {
                    *apart = combine(*apart, *line.add(lane));
                }
            }
            for (lane, apart) in apart.into_iter().enumerate() {
                *to.add(first + lane) = finish(apart);
            }
        }
        for at in whole..inner {
            let all =
                (0..extent).fold(start, |all, index| combine(all, *from.add(index * stride + at)));
            *to.add(at) = finish(all);
        }
    }
}

/// Reduces a contiguous line.
///
/// # Safety
/// As [`reduce`].
#[inline(always)]
unsafe fn fold_line(
    from: *const f32,
    to: *mut f32,
    extent: usize,
    start: f32,
    combine: &impl Fn(f32, f32) -> f32,
    finish: &impl Fn(f32) -> f32,
) {
    let whole = extent / APART * APART;
    let mut apart = [start; APART];
    // SAFETY: the caller's promise.
    unsafe {
        for first in (0..whole).step_by(APART) {
            for (lane, apart) in apart.iter_mut().enumerate() {
                *apart = combine(*apart, *from.add(first + lane));
            }
        }
        let rest = (whole..extent).fold(start, |all, at| combine(all, *from.add(at)));
        *to = finish(apart.into_iter().fold(rest, combine));
    }
}

/// Reduces contiguous lines of a few elements, where a vector is best made of several lines.
///
/// # Safety
/// As [`reduce`].
#[inline(always)]
unsafe fn fold_short<const EXTENT: usize>(
    lines: &Lines,
    start: f32,
    combine: impl Fn(f32, f32) -> f32,
    finish: impl Fn(f32) -> f32,
) {
    for line in 0..lines.count {
        // SAFETY: the caller's promise.
        unsafe {
            let elements = lines.from.add(line * EXTENT).cast::<[f32; EXTENT]>().read_unaligned();
            *lines.to.add(line) = finish(elements.into_iter().fold(start, &combine));
        }
    }
}
