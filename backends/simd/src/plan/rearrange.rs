//! Channels of feature maps in another order: slices, concatenations and shuffles that do not keep
//! whole blocks together. Nothing is computed for them. What reads the result as a feature map has
//! its channels gathered from where they were first computed.

use framegate_backend_api::graph::{Graph, Node, Operator, ValueId};

use crate::plain::position;

/// A channel of a feature map.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Channel {
    pub(crate) feature_map: ValueId,
    pub(crate) index: usize,
}

/// Where each channel of a node's result comes from, if the node only reorders, selects or joins
/// channels. For values `a` of 4 and `b` of 2 channels:
///
/// ```text
/// concat(a, b) on axis 1             a0 a1 a2 a3 b0 b1
/// slice of a, from 3, step -2        a3 a1
/// gather of a with [-1, 0, 0]        a3 a0 a0
/// ```
pub(crate) fn arrangement(graph: &Graph, node: &Node) -> Option<Vec<Channel>> {
    let channel = |feature_map: ValueId, index: usize| Channel { feature_map, index };
    let shape = |id: ValueId| &graph.value(id).shape;
    let x = node.inputs[0];
    if shape(x).len() != 4 {
        return None;
    }
    match &node.operator {
        Operator::Slice(slices) => {
            let whole = [0, 2, 3].iter().all(|axis| slices[*axis].is_all(shape(x)[*axis]));
            let own = slices[1];
            let index = |at: usize| own.start.wrapping_add_signed(at as isize * own.step);
            whole.then(|| (0..own.len).map(|at| channel(x, index(at))).collect())
        }
        Operator::Concat { axis: 1 } => {
            let all = |id: &ValueId| {
                let id = *id;
                (0..shape(id)[1]).map(move |index| channel(id, index))
            };
            Some(node.inputs.iter().flat_map(all).collect())
        }
        Operator::Gather { axis: 1 } => {
            let indices = graph.value(node.inputs[1]).constant.as_ref()?;
            let (extent, indices) = (shape(x)[1], indices.as_i64()?);
            let own = || indices.iter().map(|index| channel(x, position(*index, extent)));
            (shape(node.inputs[1]).len() == 1).then(|| own().collect())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use framegate_backend_api::HostTensor;
    use framegate_backend_api::graph::GraphBuilder;

    use super::*;

    #[test]
    fn negative_indices_count_from_the_end_and_others_are_clamped() {
        let mut builder = GraphBuilder::new("x", [1, 4, 2, 3]);
        let x = builder.input();
        let indices = HostTensor::from_i64([5], vec![-1, 0, 0, 99, -99]);
        let indices = builder.constant("indices", indices);
        let y = builder.push("gather", Operator::Gather { axis: 1 }, &[x, indices]).unwrap();
        let graph = builder.finish(vec![y]);
        let found = arrangement(&graph, &graph.nodes[0]).unwrap();
        let expected = [3, 0, 0, 3, 0].map(|index| Channel { feature_map: x, index });
        assert_eq!(found, expected);
    }
}
