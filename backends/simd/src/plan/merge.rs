//! Nodes on row-major tensors that run as one step: matrix products with what follows them, and attention.

use framegate_backend_api::graph::{Activation, Binary, Graph, Node, Operator, ValueId};

use super::attention::{self, AttentionFusion};
use super::classify::Lowering;
use super::fuse::Fusions;
use super::row_major::RowMajor;
use super::views::LayoutOp;
use crate::kernels::activation::is_vectorised;

/// The step that a matrix product becomes.
#[derive(Debug, Clone)]
pub(crate) enum Merged {
    Product(ProductFusion),
    Attention(AttentionFusion),
}

/// The functions after a matrix product, in this order, each of which may be absent.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ProductFusion {
    /// A constant factor for each column.
    pub(crate) factors: Option<ValueId>,
    /// A constant addend for each column.
    pub(crate) bias: Option<ValueId>,
    pub(crate) activation: Option<Activation>,
    /// A tensor of the result's shape that is added.
    pub(crate) residual: Option<ValueId>,
    /// The value that comes out at the end.
    pub(crate) result: ValueId,
}

impl Merged {
    /// The values that are read besides the operands of the node itself.
    pub(crate) fn further_reads(&self) -> Vec<ValueId> {
        match self {
            Self::Product(product) => product.residual.into_iter().collect(),
            Self::Attention(attention) => attention.reads(),
        }
    }
}

/// The step that each node becomes; those that become part of another lose their fusion.
pub(crate) fn merge(
    graph: &Graph,
    lowerings: &[Lowering],
    layout_ops: &[LayoutOp],
    fusions: &mut Fusions,
) -> Vec<Option<Merged>> {
    let nodes = RowMajor::new(graph, lowerings, layout_ops);
    let mut merged = vec![None; graph.nodes.len()];
    for (index, node) in graph.nodes.iter().enumerate() {
        let is_softmax = matches!(node.operator, Operator::Softmax { .. });
        if !is_softmax || !nodes.is_row_major(index) {
            continue;
        }
        if let Some((last, fusion)) = attention::find(&nodes, index) {
            fusion.absorbed.iter().for_each(|index| fusions.of_node[*index] = None);
            merged[last] = Some(Merged::Attention(fusion));
        }
    }
    for (index, node) in graph.nodes.iter().enumerate() {
        let is_free = merged[index].is_none() && fusions.of_node[index].is_some();
        if node.operator == Operator::MatMul && nodes.is_row_major(index) && is_free {
            let (fusion, absorbed) = after_product(&nodes, index, fusions);
            absorbed.iter().for_each(|index| fusions.of_node[*index] = None);
            merged[index] = Some(Merged::Product(fusion));
        }
    }
    merged
}

/// The functions after a matrix product, and their nodes.
fn after_product(
    nodes: &RowMajor<'_>,
    index: usize,
    fusions: &Fusions,
) -> (ProductFusion, Vec<usize>) {
    let mut result = nodes.graph.nodes[index].outputs[0];
    let columns = nodes.shape(result).last().copied();
    let mut fusion =
        ProductFusion { factors: None, bias: None, activation: None, residual: None, result };
    let mut absorbed = Vec::new();
    while let Some((reader, node)) = nodes.sole_reader(result) {
        let next = node.outputs[0];
        if fusions.of_node[reader].is_none() || nodes.shape(next).last().copied() != columns {
            break;
        }
        let is_plain = fusion.activation.is_none() && fusion.residual.is_none();
        let keeps_shape = nodes.shape(next) == nodes.shape(result);
        // A constant of one element per column.
        let per_column = |id: ValueId| {
            let value = nodes.graph.value(id);
            let len: usize = value.shape.iter().product();
            let fits = Some(len) == columns && value.shape.last().copied() == columns;
            fits && value.constant.as_ref().is_some_and(|constant| constant.as_f32().is_some())
        };
        let other = || node.inputs.iter().copied().find(|id| *id != result);
        match node.operator {
            Operator::Reshape { .. } => {}
            Operator::Transpose { .. } if keeps_order(nodes, node) => {}
            Operator::Binary(Binary::Mul)
                if keeps_shape
                    && is_plain
                    && fusion.bias.is_none()
                    && fusion.factors.is_none()
                    && other().is_some_and(per_column) =>
            {
                fusion.factors = other();
            }
            Operator::Binary(Binary::Add)
                if keeps_shape
                    && is_plain
                    && fusion.bias.is_none()
                    && other().is_some_and(per_column) =>
            {
                fusion.bias = other();
            }
            Operator::Activation(function)
                if is_plain && is_vectorised(function) && keeps_shape =>
            {
                fusion.activation = Some(function);
            }
            Operator::Binary(Binary::Add) if keeps_shape && fusion.residual.is_none() => {
                let Some(residual) = other() else { break };
                let is_there = nodes.producers[residual.0].is_none_or(|it| it < index);
                let value = nodes.graph.value(residual);
                if !is_there || value.constant.is_some() || value.shape != nodes.shape(next) {
                    break;
                }
                fusion.residual = Some(residual);
            }
            _ => break,
        }
        absorbed.push(reader);
        result = next;
    }
    fusion.result = result;
    (fusion, absorbed)
}

/// Whether a transpose only moves axes of one element.
fn keeps_order(nodes: &RowMajor<'_>, node: &Node) -> bool {
    let Operator::Transpose { permutation } = &node.operator else { return false };
    let shape = nodes.shape(node.inputs[0]);
    permutation.iter().filter(|axis| shape[**axis] != 1).is_sorted()
}
