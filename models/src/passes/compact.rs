//! Drops nodes and constants that no output depends on.

use std::collections::HashMap;

use framegate_backend_api::graph::{Graph, GraphBuilder, ValueId};

/// The same graph without dead nodes and unused constants, with values renumbered.
pub(super) fn compact(graph: Graph) -> Graph {
    let graph = graph.without_dead_nodes();
    let input = graph.value(graph.input);
    let mut builder = GraphBuilder::new(&input.name, input.shape.clone());
    let mut moved = HashMap::from([(graph.input, builder.input())]);
    for node in &graph.nodes {
        let operands: Vec<ValueId> = node
            .inputs
            .iter()
            .map(|id| *moved.entry(*id).or_insert_with(|| copy_constant(&graph, *id, &mut builder)))
            .collect();
        let results = builder
            .node(&node.name, node.operator.clone(), &operands)
            .expect("a pass leaves nodes whose operands fit");
        for (old, new) in node.outputs.iter().zip(results) {
            builder.rename(new, &graph.value(*old).name);
            moved.insert(*old, new);
        }
    }
    let outputs = graph.outputs.iter().map(|id| moved[id]).collect();
    builder.finish(outputs)
}

fn copy_constant(graph: &Graph, id: ValueId, builder: &mut GraphBuilder) -> ValueId {
    let value = graph.value(id);
    let constant = value.constant.clone().expect("what no node makes is constant");
    builder.constant(&value.name, constant)
}
