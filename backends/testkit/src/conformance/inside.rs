//! Cases with several images inside the graph, as windows, tiles and regions are: the first axis of a
//! value need not be the batch axis.

use framegate_backend_api::graph::{AxisSlice, Batching, GraphBuilder, Operator, ValueId};

use super::case::Case;

/// The same case on `count` images in one, which the graph itself takes apart. `None` where its
/// operators give the first axis another meaning.
pub(super) fn inside(case: &Case, count: usize) -> Option<Case> {
    let graph = &case.graph;
    if graph.batching != Batching::FirstAxis {
        return None;
    }
    let image = graph.image_shape();
    let (first, rest) = image.split_first()?;
    let mut builder = GraphBuilder::new("input", [&[1, count * first], rest].concat());
    let apart = Operator::Reshape { shape: [&[count], image].concat() };
    let input = [builder.input()];
    let name = format!("{}, {count} images inside", case.name);
    let fits = |result: Result<Vec<ValueId>, _>| {
        result.unwrap_or_else(|error| panic!("case `{name}` is ill-formed: {error}"))
    };
    let mut values: Vec<Option<ValueId>> = graph
        .values
        .iter()
        .map(|value| Some(builder.constant(&value.name, value.constant.clone()?)))
        .collect();
    values[graph.input.0] = Some(fits(builder.node("images", apart, &input))[0]);
    for node in &graph.nodes {
        let inputs: Vec<ValueId> = node.inputs.iter().filter_map(|id| values[id.0]).collect();
        let operator = on_images(node.operator.clone(), count);
        let results = fits(builder.node(&node.name, operator, &inputs));
        for (id, result) in node.outputs.iter().zip(results) {
            values[id.0] = Some(result);
        }
    }
    let outputs = graph.outputs.iter().filter_map(|id| values[id.0]).collect();
    Some(Case { name, graph: builder.finish(outputs), ..*case })
}

/// An operator that is written for one image, for `count`.
fn on_images(mut operator: Operator, count: usize) -> Operator {
    match &mut operator {
        Operator::Reshape { shape } | Operator::Expand { shape } => shape[0] = count,
        Operator::Slice(slices) => slices[0] = AxisSlice::all(count),
        _ => {}
    }
    operator
}
