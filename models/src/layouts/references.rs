//! Evidence from the graph: whether a DETR predicts its boxes as they are, or as offsets from references.
//!
//! Those with a class for nothing and a softmax (DETR, YOLOS, Table Transformer) end in `sigmoid(mlp(x))`. Those
//! that score each class by itself (Conditional and Deformable DETR, RT-DETR, D-FINE) end in
//! `sigmoid(mlp(x) + reference)`, or compute a box from distances to a reference.

use framegate_backend_api::graph::{Activation, Binary, Graph, Operator, Unary, ValueId};

/// Most values that are looked at: real files need a few dozen.
const MAX_VISITS: usize = 4096;

/// Where the numbers of a box are from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BoxesFrom {
    /// A linear layer alone.
    Layer,
    /// A linear layer and references that differ between queries.
    References,
}

/// Where the boxes of `output` are from; `None` where the graph does not show it.
pub(super) fn boxes_from(graph: &Graph, output: ValueId) -> Option<BoxesFrom> {
    Walk { graph, producers: graph.producers(), visits: 0 }.source(output)
}

struct Walk<'a> {
    graph: &'a Graph,
    producers: Vec<Option<usize>>,
    visits: usize,
}

impl Walk<'_> {
    fn source(&mut self, value: ValueId) -> Option<BoxesFrom> {
        self.visits += 1;
        let producer = self.producers[value.0].filter(|_| self.visits <= MAX_VISITS)?;
        let node = &self.graph.nodes[producer];
        match &node.operator {
            Operator::MatMul | Operator::Convolution(_) => Some(BoxesFrom::Layer),
            Operator::Reshape { .. }
            | Operator::Transpose { .. }
            | Operator::Slice(_)
            | Operator::Cast(_)
            | Operator::Gather { .. }
            | Operator::Expand { .. }
            // Quantised numbers are rounded and kept within bounds.
            | Operator::Unary(Unary::Round)
            | Operator::Activation(Activation::Sigmoid | Activation::Clip { .. }) => {
                self.source(node.inputs[0])
            }
            // What an assignment to a part of the numbers writes.
            Operator::Scatter(_) => self.source(node.inputs[2]),
            Operator::Concat { .. } => self.of_parts(&node.inputs),
            Operator::Binary(Binary::Add | Binary::Sub | Binary::Mul | Binary::Div) => {
                self.of_operands([node.inputs[0], node.inputs[1]])
            }
            _ => None,
        }
    }

    /// Of numbers that are put side by side: references for some of them are enough.
    fn of_parts(&mut self, parts: &[ValueId]) -> Option<BoxesFrom> {
        let sources: Vec<_> = parts.iter().map(|part| self.source(*part)).collect();
        if sources.contains(&Some(BoxesFrom::References)) {
            return Some(BoxesFrom::References);
        }
        sources.into_iter().reduce(|all, one| all.filter(|_| one == all)).flatten()
    }

    /// Whether a value has one number for all queries, or one for each of a box's numbers.
    fn is_for_all(&self, value: ValueId) -> bool {
        let shape = &self.graph.value(value).shape;
        shape.iter().rev().skip(1).all(|extent| *extent == 1)
    }

    fn of_operands(&mut self, operands: [ValueId; 2]) -> Option<BoxesFrom> {
        let fixed = operands.map(|id| self.graph.value(id).constant.is_some());
        let (constant, computed) = match fixed {
            [true, false] => (operands[0], operands[1]),
            [false, true] => (operands[1], operands[0]),
            // Scales that are computed while an image is quantised are the same for each query.
            _ => {
                return match operands.map(|id| self.is_for_all(id)) {
                    [false, true] => self.source(operands[0]),
                    [true, false] => self.source(operands[1]),
                    _ => Some(BoxesFrom::References),
                };
            }
        };
        // A bias or a factor is the same for each query; references that are learnt are not.
        let shape = &self.graph.value(constant).shape;
        match shape.iter().filter(|extent| **extent != 1).count() {
            0 | 1 => self.source(computed),
            _ => Some(BoxesFrom::References),
        }
    }
}

#[cfg(test)]
mod tests {
    use framegate_backend_api::HostTensor;
    use framegate_backend_api::graph::{GraphBuilder, Reduce, Reduction};

    use super::super::{ModelOutputs, choose};
    use super::*;
    use crate::Size;

