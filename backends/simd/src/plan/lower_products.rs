//! Lowers matrix products, with what follows them.

use framegate_backend_api::graph::{Node, ValueId};
use framegate_scalar::stacked_matrices;

use super::lower::Lowerer;
use super::merge::ProductFusion;
use super::reordered::{View, starts};
use super::views::row_major_strides;
use crate::kernels::epilogue::Epilogue;
use crate::memory::AlignedCells;
use crate::steps::{Factor, MatMul, MatMulParts, Matrices, Panels};

impl Lowerer<'_> {
    pub(super) fn product(&mut self, node: &Node, fusion: &ProductFusion) {
        let graph = self.graph;
        let shape = |id: ValueId| graph.value(id).shape.as_slice();
        let [a, b] = [node.inputs[0], node.inputs[1]];
        let (a_shape, b_shape) = (shape(a), shape(b));
        let (a_outer, b_outer) = (&a_shape[..a_shape.len() - 2], &b_shape[..b_shape.len() - 2]);
        let (rows, inner) = (a_shape[a_shape.len() - 2], a_shape[a_shape.len() - 1]);
        let columns = b_shape[b_shape.len() - 1];

        let mut view = self.view(a);
        if !is_readable(a_shape, &view) {
            self.row_major(a);
            view = View { base: a, start: 0, strides: row_major_strides(a_shape) };
        }
        let a_slot = self.row_major(view.base);
        let numbers = |id: Option<ValueId>| graph.value(id?).constant.as_ref()?.as_f32();
        let factors = numbers(fusion.factors);
        let result = shape(node.outputs[0]);
        let outer = &result[..result.len() - 2];
        let a_starts = starts(outer, a_outer, &view);
        let (b_starts, factor) = self.factor(b, outer, [inner, columns], factors);
        let one_b = b_outer.iter().all(|extent| *extent == 1);
        // The rows of all matrices, if they follow each other and have one factor in common.
        let joined = joined_rows(a_shape, &view).filter(|_| one_b && !a_starts.is_empty());
        let (rows, a_stride, matrices) = match joined {
            Some((rows, stride)) => {
                let matrices = vec![Matrices { a: a_starts[0], b: b_starts[0], to: 0 }];
                (rows, stride, matrices)
            }
            None => {
                let starts = a_starts.iter().zip(&b_starts).enumerate();
                let matrices = starts.map(|(index, (a, b))| Matrices {
                    a: *a,
                    b: *b,
                    to: index * rows * columns,
                });
                (rows, view.strides[a_shape.len() - 2] as usize, matrices.collect())
            }
        };
        let bias = numbers(fusion.bias).map(<[f32]>::to_vec);
        let residual = fusion.residual.map(|residual| self.row_major(residual));
        let target = self.new_row_major(fusion.result);
        let mut reads = vec![a_slot];
        if let Factor::Computed { slot, .. } = &factor {
            reads.push(*slot);
        }
        reads.extend(residual);
        let epilogue = Epilogue { before_residual: fusion.activation, after_residual: None };
        let parts = MatMulParts {
            a: a_slot,
            a_stride,
            b: factor,
            target,
            matrices,
            rows,
            inner,
            columns,
            bias,
            residual,
            epilogue,
        };
        let multiply_adds = parts.multiply_adds();
        let step = MatMul::new(self.level, self.threads, parts);
        self.push(&node.name, "matmul", multiply_adds, step, reads, vec![target]);
    }

    /// The second factor of a product, where its matrices start, and, of a constant one, with the columns
    /// scaled.
    fn factor(
        &mut self,
        id: ValueId,
        outer: &[usize],
        [inner, columns]: [usize; 2],
        factors: Option<&[f32]>,
    ) -> (Vec<usize>, Factor) {
        let graph = self.graph;
        let value = graph.value(id);
        let own = &value.shape[..value.shape.len() - 2];
        let constant = value.constant.as_ref().and_then(|constant| constant.as_f32());
        // Columns of a computed factor are scaled by none: see `merge`.
        let Some(elements) = constant else {
            let view = self.view(id);
            let slot = self.row_major(view.base);
            let starts = starts(outer, own, &view);
            let [.., row, column] = view.strides[..] else {
                unreachable!("matrices have two axes")
            };
            return (starts, Factor::Computed { slot, row, column });
        };
        let panels = Panels::new(self.level);
        let cells = panels.cells(inner, columns);
        let count: usize = own.iter().product();
        let mut packed = AlignedCells::new(count * cells);
        let mut scaled = elements.to_vec();
        if let Some(factors) = factors {
            for line in scaled.chunks_exact_mut(columns.max(1)) {
                line.iter_mut().zip(factors).for_each(|(element, factor)| *element *= factor);
            }
        }
        panels.pack_all(&scaled, [inner, columns], &mut packed);
        let indices = stacked_matrices(&[outer, &[1, 1]].concat(), &value.shape);
        (indices.iter().map(|[_, b]| b * cells).collect(), Factor::Packed(packed))
    }
}

/// Whether the rows of a view can be read as a first factor: neighbours in a row are neighbours in memory.
fn is_readable(shape: &[usize], view: &View) -> bool {
    let rank = shape.len();
    let is_contiguous = shape[rank - 1] == 1 || view.strides[rank - 1] == 1;
    is_contiguous && (shape[rank - 2] == 1 || view.strides[rank - 2] >= 0)
}

/// The rows of all matrices of a view, and the distance between them, if that is always the same.
fn joined_rows(shape: &[usize], view: &View) -> Option<(usize, usize)> {
    let mut joined: Option<(usize, isize)> = None;
    for (extent, stride) in shape.iter().zip(&view.strides).rev().skip(1) {
        if *extent == 1 {
            continue;
        }
        joined = match joined {
            None => Some((*extent, *stride)),
            Some((rows, own)) if *stride == own * rows as isize => Some((rows * extent, own)),
            Some(_) => return None,
        };
    }
    let (rows, stride) = joined.unwrap_or((1, 0));
    Some((rows, usize::try_from(stride).ok()?))
}
