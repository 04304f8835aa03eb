//! Convolutions of more images than `split_images` cuts apart read them as one, each below the one before. Where windows
//! would reach from one into the next, there are rows of zeros between them.
//!
//! ```text
//! x [N, C, H, W] ─ 3×3     =     x ─ pad ─ [1, C, N · (H + 2), W] ─ 3×3 ─ slice ─ [N, M, H, W]
//! ```
//!
//! Masks and key points are computed so, for a hundred regions at once.

use framegate_backend_api::graph::{
    AxisSlice, Convolution, Graph, Node, Operator, Pad, PadMode, Padding, Value, ValueId,
};

use super::split_images::images_in;

/// Stacks the images of each convolution that still has several.
pub(super) fn stack(mut graph: Graph) -> Graph {
    let nodes = std::mem::take(&mut graph.nodes);
    for node in nodes {
        match Stack::of(&graph, &node) {
            Some(stack) => stack.write(&mut graph, &node),
            None => graph.nodes.push(node),
        }
    }
    graph
}

/// How images are put below each other.
struct Stack {
    /// The convolution of all of them.
    operator: Operator,
    images: usize,
    /// Rows of zeros above an image.
    above: usize,
    /// Rows of an image with the zeros around it, and the rows of the result that they become.
    rows: [usize; 2],
}

impl Stack {
    fn of(graph: &Graph, node: &Node) -> Option<Self> {
        let (operator, images, stack) = match &node.operator {
            Operator::Convolution(convolution) => {
                let images = images_in(graph.value(node.inputs[0]))?;
                let height = graph.value(node.inputs[0]).shape[2];
                let Padding { top, bottom, left, right } = convolution.padding;
                let (stride, reach) =
                    (convolution.stride[0], reach(graph, node, convolution.dilation[0])?);
                let rows = (height + top + bottom).next_multiple_of(stride);
                // The last image has as many rows in the result as the others.
                let below = reach.saturating_sub(stride);
                let padding = Padding { top: 0, bottom: below, left, right };
                let operator =
                    Operator::Convolution(Convolution { padding, ..convolution.clone() });
                (operator, images, (top, [rows, rows / stride]))
            }
            Operator::TransposedConvolution(convolution) => {
                let images = images_in(graph.value(node.inputs[0]))?;
                let height = graph.value(node.inputs[0]).shape[2];
                let stride = convolution.stride[0];
                let is_apart = reach(graph, node, convolution.dilation[0])? == stride
                    && (convolution.padding.top, convolution.padding.bottom) == (0, 0)
                    && convolution.output_padding[0] == 0;
                if !is_apart {
                    return None;
                }
                (node.operator.clone(), images, (0, [height, height * stride]))
            }
            _ => return None,
        };
        let (above, rows) = stack;
        Some(Self { operator, images, above, rows })
    }

    fn write(self, graph: &mut Graph, node: &Node) {
        let Self { operator, images, above, rows: [rows, result_rows] } = self;
        let x = node.inputs[0];
        let [_, channels, height, width] = graph.value(x).shape[..] else {
            unreachable!("it holds feature maps")
        };
        let [_, filters, down, across] = graph.value(node.outputs[0]).shape[..] else {
            unreachable!("so does its result")
        };
        let mut add = |operator, inputs: &[ValueId], shape: &[usize]| {
            let value =
                Value { name: node.name.clone(), shape: shape.to_vec(), ..graph.value(x).clone() };
            graph.values.push(value);
            let output = ValueId(graph.values.len() - 1);
            let (name, inputs, outputs) = (node.name.clone(), inputs.to_vec(), vec![output]);
            graph.nodes.push(Node { name, operator, inputs, outputs });
            output
        };
        let mut value = x;
        if rows > height {
            let pad = Pad {
                before: vec![0, 0, above, 0],
                after: vec![0, 0, rows - height - above, 0],
                mode: PadMode::Constant(0.0),
            };
            value = add(Operator::Pad(pad), &[value], &[images, channels, rows, width]);
        }
        value = add(swap(), &[value], &[channels, images, rows, width]);
        let whole = [1, channels, images * rows, width];
        value = add(reshape(&whole), &[value], &whole);
        let operands = [&[value], &node.inputs[1..]].concat();
        value = add(operator, &operands, &[1, filters, images * result_rows, across]);
        let apart = [filters, images, result_rows, across];
        value = add(reshape(&apart), &[value], &apart);
        if result_rows > down {
            let shape = [filters, images, down, across];
            value = add(Operator::Slice(shape.map(AxisSlice::all).to_vec()), &[value], &shape);
        }
        let (name, outputs) = (node.name.clone(), node.outputs.clone());
        graph.nodes.push(Node { name, operator: swap(), inputs: vec![value], outputs });
    }
}

