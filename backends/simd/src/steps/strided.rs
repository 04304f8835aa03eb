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
}

/// See the [module](self).
pub(crate) struct StridedCopy {
    source: Slot,
    target: Slot,
    /// The first element.
    start: usize,
    /// All axes except the innermost.
    outer: Vec<StridedAxis>,
    inner: StridedAxis,
    tasks: usize,
}

impl StridedCopy {
    /// A copy of at most [`MOST_AXES`] axes, from element `start` of the operand on.
    pub(crate) fn new(
        threads: usize,
        start: usize,
        axes: &[StridedAxis],
        [source, target]: [Slot; 2],
    ) -> Self {
        let mut outer = joined(axes);
        let inner = outer.pop().unwrap_or(StridedAxis { extent: 1, stride: 1 });
        let lines: usize = outer.iter().map(|axis| axis.extent).product();
        let tasks = worthwhile_tasks(WORK * lines * inner.extent, threads).min(lines).max(1);
        Self { source, target, start, outer, inner, tasks }
    }
}

/// Joins neighbouring axes that are walked as one, and drops those of one element.
fn joined(axes: &[StridedAxis]) -> Vec<StridedAxis> {
    let mut joined: Vec<StridedAxis> = Vec::new();
    for axis in axes.iter().filter(|axis| axis.extent != 1) {
        match joined.last_mut() {
            Some(last) if last.stride == axis.stride * axis.extent as isize => {
                *last = StridedAxis { extent: last.extent * axis.extent, stride: axis.stride };
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
        let Self { outer, inner, .. } = self;
        let lines: usize = outer.iter().map(|axis| axis.extent).product();
        let own = part(lines, 1, task, self.tasks);
        // The position of the next line, along each axis and in the operand.
        let mut position = [0; MOST_AXES];
        let (mut rest, mut at) = (own.start, self.start as isize);
        for (position, axis) in position.iter_mut().zip(outer).rev() {
            *position = rest % axis.extent;
            rest /= axis.extent;
            at += *position as isize * axis.stride;
        }
        for line in own {
            // SAFETY: the caller's promise: the buffers hold all elements.
            unsafe {
                let from = buffers.pointer(self.source).offset(at).cast_const();
                let to = buffers.pointer(self.target).add(line * inner.extent);
                copy_line(from, *inner, to);
            }
            for (position, axis) in position.iter_mut().zip(outer).rev() {
                *position += 1;
                at += axis.stride;
                if *position < axis.extent {
                    break;
                }
                at -= axis.extent as isize * axis.stride;
                *position = 0;
            }
        }
    }
}

/// # Safety
/// `from` is good for the elements of the axis, `to` for as many contiguous ones that nothing else
/// writes.
unsafe fn copy_line(from: *const f32, axis: StridedAxis, to: *mut f32) {
    // SAFETY: the caller's promise.
    unsafe {
        if axis.stride == 1 {
            return std::ptr::copy_nonoverlapping(from, to, axis.extent);
        }
        for index in 0..axis.extent {
            *to.add(index) = *from.offset(index as isize * axis.stride);
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
                .map(|(extent, stride)| StridedAxis { extent: *extent, stride: *stride })
                .collect()
        };
        assert_eq!(joined(&axes(&[(1, 60), (3, 20), (4, 5), (5, 1)])), axes(&[(60, 1)]));
        assert_eq!(joined(&axes(&[(5, 1), (3, 20), (4, 5)])), axes(&[(5, 1), (12, 5)]));
        assert_eq!(joined(&axes(&[(3, -1)])), axes(&[(3, -1)]));
    }
}
