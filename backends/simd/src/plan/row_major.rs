//! The nodes of a graph that are on row-major tensors, and who reads them.

use framegate_backend_api::ElementType;
use framegate_backend_api::graph::{Graph, Node, ValueId};

use super::classify::Lowering;
use super::views::LayoutOp;

/// A graph, to be searched for chains of such nodes.
pub(crate) struct RowMajor<'a> {
    pub(crate) graph: &'a Graph,
    lowerings: &'a [Lowering],
    layout_ops: &'a [LayoutOp],
    /// By value.
    pub(crate) uses: Vec<usize>,
    pub(crate) producers: Vec<Option<usize>>,
    /// One of the nodes that read each value.
    readers: Vec<Option<usize>>,
}

impl<'a> RowMajor<'a> {
    pub(crate) fn new(
        graph: &'a Graph,
        lowerings: &'a [Lowering],
        layout_ops: &'a [LayoutOp],
    ) -> Self {
        let mut readers = vec![None; graph.values.len()];
        for (index, node) in graph.nodes.iter().enumerate() {
            node.inputs.iter().for_each(|id| readers[id.0] = Some(index));
        }
        let (uses, producers) = (graph.use_counts(), graph.producers());
        Self { graph, lowerings, layout_ops, uses, producers, readers }
    }

    pub(crate) fn is_row_major(&self, index: usize) -> bool {
        self.lowerings[index] == Lowering::Scalar && self.layout_ops[index] == LayoutOp::Kept
    }

    /// The node that computes a value which nothing but one node reads.
    pub(crate) fn sole_producer(&self, id: ValueId) -> Option<(usize, &Node)> {
        let index = self.producers[id.0].filter(|index| self.is_row_major(*index))?;
        (self.uses[id.0] == 1).then_some((index, &self.graph.nodes[index]))
    }

    /// The only reader of a value.
    pub(crate) fn sole_reader(&self, id: ValueId) -> Option<(usize, &Node)> {
        let index = self.readers[id.0].filter(|index| self.is_row_major(*index))?;
        (self.uses[id.0] == 1).then_some((index, &self.graph.nodes[index]))
    }

    pub(crate) fn shape(&self, id: ValueId) -> &[usize] {
        &self.graph.value(id).shape
    }

    /// The number that a constant of one element holds.
    pub(crate) fn number(&self, id: ValueId) -> Option<f32> {
        match self.graph.value(id).constant.as_ref()?.as_f32()? {
            [number] => Some(*number),
            _ => None,
        }
    }

    pub(crate) fn is_float(&self, id: ValueId) -> bool {
        self.graph.value(id).element_type == ElementType::F32
    }
}
