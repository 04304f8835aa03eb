//! Products of row-major matrices and of stacks of them, with what is done to the results afterwards.
#![expect(unsafe_code, reason = "kernels take pointers")]

use std::ops::Range;

use framegate_cpu::Level;

use super::panels::{Panels, RowsTimesPanels};
use super::{Step, part, worthwhile_tasks};
use crate::kernels::epilogue::{Epilogue, lines_version};
use crate::kernels::matmul::{INNER_BLOCK, ROW_GRAIN, StridedMatrix};
use crate::memory::{AlignedCells, Buffers, Cell, Slot};

/// The most rows that are multiplied at a time: with [`INNER_BLOCK`] columns, half of a second-level cache. In tests
/// few enough that small matrices are cut.
const MOST_ROWS: usize = if cfg!(test) { ROW_GRAIN } else { 21 * ROW_GRAIN };

/// The most columns that are multiplied at a time: with the rows, an eighth of a second-level cache, where results
/// stay until their sums are complete and the epilogue has been applied. Whole panels of every level.
const MOST_COLUMNS: usize = if cfg!(test) { 32 } else { 64 };

const _: () = assert!(MOST_ROWS * INNER_BLOCK <= 1 << 16);

/// The second factor.
pub(crate) enum Factor {
    /// Constant matrices in panels.
    Packed(AlignedCells),
    /// Matrices with these distances between rows and between columns, packed as they are needed.
    Computed { slot: Slot, row: isize, column: isize },
}

/// Where the factors and the result of a product start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Matrices {
    pub(crate) a: usize,
    /// Elements, or, of constant matrices, cells of panels.
    pub(crate) b: usize,
    pub(crate) to: usize,
}

/// The operands and extents of [`MatMul`].
pub(crate) struct MatMulParts {
    pub(crate) a: Slot,
    /// Elements from a row of the first factor to the next.
    pub(crate) a_stride: usize,
    pub(crate) b: Factor,
    pub(crate) target: Slot,
    pub(crate) matrices: Vec<Matrices>,
    pub(crate) rows: usize,
    pub(crate) inner: usize,
    pub(crate) columns: usize,
    /// One element per column.
    pub(crate) bias: Option<Vec<f32>>,
    /// An addend of the results, in their layout.
    pub(crate) residual: Option<Slot>,
    pub(crate) epilogue: Epilogue,
}

/// See the [module](self).
pub(crate) struct MatMul {
    parts: MatMulParts,
    bias: AlignedCells,
    panels: Panels,
    finish: unsafe fn(*mut f32, *const f32, usize, [usize; 3], &Epilogue),
    tasks: usize,
    /// Into how many parts rows and columns of each matrix are cut.
    cuts: [usize; 2],
}

impl MatMul {
    pub(crate) fn new(level: Level, threads: usize, parts: MatMulParts) -> Self {
        let panels = Panels::new(level);
        let width = panels.width;
        let wanted = worthwhile_tasks(parts.multiply_adds(), threads);
        let per_matrix = wanted.div_ceil(parts.matrices.len().max(1));
        let most = [parts.rows.div_ceil(ROW_GRAIN), parts.columns.div_ceil(width)];
        // Cutting columns reads the second factor once, cutting rows the first.
        let mut cuts = [1, 1];
        let first = usize::from(parts.rows < 2 * parts.columns && most[1] >= per_matrix);
        cuts[first] = per_matrix.clamp(1, most[first].max(1));
        cuts[1 - first] = (per_matrix / cuts[first]).clamp(1, most[1 - first].max(1));
        let units = parts.matrices.len() * cuts[0] * cuts[1];
        let bias = parts.bias.as_deref().unwrap_or_default();
        let mut padded = bias.to_vec();
        padded.resize(bias.len().next_multiple_of(width), 0.0);
        Self {
            bias: AlignedCells::from_slice(&padded),
            panels,
            finish: lines_version(level),
            tasks: wanted.min(units).max(1),
            cuts,
            parts,
        }
    }