    /// Logits of twelve numbers for three queries, and their boxes: `sigmoid(x · W + bias)`, with a reference of this
    /// shape added before the sigmoid.
    fn detr_with(reference: Option<&[usize]>) -> Graph {
        let mut builder = GraphBuilder::new("queries", [1, 3, 4]);
        let constant = |builder: &mut GraphBuilder, shape: &[usize]| {
            let count = shape.iter().product();
            builder.constant("constant", HostTensor::from_f32(shape.to_vec(), vec![0.5; count]))
        };
        let add = || Operator::Binary(Binary::Add);
        let (weight, bias) = (constant(&mut builder, &[4, 4]), constant(&mut builder, &[4]));
        let product =
            builder.push("product", Operator::MatMul, &[builder.input(), weight]).unwrap();
        let mut boxes = builder.push("biased", add(), &[product, bias]).unwrap();
        if let Some(shape) = reference {
            let reference = constant(&mut builder, shape);
            boxes = builder.push("refined", add(), &[boxes, reference]).unwrap();
        }
        let sigmoid = Operator::Activation(Activation::Sigmoid);
        let boxes = builder.push("pred_boxes", sigmoid, &[boxes]).unwrap();
        let logits = HostTensor::from_f32([1, 3, 12], vec![0.0; 36]);
        let logits = builder.constant("logits", logits);
        builder.finish(vec![logits, boxes])
    }

    fn boxes_with(reference: Option<&[usize]>) -> Option<BoxesFrom> {
        let graph = detr_with(reference);
        boxes_from(&graph, graph.outputs[1])
    }

    #[test]
    fn references_decide_between_softmax_and_sigmoid() {
        for (reference, expected) in [(None, "detr"), (Some(&[1, 3, 4][..]), "rt-detr")] {
            let graph = detr_with(reference);
            let outputs = ModelOutputs::of(&graph, Size { width: 640, height: 640 });
            let layout = choose(&outputs, None).map(|choice| choice.layout.name());
            assert_eq!(layout, Ok(expected), "{reference:?}");
        }
    }

    #[test]
    fn a_bias_does_not_differ_between_queries() {
        assert_eq!(boxes_with(None), Some(BoxesFrom::Layer));
        assert_eq!(boxes_with(Some(&[1, 1, 4])), Some(BoxesFrom::Layer));
        assert_eq!(boxes_with(Some(&[1, 3, 4])), Some(BoxesFrom::References));
    }

    /// `quantize_dynamic` multiplies with a scale that it computes; QDQ rounds and bounds what comes out.
    #[test]
    fn quantised_layers_are_layers() {
        let mut builder = GraphBuilder::new("queries", [1, 3, 4]);
        let input = builder.input();
        let weight = builder.constant("weight", HostTensor::from_f32([4, 4], vec![0.5; 16]));
        let step = builder.constant("step", HostTensor::from_f32([], vec![0.5]));
        let product = builder.push("product", Operator::MatMul, &[input, weight]).unwrap();
        let all = Reduce { reduction: Reduction::Max, axes: vec![0, 1, 2], keep_axes: false };
        let scale = builder.push("scale", Operator::Reduce(all), &[input]).unwrap();
        let mul = || Operator::Binary(Binary::Mul);
        let scaled = builder.push("scaled", mul(), &[product, scale]).unwrap();
        let divided =
            builder.push("divided", Operator::Binary(Binary::Div), &[scaled, step]).unwrap();
        let rounded = builder.push("rounded", Operator::Unary(Unary::Round), &[divided]).unwrap();
        let refined = builder.push("refined", mul(), &[rounded, input]).unwrap();
        let graph = builder.finish(vec![rounded, refined]);
        assert_eq!(boxes_from(&graph, rounded), Some(BoxesFrom::Layer));
        assert_eq!(boxes_from(&graph, refined), Some(BoxesFrom::References));
    }

    #[test]
    fn references_of_some_numbers_are_found_and_unknown_sources_prove_nothing() {
        let mut builder = GraphBuilder::new("queries", [1, 3, 2]);
        let input = builder.input();
        let weight = builder.constant("weight", HostTensor::from_f32([2, 2], vec![0.5; 4]));
        let layer = builder.push("layer", Operator::MatMul, &[input, weight]).unwrap();
        let centre =
            builder.push("centre", Operator::Binary(Binary::Add), &[layer, input]).unwrap();
        let concat = |builder: &mut GraphBuilder, parts: [ValueId; 2]| {
            builder.push("boxes", Operator::Concat { axis: 2 }, &parts).unwrap()
        };
        let refined = concat(&mut builder, [centre, layer]);
        let plain = concat(&mut builder, [layer, layer]);
        let unknown = concat(&mut builder, [layer, input]);
        let graph = builder.finish(vec![refined, plain, unknown]);
        assert_eq!(boxes_from(&graph, refined), Some(BoxesFrom::References));
        assert_eq!(boxes_from(&graph, plain), Some(BoxesFrom::Layer));
        assert_eq!(boxes_from(&graph, unknown), None);
    }
}
