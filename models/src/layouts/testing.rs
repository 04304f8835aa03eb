//! Helpers for the tests of layouts: outputs by name, shape and elements.

use std::ops::Range;

use framegate_backend_api::graph::{Activation, Graph, GraphBuilder, Operator};
use framegate_backend_api::{HostTensor, OutputBatch, OutputTensor};

use super::{BoxLayout, Candidate, Decoder, LayoutError, ModelOutputs, choose};
use crate::Size;

/// A graph with outputs of these names and shapes that computes nothing.
pub(super) fn graph(outputs: &[(&str, &[usize])]) -> Graph {
    let mut builder = GraphBuilder::new("image", [1, 3, 1, 1]);
    let ids = outputs.iter().map(|(name, shape)| {
        let len = shape.iter().product();
        builder.constant(name, HostTensor::from_f32(shape.to_vec(), vec![0.0; len]))
    });
    let ids = ids.collect();
    builder.finish(ids)
}

/// A graph that puts out `[1, count, width]`, of which these columns come out of a sigmoid.
pub(super) fn rows_through_sigmoid(count: usize, width: usize, scores: Range<usize>) -> Graph {
    let mut builder = GraphBuilder::new("image", [1, 3, 1, 1]);
    let parts = [(0..scores.start, false), (scores.clone(), true), (scores.end..width, false)];
    let mut columns = Vec::new();
    for (part, is_score) in parts.into_iter().filter(|(part, _)| !part.is_empty()) {
        let shape = [1, count, part.len()];
        let zeros = HostTensor::from_f32(shape, vec![0.0; shape.iter().product()]);
        let name = format!("columns {part:?}");
        let mut column = builder.constant(&name, zeros);
        if is_score {
            let sigmoid = Operator::Activation(Activation::Sigmoid);
            column = builder.push("scores", sigmoid, &[column]).unwrap();
        }
        columns.push(column);
    }
    let rows = builder.push("rows", Operator::Concat { axis: 2 }, &columns).unwrap();
    builder.finish(vec![rows])
}

/// Outputs with their elements.
pub(super) fn batch(outputs: &[(&str, &[usize], Vec<f32>)]) -> OutputBatch {
    let tensor = |(name, shape, data): &(&str, &[usize], Vec<f32>)| {
        assert_eq!(shape.iter().product::<usize>(), data.len(), "{name}");
        OutputTensor { name: (*name).to_owned(), image_shape: shape.to_vec(), data: data.clone() }
    };
    OutputBatch { tensors: outputs.iter().map(tensor).collect() }
}

/// The decoder of a layout for these outputs.
pub(super) fn decoder(
    layout: &BoxLayout,
    input: Size,
    outputs: &[(&str, &[usize], Vec<f32>)],
) -> Box<dyn Decoder> {
    let shapes: Vec<(&str, &[usize])> =
        outputs.iter().map(|(name, shape, _)| (*name, *shape)).collect();
    layout.decoder(&graph(&shapes), input).unwrap()
}

/// Candidates of at least 0.25 that the layout of this name finds.
pub(super) fn decode(
    layout: &str,
    input: Size,
    outputs: &[(&str, &[usize], Vec<f32>)],
) -> Vec<Candidate> {
    let mut decoder = decoder(&BoxLayout::named(layout).unwrap(), input, outputs);
    let batch = batch(outputs);
    decoder.check(&batch, 0).unwrap();
    let mut candidates = Vec::new();
    decoder.decode(&batch, 0, 0.25, &mut candidates);
    candidates
}

/// The name of the layout that the outputs are recognised by.
pub(super) fn recognised(
    outputs: &[(&str, &[usize])],
    input: Size,
    facts: impl FnOnce(ModelOutputs<'_>) -> ModelOutputs<'_>,
) -> Result<&'static str, LayoutError> {
    let graph = graph(outputs);
    choose(&facts(ModelOutputs::of(&graph, input)), None).map(|choice| choice.layout.name())
}

/// Asserts that a candidate is this box, with some tolerance for rounding.
#[track_caller]
pub(super) fn assert_box(candidate: &Candidate, class_id: usize, score: f32, corners: [f32; 4]) {
    let Candidate { left, top, right, bottom, .. } = *candidate;
    assert_eq!(candidate.class_id, class_id, "{candidate:?}");
    assert!((candidate.score - score).abs() < 1e-4, "{candidate:?} does not score {score}");
    for (got, expected) in [left, top, right, bottom].into_iter().zip(corners) {
        assert!((got - expected).abs() < 1e-2, "{candidate:?} is not {corners:?}");
    }
}
