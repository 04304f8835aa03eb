//! Products of whole matrices from products by panels: what matrix products and attention share.
#![expect(unsafe_code, reason = "kernels take pointers")]

use framegate_cpu::Level;

use crate::kernels::matmul::{
    self, INNER_BLOCK, PANEL_VECTORS, PanelProduct, StridedMatrix, pack_panel,
};
use crate::memory::AlignedCells;

/// The columns of a level's panel, and its kernel.
#[derive(Clone, Copy)]
pub(crate) struct Panels {
    pub(crate) width: usize,
    kernel: unsafe fn(&PanelProduct),
}

/// Some rows of one matrix times some columns of another, in panels.
#[derive(Clone, Copy)]
pub(crate) struct RowsTimesPanels {
    /// The first element of the first row.
    pub(crate) a: *const f32,
    /// Elements from a row to the next.
    pub(crate) a_stride: usize,
    pub(crate) rows: usize,
    pub(crate) inner: usize,
    /// The first panel, each of `inner` rows.
    pub(crate) b: *const f32,
    /// Null, or one element per column.
    pub(crate) bias: *const f32,
    /// The first result.
    pub(crate) to: *mut f32,
    pub(crate) to_stride: usize,
    pub(crate) columns: usize,
}

impl Panels {
    pub(crate) fn new(level: Level) -> Self {
        Self { width: PANEL_VECTORS * level.lanes(), kernel: matmul::version(level) }
    }

    /// The cells of a matrix in panels.
    pub(crate) fn cells(&self, inner: usize, columns: usize) -> usize {
        inner * columns.next_multiple_of(self.width)
    }

    /// Packs a matrix of `inner` rows.
    ///
    /// # Safety
    /// The matrix is good for its rows and columns, and `to` for [`Panels::cells`] cells that nothing else
    /// touches.
    pub(crate) unsafe fn pack(
        &self,
        matrix: StridedMatrix,
        inner: usize,
        columns: usize,
        to: *mut f32,
    ) {
        for first in (0..columns).step_by(self.width) {
            let elements = matrix.elements.wrapping_offset(first as isize * matrix.column);
            let own = self.width.min(columns - first);
            // SAFETY: the caller's promise.
            unsafe {
                let to = to.add(first * inner);
                pack_panel(StridedMatrix { elements, ..matrix }, inner, own, self.width, to);
            }
        }
    }

    /// Packs constant matrices of this many rows and columns, one after another.
    pub(crate) fn pack_all(
        &self,
        elements: &[f32],
        [inner, columns]: [usize; 2],
        to: &mut AlignedCells,
    ) {
        let len = inner * columns;
        for (index, matrix) in elements.chunks_exact(len.max(1)).enumerate() {
            let elements = matrix.as_ptr();
            let matrix = StridedMatrix { elements, row: columns as isize, column: 1 };
            // SAFETY: the matrix is this long, and there is room for all of them.
            unsafe {
                let to = to.as_mut_ptr().add(index * self.cells(inner, columns));
                self.pack(matrix, inner, columns, to);
            }
        }
    }

    /// Multiplies rows with panels.
    ///
    /// # Safety
    /// The pointers are good for what the other fields say, the result overlaps nothing else, and nothing
    /// else touches it.
    pub(crate) unsafe fn multiply(&self, product: RowsTimesPanels) {
        let RowsTimesPanels { inner, columns, .. } = product;
        let mut start = 0;
        loop {
            let len = (inner - start).min(INNER_BLOCK);
            for first in (0..columns).step_by(self.width) {
                let is_first = start == 0;
                let bias = match is_first && !product.bias.is_null() {
                    true => product.bias.wrapping_add(first),
                    false => std::ptr::null(),
                };
                let part = |first: usize, start: usize| {
                    product.b.wrapping_add(first * inner + start * self.width)
                };
                let next = match first + self.width < columns {
                    true => part(first + self.width, start),
                    false => part(0, start + len),
                };
                // SAFETY: the caller's promise.
                unsafe {
                    (self.kernel)(&PanelProduct {
                        a: product.a.add(start),
                        a_stride: product.a_stride,
                        rows: product.rows,
                        inner: len,
                        b: part(first, start),
                        bias,
                        accumulates: !is_first,
                        to: product.to.add(first),
                        to_stride: product.to_stride,
                        columns: self.width.min(columns - first),
                        next,
                    });
                }
            }
            start += len;
            if start >= inner {
                return;
            }
        }
    }
}
