//! `classify`: classifiers; every class that is likely enough, with the whole image as its box.

use framegate_backend_api::OutputBatch;
use framegate_backend_api::graph::{
    Activation, Convolution, Graph, Operator, TransposedConvolution, ValueId,
};

use super::family::{Family, IMAGENET_DEVIATION, IMAGENET_MEAN, Preprocessing};
use super::outputs::{ClassCount, ModelOutputs};
use super::scores::{best_class, reaches};
use super::{Candidate, Decoder, Layout, Reading, Recognition, SidecarLine, Transcript};

/// Classifiers of torchvision, timm and most others: the middle 224 pixels of 256.
const IMAGENET: Family = Family {
    name: "imagenet",
    preprocessing: Preprocessing::STRETCHED
        .cropped(0.875)
        .antialiased()
        .standardised(IMAGENET_MEAN, IMAGENET_DEVIATION),
};

/// Classifiers of Ultralytics, which are trained without ImageNet's mean.
const ULTRALYTICS_CLASSIFY: Family = Family {
    name: "ultralytics-classify",
    preprocessing: Preprocessing::STRETCHED.cropped(1.0).antialiased(),
};

/// Classes of ImageNet, without and with a background, and of its larger collections.
const IMAGENET_CLASSES: [usize; 6] = [1000, 1001, 10_450, 11_821, 21_841, 21_843];

/// Landmarks, head angles and embeddings have the same shape.
const MAYBE: &[SidecarLine] = &[
    SidecarLine { line: "boxes = \"classify\"", when: "a score for each class of the image" },
    SidecarLine { line: "boxes = \"tensors\"", when: "numbers that mean something else" },
];

/// `[1, C]` or, before axes of one element are removed, `[1, C, 1, 1]`: a score for each class. Scores that are not probabilities yet go through a softmax.
#[derive(Debug)]
pub(super) struct Classify;

impl Layout for Classify {
    fn names(&self) -> &'static [&'static str] {
        &["classify"]
    }

    fn shape(&self) -> &'static str {
        "[1, classes], a score for each class of the whole image"
    }

    fn needs(&self, _outputs: &ModelOutputs<'_>) -> String {
        "[1, classes]".to_owned()
    }

    fn read(&self, outputs: &ModelOutputs<'_>) -> Option<Reading> {
        let ([1, classes] | [1, classes, 1, 1]) = *outputs.first() else { return None };
        Some(Reading::of(ClassCount::beyond(classes, 0)?))
    }

    fn recognise(&self, outputs: &ModelOutputs<'_>, _reading: &Reading) -> Recognition {
        let shape = outputs.first();
        if outputs.shapes.len() > 1 && outputs.task.is_none() {
            return Recognition::No;
        }
        let Some(reason) = evidence(outputs, shape[1]) else { return Recognition::Maybe(MAYBE) };
        Recognition::Yes(format!(
            "the first output is {shape:?} and {reason}: a score for each class"
        ))
    }

    fn families(&self) -> &'static [&'static Family] {
        &[&IMAGENET, &ULTRALYTICS_CLASSIFY]
    }

    /// Ultralytics writes a task into its files; others do not.
    fn default_family(&self, outputs: &ModelOutputs<'_>) -> &'static Family {
        if outputs.task.is_some() { &ULTRALYTICS_CLASSIFY } else { &IMAGENET }
    }

    fn needs_nms(&self) -> bool {
        false
    }

    fn reads_text(&self) -> bool {
        true
    }

    fn tasks(&self) -> &'static [&'static str] {
        &["classify"]
    }

    fn decoder(&self, outputs: &ModelOutputs<'_>, _reading: &Reading) -> Box<dyn Decoder> {
        let (graph, input) = (outputs.graph, outputs.input);
        Box::new(ClassDecoder {
            // The stage clips boxes to the frame, and the frame lies within the input.
            whole_input: [0.0, 0.0, input.width as f32, input.height as f32],
            needs_softmax: !makes_probabilities(graph, graph.outputs[0]),
        })
    }
}

