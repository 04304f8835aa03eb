//! Classifiers: every class that is likely enough, with the whole image as its box.

use framegate_backend_api::graph::{
    Activation, Convolution, Graph, Operator, TransposedConvolution, ValueId,
};
use framegate_models::Size;

use super::candidate::Candidate;
use super::rows::reaches;

/// Decodes one score a class; scores that are no probabilities yet go through a softmax.
#[derive(Debug)]
pub(super) struct Classify {
    input: Size,
    needs_softmax: bool,
}

impl Classify {
    pub(super) fn new(input: Size, graph: &Graph) -> Self {
        Self { input, needs_softmax: !puts_out_probabilities(graph, graph.outputs[0]) }
    }

    pub(super) fn decode(&self, output: &[f32], confidence: f32, candidates: &mut Vec<Candidate>) {
        // The stage clips boxes to the frame, and the frame lies within the input.
        let whole = [0.0, 0.0, self.input.width as f32, self.input.height as f32];
        let highest = output.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let total: f32 = output.iter().map(|logit| (logit - highest).exp()).sum();
        candidates.extend(output.iter().enumerate().filter_map(|(class_id, raw)| {
            let score = if self.needs_softmax { (raw - highest).exp() / total } else { *raw };
            if !reaches(score, confidence) {
                return None;
            }
            Candidate::from_corners(whole, score, class_id)
        }));
    }
}

/// Whether a softmax or a sigmoid, perhaps one fused into a convolution, makes the value, perhaps
/// reshaped since.
fn puts_out_probabilities(graph: &Graph, value: ValueId) -> bool {
    let maker = graph.nodes.iter().find(|node| node.outputs.contains(&value));
    maker.is_some_and(|node| match &node.operator {
        Operator::Softmax { .. } | Operator::Activation(Activation::Sigmoid) => true,
        Operator::Convolution(Convolution { activation, .. })
        | Operator::TransposedConvolution(TransposedConvolution { activation, .. }) => {
            *activation == Some(Activation::Sigmoid)
        }
        Operator::Reshape { .. } => puts_out_probabilities(graph, node.inputs[0]),
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    use framegate_backend_api::HostTensor;
    use framegate_backend_api::graph::{GraphBuilder, Padding};

    use super::*;

    fn convolution(activation: Option<Activation>) -> Operator {
        let (stride, dilation, padding) = ([1, 1], [1, 1], Padding::default());
        Operator::Convolution(Convolution { stride, dilation, padding, groups: 1, activation })
    }

    fn transposed_convolution(activation: Option<Activation>) -> Operator {
        Operator::TransposedConvolution(TransposedConvolution {
            stride: [1, 1],
            dilation: [1, 1],
            padding: Padding::default(),
            output_padding: [0, 0],
            groups: 1,
            activation,
        })
    }

    /// For a model of one operator, which makes three scores of one pixel, and a reshape.
    fn needs_softmax(operator: Operator, weight: [usize; 4]) -> bool {
        let mut builder = GraphBuilder::new("image", [1, 1, 1, 1]);
        let weight = builder.constant("weight", HostTensor::from_f32(weight, vec![0.5; 3]));
        let scores = builder.push("scores", operator, &[builder.input(), weight]).unwrap();
        let flat = Operator::Reshape { shape: vec![1, 3] };
        let flat = builder.push("flat", flat, &[scores]).unwrap();
        let input = Size { width: 1, height: 1 };
        Classify::new(input, &builder.finish(vec![flat])).needs_softmax
    }

    #[test]
    fn a_sigmoid_fused_into_a_convolution_makes_probabilities() {
        for (activation, expected) in
            [(Some(Activation::Sigmoid), false), (Some(Activation::Relu), true), (None, true)]
        {
            assert_eq!(needs_softmax(convolution(activation), [3, 1, 1, 1]), expected);
            assert_eq!(needs_softmax(transposed_convolution(activation), [1, 3, 1, 1]), expected);
        }
    }
}
