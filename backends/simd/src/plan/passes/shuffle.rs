//! Channel shuffles, written as reshape, transpose and reshape, become one gather. So does what reads one of the groups
//! that a shuffle makes, as ShuffleNetV2 does where it shuffles and divides at once.

use framegate_backend_api::HostTensor;
use framegate_backend_api::graph::{Graph, Operator, ValueId};
use framegate_scalar::element_index;

use super::constant;

/// Replaces each reshape, transpose and reshape that shuffles channels, and each gather of a group after them, by one
/// gather.
pub(super) fn fold(mut graph: Graph) -> Graph {
    for index in 0..graph.nodes.len() {
        let found = shuffled(&graph, index).or_else(|| group(&graph, index));
        let Some((x, order)) = found else { continue };
        let order = HostTensor::from_i64([order.len()], order);
        let indices = constant(&mut graph, "order of channels", order);
        let node = &mut graph.nodes[index];
        node.operator = Operator::Gather { axis: 1 };
        node.inputs = vec![x, indices];
    }
    graph.without_dead_nodes()
}

/// The feature map whose channels the reshape at `index` finally shuffles, and their new order. For
/// six channels in two groups that is `[0, 3, 1, 4, 2, 5]`.
fn shuffled(graph: &Graph, index: usize) -> Option<(ValueId, Vec<i64>)> {
    let last = &graph.nodes[index];
    let Operator::Reshape { .. } = last.operator else { return None };
    let producers = graph.producers();
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

/// The feature map that the gather at `index` takes a group of channels of, and which ones these are:
///
/// ```text
/// [1, own · groups, H, W] ─▶ [own, groups, H · W] ─▶ [groups, own, H · W] ─▶ [groups, 1, own, H, W] ─▶ one of them
/// ```
fn group(graph: &Graph, index: usize) -> Option<(ValueId, Vec<i64>)> {
    let last = &graph.nodes[index];
    let Operator::Gather { axis: 0 } = last.operator else { return None };
    let chosen = graph.value(last.inputs[1]).constant.as_ref()?;
    let &[chosen] = chosen.as_i64()? else { return None };
    let producers = graph.producers();
    let made_by = |id: ValueId| producers[id.0].map(|index| &graph.nodes[index]);
    let shape = |id: ValueId| &graph.value(id).shape[..];
    let second = made_by(last.inputs[0])?;
    let transposition = made_by(second.inputs[0])?;
    let first = made_by(transposition.inputs[0])?;
    let (Operator::Reshape { .. }, Operator::Transpose { permutation }, Operator::Reshape { .. }) =
        (&second.operator, &transposition.operator, &first.operator)
    else {
        return None;
    };
    let (x, result) = (first.inputs[0], last.outputs[0]);
    let [own, groups, _] = *shape(first.outputs[0]) else { return None };
    let [1, channels, height, width] = *shape(x) else { return None };
    let is_group = permutation[..] == [1, 0, 2]
        && channels == own * groups
        && *shape(second.outputs[0]) == [groups, 1, own, height, width]
        && *shape(result) == [1, own, height, width];
    let chosen = element_index(chosen, groups);
    is_group.then(|| (x, (0..own).map(|at| (at * groups + chosen) as i64).collect()))
}
