//! Puts nodes into topological order and leaves out those that no output needs, in linear time.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};

use framegate_onnx_proto::{GraphProto, NodeProto, ValueInfoProto};

/// Indices of the nodes that `outputs` depend on, each after those whose results it reads. A file that
/// is in order already keeps its order.
pub(super) fn order(
    nodes: &[&NodeProto],
    outputs: &[ValueInfoProto],
) -> Result<Vec<usize>, String> {
    let mut producers: HashMap<&str, usize> = HashMap::new();
    for (index, node) in nodes.iter().enumerate() {
        for name in node.output.iter().filter(|name| !name.is_empty()) {
            if producers.insert(name, index).is_some_and(|other| other != index) {
                return Err(format!("two nodes make `{name}`"));
            }
        }
    }

    let mut sources: Vec<Option<Vec<usize>>> = vec![None; nodes.len()];
    let mut pending: Vec<usize> =
        outputs.iter().filter_map(|output| producers.get(output.name.as_str()).copied()).collect();
    while let Some(index) = pending.pop() {
        if sources[index].is_some() {
            continue;
        }
        let mut reads = Vec::new();
        reads_of(nodes[index], &mut |name| reads.extend(producers.get(name)));
        pending.extend(&reads);
        sources[index] = Some(reads);
    }

    let is_in_order = sources
        .iter()
        .enumerate()
        .all(|(index, sources)| sources.iter().flatten().all(|source| *source < index));
    if is_in_order {
        return Ok((0..nodes.len()).filter(|index| sources[*index].is_some()).collect());
    }
    sorted(nodes, &sources)
}

/// Kahn's algorithm; of the nodes that are ready, the first in the file comes first.
fn sorted(nodes: &[&NodeProto], sources: &[Option<Vec<usize>>]) -> Result<Vec<usize>, String> {
    let mut readers: Vec<Vec<usize>> = vec![Vec::new(); nodes.len()];
    let mut missing = vec![0_usize; nodes.len()];
    let mut ready = BinaryHeap::new();
    let live = || sources.iter().enumerate().filter_map(|(i, of)| of.as_ref().map(|of| (i, of)));
    for (index, sources) in live() {
        missing[index] = sources.len();
        sources.iter().for_each(|source| readers[*source].push(index));
        if sources.is_empty() {
            ready.push(Reverse(index));
        }
    }
    let mut order = Vec::new();
    while let Some(Reverse(index)) = ready.pop() {
        order.push(index);
        for reader in &readers[index] {
            missing[*reader] -= 1;
            if missing[*reader] == 0 {
                ready.push(Reverse(*reader));
            }
        }
    }
    if order.len() < live().count() {
        let waiting = live().find(|(index, _)| missing[*index] > 0).map_or(0, |(index, _)| index);
        let name = nodes[waiting].output.first().map_or("", String::as_str);
        return Err(format!("the node that makes `{name}` depends on its own result"));
    }
    Ok(order)
}

/// Calls `visit` with every name that a node reads, in its subgraphs too. Names that are made within a
/// subgraph are among them; no other node makes those.
pub(in crate::onnx) fn reads_of<'a>(node: &'a NodeProto, visit: &mut impl FnMut(&'a str)) {
    node.input.iter().filter(|name| !name.is_empty()).for_each(|name| visit(name));
    for attribute in &node.attribute {
        for graph in attribute.g.as_deref().into_iter().chain(&attribute.graphs) {
            graph.node.iter().for_each(|node| reads_of(node, visit));
            graph.output.iter().for_each(|output| visit(&output.name));
        }
    }
}

/// Puts the nodes of a node's subgraphs into order.
pub(super) fn order_subgraphs(node: &mut NodeProto) -> Result<(), String> {
    for attribute in &mut node.attribute {
        for graph in attribute.g.as_deref_mut().into_iter().chain(&mut attribute.graphs) {
            order_graph(graph)?;
        }
    }
    Ok(())
}

fn order_graph(graph: &mut GraphProto) -> Result<(), String> {
    let order = order(&graph.node.iter().collect::<Vec<_>>(), &graph.output)?;
    let mut nodes: Vec<_> = std::mem::take(&mut graph.node).into_iter().map(Some).collect();
    graph.node = order.into_iter().filter_map(|index| nodes[index].take()).collect();
    graph.node.iter_mut().try_for_each(order_subgraphs)
}
