//! Lowers attention to one step, which reads and writes its operands where they are.

use framegate_backend_api::graph::ValueId;

use super::attention::AttentionFusion;
use super::lower::Lowerer;
use super::reordered::{View, starts};
use crate::memory::Slot;
use crate::steps::{Attention, AttentionParts, Stack};

impl Lowerer<'_> {
    pub(super) fn attention(&mut self, name: &str, fusion: &AttentionFusion) {
        let graph = self.graph;
        let shape = |id: ValueId| graph.value(id).shape.clone();
        let (query_shape, value_shape) = (shape(fusion.queries), shape(fusion.values));
        let rank = query_shape.len();
        let outer = &query_shape[..rank - 2];
        let [rows, len] = query_shape[rank - 2..] else { return };
        let swap = usize::from(fusion.is_transposed);
        let inner = &value_shape[value_shape.len() - 2..];
        let (keys, value_len) = (inner[swap], inner[1 - swap]);

        let queries = self.stack(fusion.queries, outer, false);
        let key_stack = self.stack(fusion.keys, outer, false);
        let values = self.stack(fusion.values, outer, fusion.is_transposed);
        let masks: Vec<Stack> =
            fusion.masks.iter().map(|(mask, outer)| self.mask(*mask, outer)).collect();
        let target = self.new_row_major(fusion.result);
        let view = View { base: fusion.result, start: 0, strides: fusion.strides.clone() };
        let product_shape = shape(fusion.product);
        let product_outer = &product_shape[..product_shape.len() - 2];
        let result = stack_of(target, product_outer, product_outer, &view, fusion.is_transposed);
        let parts = AttentionParts {
            queries,
            keys: key_stack,
            values,
            result,
            masks,
            scale: fusion.scale,
            extents: [rows, len, keys, value_len],
        };
        let (multiply_adds, reads) = (parts.multiply_adds(), parts.reads());
        let step = Attention::new(self.level, self.threads, parts);
        self.push(name, "attention", multiply_adds, step, reads, vec![target]);
    }

    fn stack(&mut self, id: ValueId, outer: &[usize], is_transposed: bool) -> Stack {
        let view = self.view(id);
        let slot = self.row_major(view.base);
        let shape = &self.graph.value(id).shape;
        stack_of(slot, outer, &shape[..shape.len() - 2], &view, is_transposed)
    }

    /// A mask, which broadcasts along all axes.
    fn mask(&mut self, id: ValueId, outer: &[usize]) -> Stack {
        let mut view = self.view(id);
        let slot = self.row_major(view.base);
        let shape = &self.graph.value(id).shape;
        for (stride, extent) in view.strides.iter_mut().zip(shape) {
            if *extent == 1 {
                *stride = 0;
            }
        }
        // A mask may have fewer axes than a matrix.
        let missing = 2_usize.saturating_sub(shape.len());
        view.strides.splice(..0, std::iter::repeat_n(0, missing));
        let shape: Vec<usize> =
            std::iter::repeat_n(1, missing).chain(shape.iter().copied()).collect();
        stack_of(slot, outer, &shape[..shape.len() - 2], &view, false)
    }
}

fn stack_of(slot: Slot, outer: &[usize], own: &[usize], view: &View, is_transposed: bool) -> Stack {
    let starts = starts(outer, own, view);
    let (mut row, mut column) = match view.strides[..] {
        [.., row, column] => (row, column),
        _ => (0, 0),
    };
    if is_transposed {
        (row, column) = (column, row);
    }
    Stack { slot, starts, row, column }
}
