//! The part of a map of bytes that some results of a convolution need, as they are or as centred numbers, with the
//! padding written out: what a kernel reads without having to look where it is.
#![expect(unsafe_code, reason = "kernels take pointers")]

use std::ops::Range;

use super::Blocked;
use crate::kernels::centre;
use crate::kernels::window::Axis;

/// See the [module](self). `T` is the type of the numbers.
pub(super) struct Centred<T> {
    pub(super) axes: [Axis; 2],
    pub(super) operand: Blocked,
    /// Blocks whose pixels are side by side in the part, so that loops over channels are longer.
    pub(super) together: usize,
    /// Whether the results of all rows, with strides of 1, are computed as one long row. Neighbouring rows share as much of
    /// their padding as they can then; results that would read the end of a row and the start of the next are left out.
    pub(super) joins_rows: bool,
    /// The byte that stands for 0.
    pub(super) zero: i32,
    /// The number that it becomes, which is in the padding.
    pub(super) padding: T,
    pub(super) kernel: centre::Kernel<T>,
}

impl<T: Copy> Centred<T> {
    /// Rows and columns that this many rows and columns of results need.
    pub(super) fn extents(&self, results: [usize; 2]) -> [usize; 2] {
        [0, 1].map(|it| self.axes[it].reach(results[it]))
    }

    /// The axes of a convolution that reads the part for this many rows and columns of results.
    pub(super) fn inner_axes(&self, results: [usize; 2]) -> [Axis; 2] {
        let [down, across] = self.axes;
        let inner = |axis: Axis, extent, windows| Axis { extent, windows, padding: 0, ..axis };
        if self.joins_rows {
            let windows = (results[0] - 1) * self.pitch(results[1]) + results[1];
            let rows = self.rows(results);
            return [inner(down, rows, 1), inner(across, across.reach(windows), windows)];
        }
        let [rows, columns] = self.extents(results);
        [inner(down, rows, results[0]), inner(across, columns, results[1])]
    }

    /// Pixels from a row of the part for this many columns of results to the next.
    pub(super) fn pitch(&self, results: usize) -> usize {
        let across = &self.axes[1];
        let columns = across.reach(results);
        let right = columns.saturating_sub(across.padding + self.operand.width);
        if self.joins_rows { columns - across.padding.min(right) } else { columns }
    }

    /// Rows of the part that there is room for: where they share padding, the last one's goes on into one more.
    fn rows(&self, results: [usize; 2]) -> usize {
        self.extents(results)[0] + usize::from(self.joins_rows)
    }

    /// Elements of a pixel of the part.
    pub(super) fn pixel(&self) -> usize {
        self.together * self.operand.lanes
    }

    /// The number of elements of the part for this many rows and columns of results, in all blocks.
    pub(super) fn len(&self, results: [usize; 2]) -> usize {
        let pixels = self.rows(results) * self.pitch(results[1]);
        self.operand.blocks().div_ceil(self.together) * pixels * self.pixel()
    }

    /// Writes what the results at these rows and columns need of some blocks, as many at a time as are
    /// together.
    ///
    /// # Safety
    /// `from` is good for the operand, and `to` for the part, which nothing else uses.
    pub(super) unsafe fn write(
        &self,
        from: *const u8,
        blocks: Range<usize>,
        results: [&Range<usize>; 2],
        to: *mut T,
    ) {
        let Self { axes: [down, across], operand, .. } = self;
        let results_len = results.map(Range::len);
        let [rows, columns] = self.extents(results_len);
        let (pitch, room) = (self.pitch(results_len[1]), self.rows(results_len));
        let (top, left) = (down.start(results[0].start), across.start(results[1].start));
        // Columns of the part that are inside the operand.
        let before = (-left).clamp(0, columns as isize) as usize;
        let inside = (operand.width as isize - left).clamp(before as isize, columns as isize);
        let inside = before..inside as usize;
        let pixel = self.pixel();
        let mut line = to;
        for first in blocks.clone().step_by(self.together) {
            let own = first..blocks.end.min(first + self.together);
            for row in 0..rows {
                let y = top + row as isize;
                let is_outside = y < 0 || y >= operand.height as isize || inside.is_empty();
                // SAFETY: the caller's promise; rows and columns outside the operand are not read.
                unsafe {
                    let part = std::slice::from_raw_parts_mut(line, columns * pixel);
                    if is_outside {
                        part.fill(self.padding);
                    } else {
                        part[..inside.start * pixel].fill(self.padding);
                        part[inside.end * pixel..].fill(self.padding);
                        for block in own.clone() {
                            let start = operand.row_start(block * operand.height + y as usize);
                            let x = (left + inside.start as isize) as usize;
                            let source = from.add(start + x * operand.lanes);
                            let at = inside.start * pixel + (block - first) * operand.lanes;
                            (self.kernel)(source, line.add(at), inside.len(), pixel, self.zero);
                        }
                    }
                    line = line.add(pitch * pixel);
                }
            }
            line = line.wrapping_add((room - rows) * pitch * pixel);
        }
    }
}
