//! Feature maps that hold several images inside the graph (windows, regions, tiles) are cut into maps
//! of one image each, which is what the kernels read.
//!
//! ```text
//! x [4, C, H, W] ─ convolution ─ relu     =     4 × (slice ─ convolution ─ relu) ─ concat
//! ```
//!
//! Images stay apart until a node needs them together, and a convolution's images run side by side.

use std::collections::{HashMap, HashSet};

use framegate_backend_api::ElementType;
use framegate_backend_api::graph::{AxisSlice, Graph, Node, Operator, Value, ValueId};

/// With more images than this, planning would take longer than the scalar operator.
const MOST_IMAGES: usize = 64;

/// The most weights in all copies of a filter: each image's convolution packs its own.
const MOST_WEIGHTS: usize = 1 << 24;

/// Cuts the operands of convolutions, pools and resizes of several images, and of what follows them.
pub(super) fn split(mut graph: Graph) -> Graph {
    if !graph.nodes.iter().any(|node| images_of_window(&graph, node).is_some()) {
        return graph;
    }
    let nodes = std::mem::take(&mut graph.nodes);
    let mut splitter = Splitter { graph, images: HashMap::new(), apart: HashSet::new() };
    for node in nodes {
        match splitter.images_of(&node) {
            Some(count) => splitter.node_by_image(&node, count),
            None => {
                node.inputs.iter().for_each(|id| splitter.join(*id));
                splitter.graph.nodes.push(node);
            }
        }
    }
    for id in splitter.graph.outputs.clone() {
        splitter.join(id);
    }
    splitter.graph.without_dead_nodes()
}

/// The number of images, if a node slides a window over more than one.
fn images_of_window(graph: &Graph, node: &Node) -> Option<usize> {
    let count = images_in(graph.value(node.inputs[0])).filter(|count| *count <= MOST_IMAGES)?;
    match &node.operator {
        Operator::Convolution(_) | Operator::TransposedConvolution(_) => {
            let constants = node.inputs[1..].iter().map(|id| graph.value(*id).constant.as_ref());
            let weights: usize = constants.map(|it| it.map(|it| it.len())).sum::<Option<_>>()?;
            (count * weights <= MOST_WEIGHTS).then_some(count)
        }
        Operator::MaxPool(_) | Operator::AveragePool(_) | Operator::Resize(_) => Some(count),
        _ => None,
    }
}

/// The number of images in a value, if it holds feature maps of more than one.
pub(super) fn images_in(value: &Value) -> Option<usize> {
    let is_computed = value.constant.is_none() && value.element_type == ElementType::F32;
    match value.shape[..] {
        [count, _, _, _] if count > 1 && is_computed && !value.shape.contains(&0) => Some(count),
        _ => None,
    }
}

struct Splitter {
    /// Its nodes are those written so far.
    graph: Graph,
    /// The images of a value, once it has been cut.
    images: HashMap<ValueId, Vec<ValueId>>,
    /// Values that exist only as their images.
    apart: HashSet<ValueId>,
}

impl Splitter {
    /// The number of images, if a node is to run image by image.
    fn images_of(&self, node: &Node) -> Option<usize> {
        images_of_window(&self.graph, node).or_else(|| {
            let count = images_in(self.graph.value(node.outputs[0]))?;
            let follows = node.inputs.iter().any(|id| self.apart.contains(id));
            (follows && keeps_images_apart(&self.graph, node, count)).then_some(count)
        })
    }

    fn node_by_image(&mut self, node: &Node, count: usize) {
        let result = node.outputs[0];
        let window = images_of_window(&self.graph, node).is_some();
        for id in if window { &node.inputs[..1] } else { &node.inputs[..] } {
            if images_in(self.graph.value(*id)) == Some(count) {
                self.cut(*id, count);
            } else {
                self.join(*id);
            }
        }
        let images = (0..count).map(|image| {
            let output = self.image_of(result, image);
            let operand = |id: &ValueId| match self.images.get(id) {
                Some(images) if images_in(self.graph.value(*id)) == Some(count) => images[image],
                _ => *id,
            };
            let inputs = node.inputs.iter().map(operand).collect();
            let mut operator = node.operator.clone();
            if let Operator::Slice(slices) = &mut operator {
                slices[0] = AxisSlice::all(1);
            }
            let name = node.name.clone();
            self.graph.nodes.push(Node { name, operator, inputs, outputs: vec![output] });
            output
        });
        let images = images.collect();
        self.images.insert(result, images);
        self.apart.insert(result);
    }

