use std::collections::HashMap;

use framegate_backend_api::HostTensor;
use framegate_backend_api::graph::{Binary, Convolution, GraphBuilder, Padding, Window};
use framegate_scalar::evaluate_graph;

use super::*;

/// A small net, by the names of its values:
///
/// ```text
/// x ─▶ first ─▶ a ─▶ pooled ─▶ joined ─▶ b ─▶ sum ─▶ y
///                a ────────────▶
///                a ─▶ c ─────────▶ ─────────────▶
/// ```
struct Net {
    builder: GraphBuilder,
    random: fastrand::Rng,
}

impl Net {
    fn convolution(&mut self, x: ValueId, [filters, channels, extent]: [usize; 3]) -> ValueId {
        let len = filters * channels * extent * extent;
        let deviation = 1.5 / ((channels * extent * extent) as f32).sqrt();
        let weights = (0..len).map(|_| (self.random.f32() - 0.5) * 2.0 * deviation).collect();
        let weights = HostTensor::from_f32([filters, channels, extent, extent], weights);
        let weights = self.builder.constant("weights", weights);
        let pad = extent / 2;
        let convolution = Convolution {
            stride: [1, 1],
            dilation: [1, 1],
            padding: Padding { top: pad, left: pad, bottom: pad, right: pad },
            groups: 1,
            activation: Some(Activation::Silu),
        };
        self.builder.push("c", Operator::Convolution(convolution), &[x, weights]).unwrap()
    }
}

fn net() -> Graph {
    let builder = GraphBuilder::new("x", [1, 3, 8, 8]);
    let mut net = Net { builder, random: fastrand::Rng::with_seed(7) };
    let x = net.builder.input();
    let a = net.convolution(x, [16, 3, 3]);
    let window = Window {
        kernel: [3, 3],
        stride: [1, 1],
        dilation: [1, 1],
        padding: Padding { top: 1, left: 1, bottom: 1, right: 1 },
    };
    let pooled = net.builder.push("pool", Operator::MaxPool(window), &[a]).unwrap();
    let joined = net.builder.push("concat", Operator::Concat { axis: 1 }, &[pooled, a]).unwrap();
    let b = net.convolution(joined, [16, 32, 3]);
    let c = net.convolution(a, [16, 16, 1]);
    let sum = net.builder.push("sum", Operator::Binary(Binary::Add), &[b, c]).unwrap();
    let y = net.convolution(sum, [8, 16, 1]);
    net.builder.finish(vec![y])
}

fn image(seed: u64) -> HostTensor {
    let mut random = fastrand::Rng::with_seed(seed);
    HostTensor::from_f32([1, 3, 8, 8], (0..192).map(|_| random.f32()).collect())
}

/// Observes the values for four images.
fn observations(graph: &Graph, ids: &[ValueId]) -> HashMap<ValueId, Observation> {
    let observed = Graph { outputs: ids.to_vec(), ..graph.clone() };
    let mut seen: HashMap<ValueId, Observation> = HashMap::new();
    for seed in 0..4 {
        for (id, tensor) in ids.iter().zip(evaluate_graph(&observed, &image(seed))) {
            seen.entry(*id).or_default().observe(tensor.as_f32().unwrap());
        }
    }
    seen
}

fn quantised(graph: &Graph, chosen: &[usize]) -> Graph {
    let quantiser = Quantiser::new(graph);
    let seen = observations(graph, &quantiser.observed());
    quantiser.quantise(chosen, &graph.outputs, |id| &seen[&id])
}

fn count(graph: &Graph, is_it: impl Fn(&Operator) -> bool) -> usize {
    graph.nodes.iter().filter(|node| is_it(&node.operator)).count()
}

