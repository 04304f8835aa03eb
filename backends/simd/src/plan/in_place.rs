//! Concatenations without a copy: the operands are written side by side in the first place.

use framegate_backend_api::graph::{Graph, Operator, ValueId};

use super::classify::Lowering;
use super::fuse::Fusions;

/// Where a value is written inside the result of a concatenation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct InPlace {
    /// The result.
    pub(crate) whole: ValueId,
    /// The first block of channels that the value takes.
    pub(crate) block: usize,
}

/// Where each value is written inside another, by value number.
pub(crate) fn concats(
    graph: &Graph,
    lowerings: &[Lowering],
    fusions: &Fusions,
    lanes: usize,
) -> Vec<Option<InPlace>> {
    let mut from_kernel = vec![false; graph.values.len()];
    for ((node, lowering), fusion) in graph.nodes.iter().zip(lowerings).zip(&fusions.of_node) {
        if let Some(fusion) = fusion {
            // A slice of blocks is already part of its operand.
            let is_slice = matches!(node.operator, Operator::Slice(_));
            from_kernel[fusion.result.0] = *lowering != Lowering::Scalar && !is_slice;
        }
    }
    let mut places = vec![None; graph.values.len()];
    for (node, lowering) in graph.nodes.iter().zip(lowerings) {
        if *lowering != Lowering::Kernel || !matches!(node.operator, Operator::Concat { .. }) {
            continue;
        }
        let mut block = 0;
        for id in &node.inputs {
            let place = &mut places[id.0];
            // A value is written once: into the first concatenation that reads it.
            if place.is_none() && from_kernel[id.0] {
                *place = Some(InPlace { whole: node.outputs[0], block });
            }
            block += graph.value(*id).shape[1].div_ceil(lanes);
        }
    }
    places
}