    /// Computes some rows and columns of a product.
    ///
    /// # Safety
    /// As [`Step::run`].
    unsafe fn compute(
        &self,
        matrices: &Matrices,
        rows: Range<usize>,
        columns: Range<usize>,
        buffers: &Buffers,
        scratch: *mut Cell,
    ) {
        let MatMulParts { a, a_stride, inner, target, residual, ref epilogue, .. } = self.parts;
        let to_stride = self.parts.columns;
        // SAFETY: the caller's promise: the buffers hold all matrices, and scratch memory the panels.
        unsafe {
            let b = match &self.parts.b {
                Factor::Packed(cells) => cells.as_ptr().add(matrices.b + columns.start * inner),
                Factor::Computed { slot, row, column } => {
                    let start = matrices.b as isize + columns.start as isize * column;
                    let elements = buffers.pointer(*slot).offset(start).cast_const();
                    let matrix = StridedMatrix { elements, row: *row, column: *column };
                    self.panels.pack(matrix, inner, columns.len(), scratch);
                    scratch.cast_const()
                }
            };
            let bias = match self.parts.bias {
                Some(_) => self.bias.as_ptr().add(columns.start),
                None => std::ptr::null(),
            };
            for first_row in rows.clone().step_by(MOST_ROWS) {
                let own_rows = MOST_ROWS.min(rows.end - first_row);
                let a = buffers.pointer(a).add(matrices.a + first_row * a_stride);
                for first in (0..columns.len()).step_by(MOST_COLUMNS) {
                    let own = MOST_COLUMNS.min(columns.len() - first);
                    let at = matrices.to + first_row * to_stride + columns.start + first;
                    let to = buffers.pointer(target).add(at);
                    self.panels.multiply(RowsTimesPanels {
                        a,
                        a_stride,
                        rows: own_rows,
                        inner,
                        b: b.add(first * inner),
                        bias: if bias.is_null() { bias } else { bias.add(first) },
                        to,
                        to_stride,
                        columns: own,
                    });
                    if residual.is_none() && epilogue.before_residual.is_none() {
                        continue;
                    }
                    let residual = residual.map_or(std::ptr::null(), |residual| {
                        buffers.pointer(residual).add(at).cast_const()
                    });
                    (self.finish)(to, residual, own, [own_rows, to_stride, to_stride], epilogue);
                }
            }
        }
    }
}

impl MatMulParts {
    /// The multiply-adds of all tasks.
    pub(crate) fn multiply_adds(&self) -> usize {
        self.matrices.len() * self.rows * self.inner * self.columns
    }
}

impl Step for MatMul {
    fn tasks(&self) -> usize {
        self.tasks
    }

    fn weight_bytes(&self) -> usize {
        match &self.parts.b {
            Factor::Packed(cells) => cells.bytes() + self.bias.bytes(),
            Factor::Computed { .. } => self.bias.bytes(),
        }
    }

    fn scratch_cells(&self) -> usize {
        match &self.parts.b {
            Factor::Packed(_) => 0,
            Factor::Computed { .. } => self.panels.cells(self.parts.inner, self.parts.columns),
        }
    }

    unsafe fn run(&self, task: usize, buffers: &Buffers, scratch: *mut Cell) {
        let MatMulParts { rows, columns, matrices, .. } = &self.parts;
        let [row_cuts, column_cuts] = self.cuts;
        let units = matrices.len() * row_cuts * column_cuts;
        for unit in part(units, 1, task, self.tasks) {
            let (matrix, cut) = (unit / (row_cuts * column_cuts), unit % (row_cuts * column_cuts));
            let own_rows = part(*rows, ROW_GRAIN, cut / column_cuts, row_cuts);
            let own_columns = part(*columns, self.panels.width, cut % column_cuts, column_cuts);
            // SAFETY: the caller's promise.
            unsafe { self.compute(&matrices[matrix], own_rows, own_columns, buffers, scratch) };
        }
    }
}
