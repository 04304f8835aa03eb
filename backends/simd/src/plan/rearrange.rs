//! Channels of pictures put into another order: slices, concatenations and shuffles that do not keep
//! whole blocks together. They are only written down; whoever reads the result as a picture has its
//! channels gathered from where they were first computed.

use std::sync::Arc;

use framegate_backend_api::HostTensor;
use framegate_backend_api::graph::{Graph, Node, Operator, Value, ValueId};
use framegate_scalar::element_index;

use super::fuse::producers;
use super::space_to_depth::drop_dead;

/// A channel of a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Channel {
    pub(crate) picture: ValueId,
    pub(crate) index: usize,
}

/// Where each channel of a node's result comes from, if all that the node does is to put channels into
/// another order.
pub(crate) fn arrangement(graph: &Graph, node: &Node) -> Option<Vec<Channel>> {
    let channel = |picture: ValueId, index: usize| Channel { picture, index };
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
            let own = || indices.iter().map(|index| channel(x, element_index(*index, extent)));
            (shape(node.inputs[1]).len() == 1).then(|| own().collect())
        }
        _ => None,
    }
}

/// Makes one gathering of channels of each reshaping, transposition and reshaping that shuffles them.
pub(crate) fn fold_shuffles(mut graph: Graph) -> Graph {
    for index in 0..graph.nodes.len() {
        let Some((x, order)) = shuffled(&graph, index) else { continue };
        let shape = [order.len()];
        let constant = HostTensor::from_i64(shape, order);
        let indices = ValueId(graph.values.len());
        graph.values.push(Value {
            name: "order of channels".to_owned(),
            element_type: constant.element_type(),
            shape: shape.to_vec(),
            constant: Some(Arc::new(constant)),
        });
        let node = &mut graph.nodes[index];
        node.operator = Operator::Gather { axis: 1 };
        node.inputs = vec![x, indices];
    }
    drop_dead(&mut graph);
    graph
}

/// The picture whose channels a reshaping brings into another order, and that order.
fn shuffled(graph: &Graph, index: usize) -> Option<(ValueId, Vec<i64>)> {
    let last = &graph.nodes[index];
    let Operator::Reshape { .. } = last.operator else { return None };
    let producers = producers(graph);
    let made_by = |id: ValueId| producers[id.0].map(|index| &graph.nodes[index]);
    let shape = |id: ValueId| &graph.value(id).shape[..];
    let transposition = made_by(last.inputs[0])?;
    let Operator::Transpose { permutation } = &transposition.operator else { return None };
    let first = made_by(transposition.inputs[0])?;
    let Operator::Reshape { .. } = first.operator else { return None };
    let (x, result) = (first.inputs[0], last.outputs[0]);
    let [1, groups, own, height, width] = *shape(first.outputs[0]) else { return None };
    let channels = groups * own;
    let is_shuffle = permutation[..] == [0, 2, 1, 3, 4]
        && [x, result].iter().all(|id| *shape(*id) == [1, channels, height, width]);
    let order = (0..channels).map(|channel| (channel % groups * own + channel / groups) as i64);
    is_shuffle.then(|| (x, order.collect()))
}

#[cfg(test)]
mod tests {
    use framegate_backend_api::graph::GraphBuilder;

    use super::*;

    #[test]
    fn indices_count_from_either_end_and_stop_there() {
        let mut builder = GraphBuilder::new("x", [1, 4, 2, 3]);
        let x = builder.input();
        let indices = HostTensor::from_i64([5], vec![-1, 0, 0, 99, -99]);
        let indices = builder.constant("indices", indices);
        let y = builder.push("gather", Operator::Gather { axis: 1 }, &[x, indices]).unwrap();
        let graph = builder.finish(vec![y]);
        let found = arrangement(&graph, &graph.nodes[0]).unwrap();
        let expected = [3, 0, 0, 3, 0].map(|index| Channel { picture: x, index });
        assert_eq!(found, expected);
    }
}