    /// A new value for one image of another.
    fn image_of(&mut self, whole: ValueId, image: usize) -> ValueId {
        let Value { name, element_type, shape, .. } = self.graph.value(whole);
        let value = Value {
            name: format!("{name}[{image}]"),
            element_type: *element_type,
            shape: [&[1], &shape[1..]].concat(),
            constant: None,
        };
        self.graph.values.push(value);
        ValueId(self.graph.values.len() - 1)
    }

    /// Cuts a value into its images, unless that was done.
    fn cut(&mut self, id: ValueId, count: usize) {
        if self.images.contains_key(&id) {
            return;
        }
        let shape = self.graph.value(id).shape.clone();
        let images = (0..count).map(|image| {
            let output = self.image_of(id, image);
            let mut slices: Vec<AxisSlice> =
                shape.iter().map(|extent| AxisSlice::all(*extent)).collect();
            slices[0] = AxisSlice { start: image, step: 1, len: 1 };
            let name = self.graph.value(output).name.clone();
            let operator = Operator::Slice(slices);
            self.graph.nodes.push(Node { name, operator, inputs: vec![id], outputs: vec![output] });
            output
        });
        let images = images.collect();
        self.images.insert(id, images);
    }

    /// Puts the images of a value together, if they are apart.
    fn join(&mut self, id: ValueId) {
        if self.apart.remove(&id) {
            let name = self.graph.value(id).name.clone();
            let inputs = self.images[&id].clone();
            let operator = Operator::Concat { axis: 0 };
            self.graph.nodes.push(Node { name, operator, inputs, outputs: vec![id] });
        }
    }
}

/// Whether each of a node's images depends only on the same image of its operands.
fn keeps_images_apart(graph: &Graph, node: &Node, count: usize) -> bool {
    let value = |id: &ValueId| graph.value(*id);
    let all_in_images = || node.inputs.iter().all(|id| images_in(value(id)) == Some(count));
    match &node.operator {
        Operator::Activation(_) | Operator::Unary(_) => true,
        Operator::Binary(_) => node.inputs.iter().map(value).all(|operand| {
            let is_shared = operand.shape.len() < 4 || operand.shape[0] == 1;
            images_in(operand) == Some(count) || is_shared
        }),
        Operator::Concat { axis } => *axis != 0 && all_in_images(),
        Operator::Slice(slices) => slices[0].is_all(count) && all_in_images(),
        Operator::Gather { axis } => *axis != 0 && value(&node.inputs[1]).constant.is_some(),
        Operator::Pad(pad) => pad.before[0] == 0 && pad.after[0] == 0,
        Operator::Reduce(reduce) => reduce.keep_axes && reduce.axes[0] != 0,
        Operator::Softmax { axis } => *axis != 0,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use framegate_backend_api::HostTensor;
    use framegate_backend_api::graph::{Activation, Convolution, GraphBuilder, Padding};

    use super::*;

    /// Four windows go through two convolutions; between the first slice and the last concatenation
    /// nothing holds more than one.
    #[test]
    fn images_stay_apart_between_convolutions() {
        let mut builder = GraphBuilder::new("x", [1, 4, 2, 8]);
        let shape = vec![4, 4, 2, 2];
        let mut x = builder.push("cut", Operator::Reshape { shape }, &[builder.input()]).unwrap();
        let weight = builder.constant("w", HostTensor::from_f32([4, 4, 1, 1], vec![0.5; 16]));
        for _ in 0..2 {
            let convolution = Convolution {
                stride: [1, 1],
                dilation: [1, 1],
                padding: Padding::default(),
                groups: 1,
                activation: None,
            };
            x = builder.push("c", Operator::Convolution(convolution), &[x, weight]).unwrap();
            x = builder.push("r", Operator::Activation(Activation::Relu), &[x]).unwrap();
        }
        let graph = split(builder.finish(vec![x]));
        let count = |is_meant: fn(&Operator) -> bool| {
            graph.nodes.iter().filter(|node| is_meant(&node.operator)).count()
        };
        assert_eq!(count(|operator| matches!(operator, Operator::Convolution(_))), 8);
        assert_eq!(count(|operator| matches!(operator, Operator::Slice(_))), 4);
        assert_eq!(count(|operator| *operator == Operator::Concat { axis: 0 }), 1);
        assert_eq!(graph.nodes.last().unwrap().outputs, [x], "the result keeps its number");
    }
}