/// The evidence that numbers are scores of classes, and not landmarks, angles or features.
fn evidence(outputs: &ModelOutputs<'_>, classes: usize) -> Option<&'static str> {
    if outputs.task.is_some() {
        return Some("the metadata names its task");
    }
    if outputs.labels == Some(classes) {
        return Some("there are as many labels");
    }
    if makes_probabilities(outputs.graph, *outputs.graph.outputs.first()?) {
        return Some("comes out of a softmax or sigmoid");
    }
    if outputs.position("logits") == Some(0) {
        return Some("is called `logits`");
    }
    IMAGENET_CLASSES.contains(&classes).then_some("has as many numbers as ImageNet has classes")
}

#[derive(Debug)]
struct ClassDecoder {
    whole_input: [f32; 4],
    needs_softmax: bool,
}

impl Decoder for ClassDecoder {
    fn decode(
        &mut self,
        outputs: &OutputBatch,
        image: usize,
        confidence: f32,
        candidates: &mut Vec<Candidate>,
    ) {
        let scores = self.scores(outputs.tensors[0].image(image));
        candidates.extend(scores.enumerate().filter_map(|(class_id, score)| {
            if !reaches(score, confidence) {
                return None;
            }
            Candidate::from_corners(self.whole_input, score, class_id)
        }));
    }

    fn text(
        &mut self,
        outputs: &OutputBatch,
        image: usize,
        labels: &[String],
    ) -> Option<Transcript> {
        let scores: Vec<f32> = self.scores(outputs.tensors[0].image(image)).collect();
        let (class_id, score) = best_class(&scores)?;
        Some(Transcript { text: labels.get(class_id)?.clone(), score })
    }
}

impl ClassDecoder {
    /// The probability of each class.
    fn scores(&self, output: &[f32]) -> impl Iterator<Item = f32> {
        let highest = output.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let total: f32 = output.iter().map(|logit| (logit - highest).exp()).sum();
        let needs_softmax = self.needs_softmax;
        output.iter().map(move |raw| match needs_softmax {
            true => (raw - highest).exp() / total,
            false => *raw,
        })
    }
}

/// Whether the value comes from a softmax or a sigmoid, possibly one that is fused into a convolution,
/// and has at most been reshaped or had its axes reordered since.
pub(super) fn makes_probabilities(graph: &Graph, value: ValueId) -> bool {
    source(graph, value).is_some_and(|operator| match operator {
        Operator::Softmax { .. } | Operator::Activation(Activation::Sigmoid) => true,
        Operator::Convolution(Convolution { activation, .. })
        | Operator::TransposedConvolution(TransposedConvolution { activation, .. }) => {
            *activation == Some(Activation::Sigmoid)
        }
        _ => false,
    })
}

/// Whether the value comes from a softmax, and has at most been moved since.
pub(super) fn comes_from_softmax(graph: &Graph, value: ValueId) -> bool {
    matches!(source(graph, value), Some(Operator::Softmax { .. }))
}

/// The operator that makes a value, before it is reshaped or its axes are reordered.
fn source(graph: &Graph, mut value: ValueId) -> Option<&Operator> {
    let producers = graph.producers();
    loop {
        let node = &graph.nodes[producers[value.0]?];
        match &node.operator {
            Operator::Reshape { .. } | Operator::Transpose { .. } => value = node.inputs[0],
            operator => return Some(operator),
        }
    }
}

#[cfg(test)]
mod tests {
    use framegate_backend_api::HostTensor;
    use framegate_backend_api::graph::{GraphBuilder, Padding};

    use super::super::testing::recognised;
    use super::*;
    use crate::Size;

    #[test]
    fn logits_are_scores_by_their_name() {
        let with = |name| {
            let input = Size { width: 64, height: 64 };
            recognised(&[(name, &[1, 12])], input, |outputs| outputs)
        };
        assert_eq!(with("logits"), Ok("classify"));
        assert!(with("features").is_err());
    }

    #[test]
    fn axes_of_one_element_do_not_count() {
        let input = Size { width: 224, height: 224 };
        let shape = [("out", &[1, 1000, 1, 1][..])];
        assert_eq!(recognised(&shape, input, |outputs| outputs), Ok("classify"));
    }

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

    /// Whether a model of one operator, which makes three scores from one pixel, and a reshape needs
    /// a softmax.
    fn needs_softmax(operator: Operator, weight: [usize; 4]) -> bool {
        let mut builder = GraphBuilder::new("image", [1, 1, 1, 1]);
        let weight = builder.constant("weight", HostTensor::from_f32(weight, vec![0.5; 3]));
        let scores = builder.push("scores", operator, &[builder.input(), weight]).unwrap();
        let flat = Operator::Reshape { shape: vec![1, 3] };
        let flat = builder.push("flat", flat, &[scores]).unwrap();
        let graph = builder.finish(vec![flat]);
        !makes_probabilities(&graph, graph.outputs[0])
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
