//! Values that only hold another's elements in another order: transposes, reshapes, slices, expansions. Nothing
//! is computed for them until something needs them in row-major order; what can read them where they are
//! does.

use framegate_backend_api::ElementType;
use framegate_backend_api::graph::{Node, Operator, ValueId};
use framegate_scalar::element_index;

use super::classify::Lowering;
use super::lower::Lowerer;
use super::slots::Home;
use super::views::{LayoutOp, reshaped, row_major_strides};
use crate::memory::Slot;
use crate::steps::{MOST_AXES, StridedAxis, StridedCopy};

/// Where the elements of a value are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct View {
    /// The value that holds them in row-major order.
    pub(super) base: ValueId,
    /// The first of them, in the elements of `base`.
    pub(super) start: isize,
    /// Elements of `base` between neighbours, by axis.
    pub(super) strides: Vec<isize>,
}

impl Lowerer<'_> {
    /// Whether nothing is computed for a node until its result is needed.
    pub(super) fn is_deferred(&self, index: usize) -> bool {
        let node = &self.graph.nodes[index];
        let result = self.graph.value(node.outputs[0]);
        let is_plain = self.analysis.lowerings[index] == Lowering::Scalar
            && self.analysis.layout_ops[index] == LayoutOp::Kept
            && result.constant.is_none();
        let is_float = result.element_type == ElementType::F32;
        let reorders = match &node.operator {
            Operator::Reshape { .. } => true,
            Operator::Transpose { .. } | Operator::Slice(_) => {
                is_float && result.shape.len() <= MOST_AXES
            }
            Operator::Expand { .. } => is_float && result.shape.len() <= MOST_AXES,
            Operator::Gather { .. } => is_float && self.constant_index(node).is_some(),
            _ => false,
        };
        is_plain && reorders && !result.shape.contains(&0)
    }

    /// The index of a gather of one constant index.
    fn constant_index(&self, node: &Node) -> Option<i64> {
        match self.graph.value(node.inputs[1]).constant.as_ref()?.as_i64()? {
            [index] => Some(*index),
            _ => None,
        }
    }

    /// Where the elements of a value are, without anything being computed.
    pub(super) fn view(&self, id: ValueId) -> View {
        let is_there = self.has_row_major(id);
        let moved = if is_there { None } else { self.moved(id) };
        moved.unwrap_or_else(|| View {
            base: id,
            start: 0,
            strides: row_major_strides(&self.graph.value(id).shape),
        })
    }

    /// As [`Lowerer::view`], for a value that is only moved.
    fn moved(&self, id: ValueId) -> Option<View> {
        let index = self.producers[id.0].filter(|index| self.is_deferred(*index))?;
        let node = &self.graph.nodes[index];
        let (x, shape) = (node.inputs[0], &self.graph.value(id).shape);
        if self.graph.value(id).element_type != ElementType::F32 {
            return None;
        }
        let mut view = self.view(x);
        let from = &self.graph.value(x).shape;
        match &node.operator {
            Operator::Reshape { .. } => view.strides = reshaped(shape, from, &view.strides)?,
            Operator::Transpose { permutation } => {
                view.strides = permutation.iter().map(|axis| view.strides[*axis]).collect();
            }
            Operator::Slice(slices) => {
                for (stride, slice) in view.strides.iter_mut().zip(slices) {
                    view.start += slice.start as isize * *stride;
                    *stride *= slice.step;
                }
            }
            Operator::Expand { .. } => {
                let more = shape.len() - from.len();
                let own = view.strides.iter().zip(from);
                let repeated = own.map(|(stride, extent)| if *extent == 1 { 0 } else { *stride });
                view.strides = std::iter::repeat_n(0, more).chain(repeated).collect();
            }
            Operator::Gather { axis } => {
                let index = element_index(self.constant_index(node)?, from[*axis]);
                view.start += index as isize * view.strides[*axis];
                let rank = self.graph.value(node.inputs[1]).shape.len();
                view.strides.splice(axis..=axis, std::iter::repeat_n(0, rank));
            }
            _ => return None,
        }
        Some(view)
    }

    /// Computes a value whose node was deferred.
    pub(super) fn materialise(&mut self, id: ValueId, index: usize) -> Slot {
        let node = &self.graph.nodes[index];
        let view = self.view(id);
        if view.base == id {
            // A reshape through which strides cannot be followed.
            let slot = self.row_major(node.inputs[0]);
            self.set_row_major(id, slot);
            return slot;
        }
        let base = self.row_major(view.base);
        let shape = self.graph.value(id).shape.clone();
        let len: usize = shape.iter().product();
        let base_len: usize = self.graph.value(view.base).shape.iter().product();
        let contiguous = row_major_strides(&shape);
        let mut axes = shape.iter().zip(view.strides.iter().zip(&contiguous));
        if axes.all(|(extent, (stride, own))| *extent == 1 || stride == own) {
            if len == base_len {
                self.set_row_major(id, base);
                return base;
            }
            if let Some(slot) = self.part_of(base, view.start as usize, len) {
                self.set_row_major(id, slot);
                return slot;
            }
        }
        let strides = view.strides.iter().zip(&contiguous);
        let axes = shape.iter().zip(strides).map(|(extent, (stride, to))| StridedAxis {
            extent: *extent,
            stride: *stride,
            to: *to,
        });
        let axes: Vec<StridedAxis> = axes.collect();
        let target = self.new_row_major(id);
        let step = StridedCopy::new(self.threads, [view.start as usize, 0], &axes, [base, target]);
        self.push(&node.name, "strided_copy", 0, step, vec![base], vec![target]);
        target
    }

    /// The slot of some cells of another, if that is in the arena.
    fn part_of(&mut self, slot: Slot, start: usize, len: usize) -> Option<Slot> {
        let (root, before) = self.slots.root(slot);
        if self.slots.home(root) != Home::Arena(0) {
            return None;
        }
        Some(self.slots.add(len, Home::Inside { parent: root, start: before + start }))
    }
}

/// The first element of each of a stack of matrices with these outer extents, in the view of an operand whose
/// own outer axes broadcast to them.
pub(super) fn starts(stack: &[usize], own: &[usize], view: &View) -> Vec<usize> {
    let more = stack.len() - own.len();
    let stride = |axis: usize| match axis.checked_sub(more) {
        Some(axis) if own[axis] != 1 => view.strides[axis],
        _ => 0,
    };
    let starts = stack.iter().enumerate().fold(vec![view.start], |starts, (axis, extent)| {
        let positions = |start: &isize| {
            let start = *start;
            (0..*extent as isize).map(move |position| start + position * stride(axis))
        };
        starts.iter().flat_map(positions).collect()
    });
    starts.into_iter().map(|start| start as usize).collect()
}
