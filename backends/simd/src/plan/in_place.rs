//! Concatenations that cost nothing, because the operands are written side by side to begin with.

use framegate_backend_api::graph::{Graph, Operator, ValueId};

use super::classify::Kind;
use super::fuse::Fusions;

/// Where a value is written, inside a concatenation's result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct InPlace {
    /// The concatenation's result.
    pub(crate) whole: ValueId,
    /// The first block of channels.
    pub(crate) block: usize,
}

/// The place of each value that has one inside another, by value number.
pub(crate) fn concats(
    graph: &Graph,
    kinds: &[Kind],
    fusions: &Fusions,
    lanes: usize,
) -> Vec<Option<InPlace>> {
    let mut from_kernel = vec![false; graph.values.len()];
    for ((node, kind), fusion) in graph.nodes.iter().zip(kinds).zip(&fusions.of_node) {
        if let Some(fusion) = fusion {
            // A slice is where its operand is already.
            let is_slice = matches!(node.operator, Operator::Slice(_));
            from_kernel[fusion.result.0] = *kind != Kind::Plain && !is_slice;
        }
    }
    let mut places = vec![None; graph.values.len()];
    for (node, kind) in graph.nodes.iter().zip(kinds) {
        if *kind != Kind::Kernel || !matches!(node.operator, Operator::Concat { .. }) {
            continue;
        }
        let mut block = 0;
        for id in &node.inputs {
            let place = &mut places[id.0];
            // A value is written once: into the first concatenation that wants it.
            if place.is_none() && from_kernel[id.0] {
                *place = Some(InPlace { whole: node.outputs[0], block });
            }
            block += graph.value(*id).shape[1].div_ceil(lanes);
        }
    }
    places
}