/// Root of the mean squared difference, relative to the root of the mean square.
fn loss(graph: &Graph, quantised: &Graph) -> f32 {
    let [exact, near] = [graph, quantised].map(|graph| evaluate_graph(graph, &image(9)).remove(0));
    let (exact, near) = (exact.as_f32().unwrap(), near.as_f32().unwrap());
    let squares = |numbers: &mut dyn Iterator<Item = f32>| -> f32 { numbers.map(|x| x * x).sum() };
    let lost = squares(&mut exact.iter().zip(near).map(|(a, b)| a - b));
    (lost / squares(&mut exact.iter().copied())).sqrt()
}

#[test]
fn all_but_the_first_layer_are_candidates() {
    let graph = net();
    let quantiser = Quantiser::new(&graph);
    assert_eq!(quantiser.convolutions(), [3, 4, 6]);
    assert_eq!(quantiser.observed().len(), 6);
    assert_eq!(quantiser.measured(), graph.outputs);
}

#[test]
fn pixels_in_other_places_are_not_quantised() {
    let builder = GraphBuilder::new("x", [1, 3, 8, 8]);
    let mut net = Net { builder, random: fastrand::Rng::with_seed(8) };
    let x = net.builder.input();
    let many = net.builder.push("many", Operator::Concat { axis: 1 }, &[x, x, x]).unwrap();
    let a = net.convolution(many, [16, 9, 3]);
    let y = net.convolution(a, [8, 16, 1]);
    let graph = net.builder.finish(vec![y]);
    assert_eq!(Quantiser::new(&graph).convolutions(), [2]);
}

#[test]
fn what_a_sum_that_is_cut_off_reads_is_quantised() {
    let builder = GraphBuilder::new("x", [1, 3, 8, 8]);
    let mut net = Net { builder, random: fastrand::Rng::with_seed(9) };
    let x = net.builder.input();
    let a = net.convolution(x, [16, 3, 3]);
    let b = net.convolution(a, [16, 16, 3]);
    let sum = net.builder.push("sum", Operator::Binary(Binary::Add), &[a, b]).unwrap();
    let relu = net.builder.push("r", Operator::Activation(Activation::Relu), &[sum]).unwrap();
    let y = net.convolution(relu, [8, 16, 1]);
    let graph = net.builder.finish(vec![y]);
    assert_eq!(Quantiser::new(&graph).observed(), [a, b, relu]);
}

#[test]
fn little_is_lost_and_less_where_less_is_quantised() {
    let graph = net();
    let all = loss(&graph, &quantised(&graph, &[3, 4, 6]));
    assert!(all > 0.0 && all < 0.1, "{all}");
    let one = loss(&graph, &quantised(&graph, &[6]));
    assert!(one > 0.0 && one < all, "{one} {all}");
    assert_eq!(loss(&graph, &quantised(&graph, &[])), 0.0);
}

#[test]
fn bytes_are_made_once_and_moved() {
    let graph = net();
    assert!(!is_quantised(&graph));
    let graph = quantised(&graph, &[3, 4, 6]);
    assert!(is_quantised(&graph));
    // The first layer's, `b`'s, `c`'s and the sum's; the pool and the concatenation move theirs.
    assert_eq!(count(&graph, makes_numbers), 4, "{:#?}", graph.nodes);
    let producers = graph.producers();
    for node in &graph.nodes {
        if let Operator::MaxPool(_) | Operator::Concat { .. } = node.operator {
            for id in &node.inputs {
                let operand = producers[id.0].map(|index| &graph.nodes[index].operator);
                let is_number = operand.is_some_and(|it| {
                    makes_numbers(it)
                        || matches!(it, Operator::MaxPool(_) | Operator::Concat { .. })
                });
                assert!(is_number, "{operand:?}");
            }
        }
    }
}

#[test]
fn a_graph_whose_convolutions_quantise_their_results_is_quantised() {
    let mut graph = net();
    let quantize = Activation::Quantize { scale: 0.1, zero: 0.0, min: 0.0, max: 255.0 };
    let Operator::Convolution(last) = &mut graph.nodes[6].operator else { panic!("a convolution") };
    last.activation = Some(quantize);
    assert!(is_quantised(&graph));
}
