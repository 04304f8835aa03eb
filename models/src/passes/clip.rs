//! Moves a factor and an offset after a clip before it, where the convolution takes them up:
//!
//! ```text
//! clip(x, low, high) · f + o  =  clip(x · f + o, low · f + o, high · f + o)
//! ```
//!
//! With a negative factor the bounds change places; a ReLU is a clip without an upper one. The learnable affine blocks
//! of PP-HGNet, in which D-FINE and RT-DETR have a backbone, are of this kind.

use framegate_backend_api::graph::{Activation, Graph, Operator, ValueId};

use super::affine::{Change, per_channel_change};

/// Moves them where a convolution without an activation comes before.
pub(super) fn move_after_scaling(graph: &mut Graph) {
    let uses = graph.use_counts();
    let producers = graph.producers();
    let mut readers = vec![None; graph.values.len()];
    for (index, node) in graph.nodes.iter().enumerate() {
        node.inputs.iter().for_each(|id| readers[id.0] = Some(index));
    }
    for clip in 0..graph.nodes.len() {
        let Some(mut bounds) = bounds(&graph.nodes[clip].operator) else { continue };
        let x = graph.nodes[clip].inputs[0];
        let convolution = producers[x.0].filter(|_| uses[x.0] == 1);
        let follows_convolution = convolution
            .is_some_and(|index| matches!(graph.nodes[index].operator, Operator::Convolution(_)));
        if !follows_convolution {
            continue;
        }
        let mut chain = vec![clip];
        let mut value = graph.nodes[clip].outputs[0];
        while let Some(next) = readers[value.0].filter(|_| uses[value.0] == 1)
            && let Some(moved) = moved(graph, next, value, bounds)
        {
            bounds = moved;
            value = graph.nodes[next].outputs[0];
            chain.push(next);
        }
        rotate(graph, &chain, bounds);
    }
}

/// The bounds of a clip.
fn bounds(operator: &Operator) -> Option<[f32; 2]> {
    match *operator {
        Operator::Activation(Activation::Relu) => Some([0.0, f32::INFINITY]),
        Operator::Activation(Activation::Clip { min, max }) => Some([min, max]),
        _ => None,
    }
}

/// The bounds of a clip after a node that reads `value`, if that only scales or shifts all elements alike.
fn moved(graph: &Graph, node: usize, value: ValueId, bounds: [f32; 2]) -> Option<[f32; 2]> {
    let node = &graph.nodes[node];
    let (source, Change { factors, offsets }) = per_channel_change(graph, node)?;
    let keeps_shape = graph.value(value).shape == graph.value(node.outputs[0]).shape;
    if source != value || !keeps_shape {
        return None;
    }
    match (&factors[..], &offsets[..]) {
        ([factor], []) if factor.is_finite() && *factor != 0.0 => {
            let [low, high] = bounds.map(|bound| bound * factor);
            Some(if *factor > 0.0 { [low, high] } else { [high, low] })
        }
        ([], [offset]) if offset.is_finite() => Some(bounds.map(|bound| bound + offset)),
        _ => None,
    }
}

/// Makes the first node of a chain, a clip, the last one, with these bounds.
fn rotate(graph: &mut Graph, chain: &[usize], [min, max]: [f32; 2]) {
    let [clip, .., last] = *chain else { return };
    let mut before = graph.nodes[clip].inputs[0];
    for pair in chain.windows(2) {
        let mut node = graph.nodes[pair[1]].clone();
        node.outputs = graph.nodes[pair[0]].outputs.clone();
        let replaced = node.outputs[0];
        node.inputs.iter_mut().filter(|id| **id == replaced).for_each(|id| *id = before);
        before = replaced;
        graph.nodes[pair[0]] = node;
    }
    graph.nodes[last].operator = Operator::Activation(Activation::Clip { min, max });
    graph.nodes[last].inputs = vec![before];
}

#[cfg(test)]
mod tests {
    use framegate_backend_api::HostTensor;
    use framegate_backend_api::graph::{Binary, Convolution, GraphBuilder, Node, Padding};
    use framegate_scalar::evaluate_graph;

    use super::*;

    /// A convolution and `function`, with factors after it, an offset after those, and a reader.
    fn graph(function: Activation, factors: &[f32], offset: f32) -> Graph {
        let mut builder = GraphBuilder::new("x", [1, 1, 1, 4]);
        let weights = builder.constant("w", HostTensor::from_f32([2, 1, 1, 1], vec![1.0, -2.0]));
        let factors = HostTensor::from_f32([1, factors.len(), 1, 1], factors.to_vec());
        let factors = builder.constant("factors", factors);
        let offset = builder.constant("offset", HostTensor::from_f32([1], vec![offset]));
        let convolution = Operator::Convolution(Convolution {
            stride: [1, 1],
            dilation: [1, 1],
            padding: Padding::default(),
            groups: 1,
            activation: None,
        });
        let x = builder.input();
        let y = builder.push("convolution", convolution, &[x, weights]).unwrap();
        let y = builder.push("clip", Operator::Activation(function), &[y]).unwrap();
        let y = builder.push("scale", Operator::Binary(Binary::Mul), &[factors, y]).unwrap();
        let y = builder.push("shift", Operator::Binary(Binary::Add), &[y, offset]).unwrap();
        let y = builder.push("square", Operator::Binary(Binary::Mul), &[y, y]).unwrap();
        builder.finish(vec![y])
    }

    fn names(graph: &Graph) -> Vec<&str> {
        let name = |node: &Node| -> &'static str {
            match node.operator {
                Operator::Convolution(_) => "convolution",
                Operator::Activation(Activation::Clip { .. }) => "clip",
                Operator::Activation(_) => "activation",
                Operator::Binary(Binary::Mul) => "mul",
                _ => "add",
            }
        };
        graph.nodes.iter().map(name).collect()
    }

    #[test]
    fn the_clip_comes_last_and_the_results_stay() {
        let clips = [Activation::Relu, Activation::Clip { min: -1.0, max: 2.0 }];
        for (function, factor) in clips.into_iter().flat_map(|it| [(it, 3.0), (it, -0.5)]) {
            let before = graph(function, &[factor], 0.25);
            let mut after = before.clone();
            move_after_scaling(&mut after);
            assert_eq!(names(&after), ["convolution", "mul", "add", "clip", "mul"]);
            let x = HostTensor::from_f32([1, 1, 1, 4], vec![-3.0, -0.5, 0.75, 4.0]);
            let [before, after] = [before, after].map(|graph| evaluate_graph(&graph, &x));
            assert_eq!(before[0].as_f32(), after[0].as_f32(), "{function:?} · {factor}");
        }
    }

    #[test]
    fn what_differs_from_channel_to_channel_stays_behind() {
        let mut unchanged = graph(Activation::Relu, &[1.0, 2.0], 0.5);
        move_after_scaling(&mut unchanged);
        assert_eq!(names(&unchanged), ["convolution", "activation", "mul", "add", "mul"]);
        let mut zero = graph(Activation::Relu, &[0.0], 0.5);
        move_after_scaling(&mut zero);
        assert_eq!(names(&zero), ["convolution", "activation", "mul", "add", "mul"]);
        let mut other = graph(Activation::Silu, &[2.0], 0.5);
        move_after_scaling(&mut other);
        assert_eq!(names(&other), ["convolution", "activation", "mul", "add", "mul"]);
    }
}
