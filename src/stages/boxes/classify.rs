//! Classifiers: every class that is likely enough, with the whole picture as its box.

use framegate_backend_api::graph::{Activation, Graph, Operator, ValueId};
use framegate_models::detector::InputSize;

use super::candidate::Candidate;
use super::rows::reaches;

/// Decodes one score a class; scores that are no probabilities yet go through a softmax.
#[derive(Debug)]
pub(super) struct Classify {
    input: InputSize,
    needs_softmax: bool,
}

impl Classify {
    pub(super) fn new(input: InputSize, graph: &Graph) -> Self {
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

/// Whether a softmax or a sigmoid makes the value, perhaps reshaped since.
fn puts_out_probabilities(graph: &Graph, value: ValueId) -> bool {
    let maker = graph.nodes.iter().find(|node| node.outputs.contains(&value));
    maker.is_some_and(|node| match &node.operator {
        Operator::Softmax { .. } | Operator::Activation(Activation::Sigmoid) => true,
        Operator::Reshape { .. } => puts_out_probabilities(graph, node.inputs[0]),
        _ => false,
    })
}
