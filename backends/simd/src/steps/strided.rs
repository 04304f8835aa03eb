//! Copies from a row-major tensor with a stride along each axis: transposes and slices.
#![expect(unsafe_code, reason = "elements are moved through pointers")]

use super::{Step, part, worthwhile_tasks};
use crate::memory::{Buffers, Cell, Slot};

/// Cost per element, in multiply-adds.
const WORK: usize = 64;

/// The most axes of a tensor.
pub(crate) const MOST_AXES: usize = 8;

/// An axis of the result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct StridedAxis {
    pub(crate) extent: usize,
    /// Elements of the operand between neighbours of the result.
    pub(crate) stride: isize,
    /// Elements of the target between them.
    pub(crate) to: isize,
}

/// The side of the squares in which planes are transposed.
const SIDE: usize = 8;

/// See the [module](self).
pub(crate) struct StridedCopy {
    source: Slot,
    target: Slot,
    /// The first element, in the operand and in the target.
    starts: [usize; 2],
    /// All axes except the two innermost.
    outer: Vec<StridedAxis>,
    middle: StridedAxis,
    inner: StridedAxis,
    tasks: usize,
    /// Into how many parts the middle axis is cut.
    parts: usize,
}

impl StridedCopy {
    /// A copy of at most [`MOST_AXES`] axes, from and to these elements on.
    pub(crate) fn new(
        threads: usize,
        starts: [usize; 2],
        axes: &[StridedAxis],
        [source, target]: [Slot; 2],
    ) -> Self {
        let one = StridedAxis { extent: 1, stride: 1, to: 1 };
        let mut outer = joined(axes);
        let inner = outer.pop().unwrap_or(one);
        let middle = outer.pop().unwrap_or(one);
        let planes: usize = outer.iter().map(|axis| axis.extent).product();
        let wanted = worthwhile_tasks(WORK * planes * middle.extent * inner.extent, threads);
        let most = middle.extent.div_ceil(SIDE).max(1);
        let parts = wanted.div_ceil(planes.max(1)).clamp(1, most);
        let tasks = wanted.min(planes * parts).max(1);
        Self { source, target, starts, outer, middle, inner, tasks, parts }
    }
}

/// Joins neighbouring axes that are walked as one on both sides, and drops those of one element.
fn joined(axes: &[StridedAxis]) -> Vec<StridedAxis> {
    let mut joined: Vec<StridedAxis> = Vec::new();
    for axis in axes.iter().filter(|axis| axis.extent != 1) {
        let extent = axis.extent as isize;
        match joined.last_mut() {
            Some(last) if last.stride == axis.stride * extent && last.to == axis.to * extent => {
                *last = StridedAxis { extent: last.extent * axis.extent, ..*axis };
            }
            _ => joined.push(*axis),
        }
    }
    joined
}

impl Step for StridedCopy {
    fn tasks(&self) -> usize {
        self.tasks
    }

    unsafe fn run(&self, task: usize, buffers: &Buffers, _scratch: *mut Cell) {
        let Self { outer, middle, inner, parts, .. } = self;
        let planes: usize = outer.iter().map(|axis| axis.extent).product();
        for unit in part(planes * parts, 1, task, self.tasks) {
            let mut rest = unit / parts;
            let own = part(middle.extent, SIDE, unit % parts, *parts);
            let mut from = self.starts[0] as isize + own.start as isize * middle.stride;
            let mut to = self.starts[1] as isize + own.start as isize * middle.to;
            for axis in outer.iter().rev() {
                let position = (rest % axis.extent) as isize;
                rest /= axis.extent;
                from += position * axis.stride;
                to += position * axis.to;
            }
            let middle = StridedAxis { extent: own.len(), ..*middle };
            // SAFETY: the caller's promise: the buffers hold all elements.
            unsafe {
                let from = buffers.pointer(self.source).offset(from).cast_const();
                copy_plane(from, buffers.pointer(self.target).offset(to), [middle, *inner]);
            }
        }
    }
}

/// # Safety
/// `from` is good for the elements of the axes, and so is `to`, where nothing else writes.
unsafe fn copy_plane(from: *const f32, to: *mut f32, [middle, inner]: [StridedAxis; 2]) {
    // SAFETY: the caller's promise.
    unsafe {
        if inner.stride != 1 && middle.stride == 1 {
            // In squares, so that what is read and what is written stay in the cache.
            for row in (0..middle.extent).step_by(SIDE) {
                for column in (0..inner.extent).step_by(SIDE) {
                    let from = from.offset(row as isize + column as isize * inner.stride);
                    let to = to.offset(row as isize * middle.to + column as isize * inner.to);
                    let rows = SIDE.min(middle.extent - row);
                    let columns = SIDE.min(inner.extent - column);
                    let middle = StridedAxis { extent: rows, ..middle };
                    let inner = StridedAxis { extent: columns, ..inner };
                    copy_lines(from, to, [middle, inner]);
                }
            }
            return;
        }
        copy_lines(from, to, [middle, inner]);
    }
}

/// # Safety
/// As [`copy_plane`].
unsafe fn copy_lines(from: *const f32, to: *mut f32, [middle, inner]: [StridedAxis; 2]) {
    for row in 0..middle.extent as isize {
        // SAFETY: the caller's promise.
        unsafe {
            let (from, to) = (from.offset(row * middle.stride), to.offset(row * middle.to));
            if inner.stride == 1 && inner.to == 1 {
                std::ptr::copy_nonoverlapping(from, to, inner.extent);
                continue;
            }
            for index in 0..inner.extent as isize {
                *to.offset(index * inner.to) = *from.offset(index * inner.stride);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_that_are_walked_as_one_are_joined() {
        let axes = |all: &[(usize, isize)]| -> Vec<StridedAxis> {
            all.iter()
                .map(|(extent, stride)| StridedAxis { extent: *extent, stride: *stride, to: 0 })
                .collect()
        };
        // Packed on the other side.
        let packed = |axes: Vec<StridedAxis>| -> Vec<StridedAxis> {
            let mut to = 1;
            let own = axes.into_iter().rev().map(|axis| {
                let own = StridedAxis { to, ..axis };
                to *= axis.extent as isize;
                own
            });
            let mut axes: Vec<_> = own.collect();
            axes.reverse();
            axes
        };
        let axes = |all| packed(axes(all));
        assert_eq!(joined(&axes(&[(1, 60), (3, 20), (4, 5), (5, 1)])), axes(&[(60, 1)]));
        assert_eq!(joined(&axes(&[(5, 1), (3, 20), (4, 5)])), axes(&[(5, 1), (12, 5)]));
        assert_eq!(joined(&axes(&[(3, -1)])), axes(&[(3, -1)]));
    }
}
