//! Attention: for each row of queries, the sum of the rows of values, weighted by the softmax of the products
//! with all keys. A strip of rows is computed at a time, so that the square of all products is never stored.
#![expect(unsafe_code, reason = "kernels take pointers")]

use std::ops::Range;

use framegate_cpu::Level;

use super::panels::{Panels, RowsTimesPanels};
use super::{Step, part, worthwhile_tasks};
use crate::kernels::attention::exponentials_version;
use crate::kernels::matmul::{ROW_GRAIN, StridedMatrix};
use crate::memory::{Buffers, CELLS, Cell, Slot};

/// The most scores of a strip: half of a second-level cache.
const MOST_SCORES: usize = 1 << 16;

/// Cost of a score, in multiply-adds, besides the products.
const WORK: usize = 32;

/// Matrices of one size in a buffer: where each starts, and the distances between rows and columns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stack {
    pub(crate) slot: Slot,
    pub(crate) starts: Vec<usize>,
    pub(crate) row: isize,
    pub(crate) column: isize,
}

impl Stack {
    /// The elements of a matrix from a row on.
    fn matrix(&self, buffers: &Buffers, index: usize, row: usize) -> StridedMatrix {
        let start = self.starts[index] as isize + row as isize * self.row;
        let elements = buffers.pointer(self.slot).wrapping_offset(start).cast_const();
        StridedMatrix { elements, row: self.row, column: self.column }
    }
}

/// The operands and extents of [`Attention`].
pub(crate) struct AttentionParts {
    /// `[queries, len]`
    pub(crate) queries: Stack,
    /// `[len, keys]`
    pub(crate) keys: Stack,
    /// `[keys, value len]`
    pub(crate) values: Stack,
    /// `[queries, value len]`
    pub(crate) result: Stack,
    /// Added to the scaled products: `[queries, keys]`.
    pub(crate) masks: Vec<Stack>,
    pub(crate) scale: f32,
    /// Queries, their length, keys, and the length of values.
    pub(crate) extents: [usize; 4],
}

/// See the [module](self).
pub(crate) struct Attention {
    parts: AttentionParts,
    panels: Panels,
    exponentials: unsafe fn(*mut f32, usize) -> f32,
    /// Rows of a strip.
    strip: usize,
    /// Into how many parts the rows of each matrix are cut.
    cuts: usize,
    tasks: usize,
}

impl Attention {
    pub(crate) fn new(level: Level, threads: usize, parts: AttentionParts) -> Self {
        let panels = Panels::new(level);
        let [queries, _, keys, _] = parts.extents;
        let count = parts.queries.starts.len();
        let work = parts.multiply_adds() + WORK * count * queries * keys;
        let wanted = worthwhile_tasks(work, threads);
        let most = queries.div_ceil(ROW_GRAIN).max(1);
        // Each part packs all keys and values, so there are as few as fill the threads.
        let cuts = if count >= threads { 1 } else { wanted.div_ceil(count.max(1)).min(most) };
        let fitting = MOST_SCORES / keys.next_multiple_of(panels.width).max(1);
        let strip = (fitting / ROW_GRAIN * ROW_GRAIN).clamp(ROW_GRAIN, 8 * ROW_GRAIN);
        let strip = strip.min(queries.max(1));
        let exponentials = exponentials_version(level);
        let tasks = wanted.min(count * cuts).max(1);
        Self { parts, panels, exponentials, strip, cuts, tasks }
    }

    /// Cells of scratch memory for keys, values, queries, scores and results.
    fn cells(&self) -> [usize; 5] {
        let [_, len, keys, value_len] = self.parts.extents;
        let cells = [
            self.panels.cells(len, keys),
            self.panels.cells(keys, value_len),
            self.strip * len,
            self.strip * keys.next_multiple_of(self.panels.width),
            self.strip * value_len,
        ];
        cells.map(|cells| cells.next_multiple_of(CELLS))
    }