/// Rows that a window of a convolution with constant weights reaches over.
fn reach(graph: &Graph, node: &Node, dilation: usize) -> Option<usize> {
    let are_constant = node.inputs[1..].iter().all(|id| graph.value(*id).constant.is_some());
    let rows = *graph.value(*node.inputs.get(1)?).shape.get(2)?;
    are_constant.then(|| dilation * (rows - 1) + 1)
}

/// Images and channels in each other's place.
fn swap() -> Operator {
    Operator::Transpose { permutation: vec![1, 0, 2, 3] }
}

fn reshape(shape: &[usize]) -> Operator {
    Operator::Reshape { shape: shape.to_vec() }
}

#[cfg(test)]
mod tests {
    use framegate_backend_api::HostTensor;
    use framegate_backend_api::graph::{GraphBuilder, TransposedConvolution};
    use framegate_scalar::evaluate_graph;

    use super::*;

    /// Three images of two channels go through the operator, whose weights have this shape.
    fn graph(operator: Operator, weights: [usize; 4], size: [usize; 2]) -> Graph {
        let [height, width] = size;
        let mut builder = GraphBuilder::new("x", [1, 6, height, width]);
        let shape = vec![3, 2, height, width];
        let x = builder.push("images", Operator::Reshape { shape }, &[builder.input()]).unwrap();
        let numbers = |count: usize| (0..count).map(|index| (index as f32).sin()).collect();
        let len = weights.iter().product();
        let weight = builder.constant("w", HostTensor::from_f32(weights, numbers(len)));
        let filters = match operator {
            Operator::Convolution(_) => weights[0],
            _ => weights[1],
        };
        let bias = builder.constant("b", HostTensor::from_f32([filters], numbers(filters)));
        let y = builder.push("y", operator, &[x, weight, bias]).unwrap();
        builder.finish(vec![y])
    }

    /// Asserts that the graph means the same with its images stacked, or that they are not.
    #[track_caller]
    fn check(graph: &Graph, is_stacked: bool) {
        let stacked = stack(graph.clone());
        assert_eq!(stacked.nodes.len() > graph.nodes.len(), is_stacked);
        let shape = graph.value(graph.input).shape.clone();
        let elements =
            (0..shape.iter().product()).map(|index: usize| (index as f32).cos()).collect();
        let image = HostTensor::from_f32(shape, elements);
        assert_eq!(evaluate_graph(&stacked, &image), evaluate_graph(graph, &image));
    }

    #[test]
    fn windows_do_not_reach_from_image_to_image() {
        let sides = |top, left, bottom, right| Padding { top, left, bottom, right };
        for (kernel, stride, dilation, padding, size) in [
            ([3, 3], [1, 1], [1, 1], sides(1, 1, 1, 1), [4, 5]),
            ([3, 3], [2, 2], [1, 1], sides(1, 1, 1, 1), [4, 5]),
            ([3, 3], [2, 1], [1, 1], sides(0, 1, 1, 0), [5, 4]),
            ([3, 2], [1, 1], [2, 1], sides(2, 0, 2, 1), [3, 4]),
            ([1, 1], [1, 1], [1, 1], sides(0, 0, 0, 0), [4, 4]),
            ([1, 1], [2, 2], [1, 1], sides(0, 0, 0, 0), [5, 5]),
            ([2, 2], [3, 3], [1, 1], sides(0, 0, 0, 0), [7, 6]),
            ([5, 1], [1, 1], [1, 1], sides(0, 0, 0, 0), [6, 2]),
        ] {
            let groups = if kernel[0] == 3 { 2 } else { 1 };
            let convolution = Convolution { stride, dilation, padding, groups, activation: None };
            let weights = [4, 2 / groups, kernel[0], kernel[1]];
            check(&graph(Operator::Convolution(convolution), weights, size), true);
        }
    }

    #[test]
    fn transposed_windows_that_do_not_overlap_are_stacked() {
        for (kernel, rows_cut, is_stacked) in [(2, 0, true), (3, 0, false), (2, 1, false)] {
            let convolution = TransposedConvolution {
                stride: [2, 2],
                dilation: [1, 1],
                padding: Padding { top: rows_cut, ..Padding::default() },
                output_padding: [0, 0],
                groups: 1,
                activation: None,
            };
            let operator = Operator::TransposedConvolution(convolution);
            check(&graph(operator, [2, 5, kernel, 2], [3, 4]), is_stacked);
        }
    }
}
