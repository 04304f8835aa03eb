//! Leaving out boxes that overlap better ones.
#![expect(unsafe_code, reason = "kernels take pointers")]

use framegate_backend_api::graph::NonMaxSuppression;
use framegate_cpu::Level;

use super::Step;
use crate::kernels::overlap::{self, Boxes};
use crate::memory::{Buffers, CELLS, Cell, Slot};

/// Edges and area of a box.
const NUMBERS: usize = 5;

/// See the [module](self).
pub(crate) struct Suppress {
    parameters: NonMaxSuppression,
    /// Boxes and scores.
    sources: [Slot; 2],
    target: Slot,
    /// Images, classes and boxes.
    extents: [usize; 3],
    kernel: unsafe fn(&[f32; NUMBERS], &Boxes, f32) -> bool,
}

impl Suppress {
    /// Of scores of this shape.
    pub(crate) fn new(
        level: Level,
        parameters: NonMaxSuppression,
        extents: [usize; 3],
        sources: [Slot; 2],
        target: Slot,
    ) -> Self {
        Self { parameters, sources, target, extents, kernel: overlap::version(level) }
    }

    /// Cells of one of the columns in scratch memory.
    fn column(&self) -> usize {
        self.extents[2].next_multiple_of(CELLS)
    }

    /// Lower and upper edges of a box, and its area.
    fn edges(&self, numbers: &[f32]) -> [f32; NUMBERS] {
        let [a, b, c, d] = [numbers[0], numbers[1], numbers[2], numbers[3]];
        let [lower_a, lower_b, upper_a, upper_b] = match self.parameters.centred {
            true => [a - c / 2.0, b - d / 2.0, a + c / 2.0, b + d / 2.0],
            false => [a.min(c), b.min(d), a.max(c), b.max(d)],
        };
        [lower_a, lower_b, upper_a, upper_b, (upper_a - lower_a) * (upper_b - lower_b)]
    }
}

impl Step for Suppress {
    fn scratch_cells(&self) -> usize {
        (1 + NUMBERS) * self.column()
    }

    unsafe fn run(&self, _task: usize, buffers: &Buffers, scratch: *mut Cell) {
        let [images, classes, count] = self.extents;
        let NonMaxSuppression { iou_threshold, score_threshold, .. } = self.parameters;
        let most = self.parameters.kept_of(count);
        // SAFETY: the caller's promise: the buffers hold the tensors, and scratch memory what
        // `scratch_cells` says.
        let (boxes, scores, rows, order) = unsafe {
            (
                buffers.slice::<f32>(self.sources[0], images * count * 4),
                buffers.slice::<f32>(self.sources[1], images * classes * count),
                buffers.slice_mut::<i64>(self.target, images * classes * most * 3),
                std::slice::from_raw_parts_mut(scratch.cast::<u32>(), count),
            )
        };
        let edge = |number: usize| scratch.wrapping_add((1 + number) * self.column());
        let kept: [*mut f32; NUMBERS] = std::array::from_fn(edge);
        let mut rows = rows.chunks_exact_mut(3);
        for (image, class) in (0..images).flat_map(|it| (0..classes).map(move |class| (it, class)))
        {
            let boxes = &boxes[image * count * 4..][..count * 4];
            let scores = &scores[(image * classes + class) * count..][..count];
            let mut good = 0;
            for (index, score) in scores.iter().enumerate() {
                if *score > score_threshold {
                    order[good] = index as u32;
                    good += 1;
                }
            }
            let order = &mut order[..good];
            order.sort_unstable_by(|a, b| {
                scores[*b as usize].total_cmp(&scores[*a as usize]).then(a.cmp(b))
            });
            let mut len = 0;
            for index in order.iter() {
                if len == most {
                    break;
                }
                let of = self.edges(&boxes[*index as usize * 4..][..4]);
                let others = Boxes { edges: kept.map(<*mut f32>::cast_const), count: len };
                // SAFETY: the columns hold `len` boxes.
                if unsafe { (self.kernel)(&of, &others, iou_threshold) } {
                    continue;
                }
                for (column, number) in kept.iter().zip(of) {
                    // SAFETY: no more boxes are kept than there are.
                    unsafe { *column.add(len) = number };
                }
                len += 1;
                if let Some(row) = rows.next() {
                    row.copy_from_slice(&[image as i64, class as i64, i64::from(*index)]);
                }
            }
        }
        rows.for_each(|row| row.fill(-1));
    }
}
