//! Quantises the convolutions of an `f32` graph after training, by what its values were on a few images.
//!
//! ```text
//! graph ─ Quantiser::new ─▶ convolutions, observed values ─ runs elsewhere ─▶ Observations
//!                                           chosen convolutions, Observations ─ quantise ─▶ graph
//! ```
//!
//! A quantised convolution reads whole numbers from 0 to 255 and has weights of 8 bits, with a scale per filter.
//! What is between two of them becomes numbers of 8 bits, too, so that a backend can keep them as bytes. The scheme
//! is that of Jacob et al., "Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only
//! Inference" (2018): one scale and zero point per feature map, zero exactly representable.

mod maps;
mod range;
mod rewrite;
mod weights;

use framegate_backend_api::graph::{Activation, Graph, Node, Operator, ValueId};

use crate::passes;
use maps::Maps;

pub use range::{Observation, Scale};

/// Least channels that a filter reads: with fewer, as in a first layer, there is little to gain and most to lose.
const LEAST_CHANNELS: usize = 8;

/// Finds the convolutions of a graph that can be quantised, and quantises them.
#[derive(Debug)]
pub struct Quantiser<'a> {
    graph: &'a Graph,
    convolutions: Vec<usize>,
}

impl<'a> Quantiser<'a> {
    /// Finds the convolutions that can be quantised: those of one image with constant weights that read at least
    /// eight channels, or one channel per filter, and not the pixels of the image.
    pub fn new(graph: &'a Graph) -> Self {
        let producers = graph.producers();
        let is_candidate = |index: &usize| {
            let node = &graph.nodes[*index];
            is_candidate(graph, node) && !is_of_image(graph, &producers, node.inputs[0])
        };
        Self { graph, convolutions: (0..graph.nodes.len()).filter(is_candidate).collect() }
    }

    /// The convolutions that can be quantised, as indices of [`Graph::nodes`].
    pub fn convolutions(&self) -> &[usize] {
        &self.convolutions
    }

    /// The values to observe before any of the convolutions is quantised.
    pub fn observed(&self) -> Vec<ValueId> {
        Maps::between(self.graph, &self.convolutions).values()
    }

    /// Results of convolutions that stay `f32` when all are quantised: where the loss arrives. The outputs of the
    /// graph where there are none.
    pub fn measured(&self) -> Vec<ValueId> {
        let maps = Maps::between(self.graph, &self.convolutions);
        let results = self.convolutions.iter().map(|index| self.graph.nodes[*index].outputs[0]);
        let last: Vec<ValueId> = results.filter(|id| maps.group(*id).is_none()).collect();
        if last.is_empty() { self.graph.outputs.clone() } else { last }
    }

    /// The graph with the `chosen` convolutions quantised, as far as these `outputs` depend on it. `observed` says
    /// what was seen of the values of [`Quantiser::observed`].
    pub fn quantise<'o>(
        &self,
        chosen: &[usize],
        outputs: &[ValueId],
        observed: impl Fn(ValueId) -> &'o Observation,
    ) -> Graph {
        let maps = Maps::between(self.graph, chosen);
        let scales = maps.scales(observed);
        rewrite::rewrite(self.graph, chosen, &maps, &scales, outputs)
    }
}

/// Whether a graph holds quantised numbers already.
pub fn is_quantised(graph: &Graph) -> bool {
    graph.nodes.iter().any(|node| makes_numbers(&node.operator))
}

/// Whether an operator quantises its results: by itself, or as the activation of a convolution.
fn makes_numbers(operator: &Operator) -> bool {
    let activation = match operator {
        Operator::Activation(activation) => Some(*activation),
        Operator::Convolution(convolution) => convolution.activation,
        Operator::TransposedConvolution(convolution) => convolution.activation,
        _ => None,
    };
    matches!(activation, Some(Activation::Quantize { .. }))
}

/// Whether a value is the image, or its pixels in other places.
fn is_of_image(graph: &Graph, producers: &[Option<usize>], mut id: ValueId) -> bool {
    while let Some(producer) = producers[id.0] {
        let node = &graph.nodes[producer];
        if !passes::moves_elements(&node.operator) {
            return false;
        }
        id = node.inputs[0];
    }
    id == graph.input
}

fn is_candidate(graph: &Graph, node: &Node) -> bool {
    let Operator::Convolution(convolution) = &node.operator else { return false };
    let (x, weights) = (graph.value(node.inputs[0]), graph.value(node.inputs[1]));
    let [1, channels, _, _] = x.shape[..] else { return false };
    let are_constant = weights.constant.as_ref().is_some_and(|it| it.as_f32().is_some());
    let is_depthwise = convolution.groups == channels && weights.shape[0] == channels;
    let is_wide = convolution.groups == 1 && channels >= LEAST_CHANNELS;
    x.constant.is_none() && are_constant && (is_depthwise || is_wide)
}

#[cfg(test)]
mod tests;