    /// Computes some rows of a matrix, whose keys and values are packed.
    ///
    /// # Safety
    /// As [`Step::run`].
    unsafe fn rows(&self, index: usize, rows: Range<usize>, buffers: &Buffers, at: [*mut f32; 5]) {
        let AttentionParts { queries, result, masks, scale, extents, .. } = &self.parts;
        let [_, len, keys, value_len] = *extents;
        let [packed_keys, packed_values, own_queries, scores, sums] = at;
        let stride = keys.next_multiple_of(self.panels.width);
        for first in rows.clone().step_by(self.strip) {
            let count = self.strip.min(rows.end - first);
            let from = queries.matrix(buffers, index, first);
            // SAFETY: the caller's promise; scratch memory has room for a strip.
            unsafe {
                for row in 0..count {
                    let line = from.elements.offset(row as isize * from.row);
                    let to = own_queries.add(row * len);
                    for at in 0..len {
                        *to.add(at) = *line.offset(at as isize * from.column) * scale;
                    }
                }
                self.panels.multiply(RowsTimesPanels {
                    a: own_queries,
                    a_stride: len,
                    rows: count,
                    inner: len,
                    b: packed_keys,
                    bias: std::ptr::null(),
                    to: scores,
                    to_stride: stride,
                    columns: keys,
                });
                let mut scales = [0.0; 8 * ROW_GRAIN];
                for (row, scale) in scales.iter_mut().enumerate().take(count) {
                    let line = scores.add(row * stride);
                    for mask in masks {
                        let mask = mask.matrix(buffers, index, first + row);
                        for at in 0..keys {
                            *line.add(at) += *mask.elements.offset(at as isize * mask.column);
                        }
                    }
                    *scale = 1.0 / (self.exponentials)(line, keys);
                }
                self.panels.multiply(RowsTimesPanels {
                    a: scores,
                    a_stride: stride,
                    rows: count,
                    inner: keys,
                    b: packed_values,
                    bias: std::ptr::null(),
                    to: sums,
                    to_stride: value_len,
                    columns: value_len,
                });
                let to = result.matrix(buffers, index, first);
                for (row, scale) in scales.iter().enumerate().take(count) {
                    let from = sums.add(row * value_len);
                    let line = to.elements.offset(row as isize * to.row).cast_mut();
                    for at in 0..value_len {
                        *line.offset(at as isize * to.column) = *from.add(at) * scale;
                    }
                }
            }
        }
    }
}

impl AttentionParts {
    /// The multiply-adds of both products.
    pub(crate) fn multiply_adds(&self) -> usize {
        let [queries, len, keys, value_len] = self.extents;
        self.queries.starts.len() * queries * keys * (len + value_len)
    }

    /// The slots that the step reads.
    pub(crate) fn reads(&self) -> Vec<Slot> {
        let factors = [&self.queries, &self.keys, &self.values];
        factors.into_iter().chain(&self.masks).map(|stack| stack.slot).collect()
    }
}

impl Step for Attention {
    fn tasks(&self) -> usize {
        self.tasks
    }

    fn scratch_cells(&self) -> usize {
        self.cells().iter().sum()
    }

    unsafe fn run(&self, task: usize, buffers: &Buffers, scratch: *mut Cell) {
        let AttentionParts { keys, values, extents, .. } = &self.parts;
        let [queries, len, key_count, value_len] = *extents;
        let mut next = scratch;
        let at = self.cells().map(|cells| {
            let start = next;
            next = next.wrapping_add(cells);
            start
        });
        let units = self.parts.queries.starts.len() * self.cuts;
        let mut packed = None;
        for unit in part(units, 1, task, self.tasks) {
            let (index, cut) = (unit / self.cuts, unit % self.cuts);
            // SAFETY: the caller's promise: the buffers hold all matrices, and scratch memory what `cells`
            // says.
            unsafe {
                if packed != Some(index) {
                    self.panels.pack(keys.matrix(buffers, index, 0), len, key_count, at[0]);
                    self.panels.pack(values.matrix(buffers, index, 0), key_count, value_len, at[1]);
                    packed = Some(index);
                }
                self.rows(index, part(queries, ROW_GRAIN, cut, self.cuts), buffers, at);
            }
        }
    }
}
