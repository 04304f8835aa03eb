//! `classify`: classifiers; every class that is likely enough, with the whole image as its box.

use framegate_backend_api::graph::{
    Activation, Convolution, Graph, Operator, TransposedConvolution, ValueId,
};
use framegate_backend_api::{ElementType, OutputBatch};

use super::family::{Family, IMAGENET_DEVIATION, IMAGENET_MEAN, Preprocessing};
use super::outputs::{ClassCount, ModelOutputs, OutputShape};
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
        let classes = classes_of(outputs, scores(outputs))?;
        Some(Reading::of(ClassCount::beyond(classes, 0)?))
    }

    fn recognise(&self, outputs: &ModelOutputs<'_>, _reading: &Reading) -> Recognition {
        let position = scores(outputs);
        let OutputShape { name, shape } = outputs.shapes[position];
        let mut others = (0..outputs.shapes.len()).filter(|at| *at != position);
        if outputs.task.is_none() && !others.all(|at| adds_nothing(outputs, at)) {
            return Recognition::No;
        }
        let Some(reason) = evidence(outputs, position, shape[1]) else {
            return Recognition::Maybe(MAYBE);
        };
        let which = match position {
            0 => "the first output".to_owned(),
            _ => format!("the output `{name}`"),
        };
        Recognition::Yes(format!("{which} is {shape:?} and {reason}: a score for each class"))
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
            output: scores(outputs),
            needs_softmax: !makes_probabilities(graph, graph.outputs[scores(outputs)]),
        })
    }
}

/// The output with the scores: the only one that shows them, else the first.
fn scores(outputs: &ModelOutputs<'_>) -> usize {
    let mut shown = (0..outputs.shapes.len()).filter(|position| shows_scores(outputs, *position));
    shown.next().filter(|_| shown.next().is_none()).unwrap_or(0)
}

/// Whether an output has the shape of scores, and its name or the graph shows that it holds some.
fn shows_scores(outputs: &ModelOutputs<'_>, position: usize) -> bool {
    let is_named = outputs.position("logits") == Some(position);
    let makes = || {
        let output = outputs.graph.outputs.get(position);
        output.is_some_and(|output| makes_probabilities(outputs.graph, *output))
    };
    classes_of(outputs, position).is_some() && (is_named || makes())
}

/// Fewest numbers that describe an image, beside its scores; a box or key points are fewer.
const FEWEST_FEATURES: usize = 256;

/// Whether an output beside the scores is the number of the best class, or features of the whole image.
fn adds_nothing(outputs: &ModelOutputs<'_>, position: usize) -> bool {
    let Some(id) = outputs.graph.outputs.get(position) else { return false };
    let is_number = outputs.graph.value(*id).element_type == ElementType::I64
        && outputs.shapes[position].shape.iter().product::<usize>() == 1;
    let is_long = classes_of(outputs, position).is_some_and(|len| len >= FEWEST_FEATURES);
    is_number || (is_long && !shows_scores(outputs, position))
}

fn classes_of(outputs: &ModelOutputs<'_>, position: usize) -> Option<usize> {
    match *outputs.shapes.get(position)?.shape {
        [1, classes] | [1, classes, 1, 1] => Some(classes),
        _ => None,
    }
}

/// The evidence that numbers are scores of classes, and not landmarks, angles or features.
fn evidence(outputs: &ModelOutputs<'_>, position: usize, classes: usize) -> Option<&'static str> {
    if outputs.task.is_some() {
        return Some("the metadata names its task");
    }
    if outputs.labels == Some(classes) {
        return Some("there are as many labels");
    }
    if makes_probabilities(outputs.graph, *outputs.graph.outputs.get(position)?) {
        return Some("comes out of a softmax or sigmoid");
    }
    if outputs.position("logits") == Some(position) {
        return Some("is called `logits`");
    }
    IMAGENET_CLASSES.contains(&classes).then_some("has as many numbers as ImageNet has classes")
}

#[derive(Debug)]
struct ClassDecoder {
    /// Position of the scores.
    output: usize,
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
        let scores = self.scores(outputs.tensors[self.output].image(image));
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
        let scores: Vec<f32> = self.scores(outputs.tensors[self.output].image(image)).collect();
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

    use super::super::choose;
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
    fn a_label_or_features_beside_the_scores_do_not_count() {
        let input = Size { width: 64, height: 64 };
        let name = |kinds: &[&str]| {
            let mut builder = GraphBuilder::new("image", [1, 12, 1, 1]);
            let flat = Operator::Reshape { shape: vec![1, 12] };
            let flat = builder.push("flat", flat, &[builder.input()]).unwrap();
            let mut output = |kind: &&str| match *kind {
                "scores" => builder.push("s", Operator::Softmax { axis: 1 }, &[flat]).unwrap(),
                "label" => builder.constant("l", HostTensor::from_i64([1], vec![3])),
                "features" => builder.constant("f", HostTensor::from_f32([1, 512], vec![0.0; 512])),
                _ => builder.constant("b", HostTensor::from_f32([1, 4], vec![0.0; 4])),
            };
            let ids = kinds.iter().map(&mut output).collect();
            let graph = builder.finish(ids);
            choose(&ModelOutputs::of(&graph, input), None).map(|choice| choice.layout.name())
        };
        assert_eq!(name(&["label", "scores"]), Ok("classify"));
        assert_eq!(name(&["features", "scores"]), Ok("classify"));
        assert!(name(&["scores", "box"]).is_err());
        assert!(name(&["scores", "scores"]).is_err());
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
