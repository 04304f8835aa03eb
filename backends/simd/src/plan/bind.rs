//! Nodes that have kernels, bound to their buffers.

use framegate_backend_api::ElementType;
use framegate_backend_api::graph::{
    Convolution, Graph, Node, Operator, ResizeMode, Value, ValueId, Window,
};

use super::assemble::Assembly;
use super::classify::Kind;
use super::fuse::Fusion;
use crate::kernels::activation::{self, Finish};
use crate::kernels::dense::Dense;
use crate::kernels::elementwise;
use crate::kernels::window::Axis;
use crate::memory::Slot;
use crate::steps::{
    Activate, Combine, CopyBlocks, DenseConvolution, DepthwiseConvolution, MaxPoolBlocks,
    ResizeBlocks, Softmax, Weights,
};

/// Pictures of at most so many channels are read as they are: in a block most lanes would be empty.
const PLANAR_CHANNELS: usize = 4;

impl Assembly<'_> {
    pub(super) fn kernel_node(&mut self, node: &Node, kind: Kind, fusion: &Fusion) {
        let x = node.inputs[0];
        match &node.operator {
            Operator::Convolution(parameters) => {
                self.convolution(node, parameters, kind, fusion);
            }
            Operator::MaxPool(window) => {
                let [source, target] = [self.blocked(x), self.new_blocked(fusion.result)];
                let axes = axes(self.graph, x, fusion.result, window);
                let channels = self.layout(x).channels;
                let slots = [source, target];
                let step = MaxPoolBlocks::new(self.level, self.threads, axes, channels, slots);
                self.push(&node.name, "max pool", 0, step, vec![source], vec![target]);
            }
            Operator::Resize(resize) => {
                let ResizeMode::Nearest(rounding) = resize.mode else {
                    unreachable!("only nearest neighbours have a kernel");
                };
                let [source, target] = [self.blocked(x), self.new_blocked(fusion.result)];
                let (picture, slots) = (self.layout(x), [source, target]);
                let step = ResizeBlocks::new(self.threads, resize, rounding, picture, slots);
                self.push(&node.name, "resize", 0, step, vec![source], vec![target]);
            }
            Operator::Activation(function) => {
                let [source, target] = [self.blocked(x), self.new_blocked(fusion.result)];
                let (len, slots) = (self.layout(x).len(), [source, target]);
                let step = Activate::new(self.level, self.threads, *function, len, slots);
                self.push(&node.name, "activation", 0, step, vec![source], vec![target]);
            }
            Operator::Binary(function) => {
                let sources = [self.blocked(x), self.blocked(node.inputs[1])];
                let target = self.new_blocked(fusion.result);
                let len = self.layout(x).len();
                let step = Combine::new(self.level, self.threads, *function, len, sources, target);
                self.push(&node.name, "elementwise", 0, step, sources.to_vec(), vec![target]);
            }
            Operator::Concat { .. } => self.concat(node, fusion.result),
            Operator::Slice(slices) => {
                let whole = self.blocked(x);
                let first = slices[1].start / self.level.lanes();
                let part = self.slot_inside(whole, fusion.result, first);
                self.lies_blocked(fusion.result, part);
            }
            _ => unreachable!("{:?} has no kernel", node.operator),
        }
    }

    /// A node on row-major tensors, if it has a kernel; says whether it has.
    pub(super) fn row_major_node(&mut self, node: &Node) -> bool {
        let (level, threads, result) = (self.level, self.threads, node.outputs[0]);
        let operands: Vec<&Value> = node.inputs.iter().map(|id| self.graph.value(*id)).collect();
        let shape = &operands[0].shape;
        let len: usize = shape.iter().product();
        if len < level.lanes() || operands[0].element_type != ElementType::F32 {
            return false;
        }
        match &node.operator {
            Operator::Activation(function) if activation::is_vectorised(*function) => {
                let [source, target] = [self.plain(node.inputs[0]), self.new_plain(result)];
                let step = Activate::new(level, threads, *function, len, [source, target]);
                self.push(&node.name, "activation", 0, step, vec![source], vec![target]);
            }
            Operator::Binary(function)
                if elementwise::is_vectorised(*function) && *shape == operands[1].shape =>
            {
                let sources = [self.plain(node.inputs[0]), self.plain(node.inputs[1])];
                let target = self.new_plain(result);
                let step = Combine::new(level, threads, *function, len, sources, target);
                self.push(&node.name, "elementwise", 0, step, sources.to_vec(), vec![target]);
            }
            Operator::Softmax { axis } if Softmax::fits(level, *axis, shape) => {
                let [source, target] = [self.plain(node.inputs[0]), self.new_plain(result)];
                let step = Softmax::new(level, threads, *axis, shape, [source, target]);
                self.push(&node.name, "softmax", 0, step, vec![source], vec![target]);
            }
            _ => return false,
        }
        true
    }

    /// Copies the operands that could not be written in place.
    fn concat(&mut self, node: &Node, whole: ValueId) {
        let target = self.new_blocked(whole);
        let mut block = 0;
        for id in &node.inputs {
            let source = self.blocked(*id);
            let layout = self.layout(*id);
            if !self.is_in_place(*id, whole, block) {
                let target = self.slot_inside(target, *id, block);
                let step = CopyBlocks { source, target, len: layout.len() };
                self.push(&node.name, "copy", 0, step, vec![source], vec![target]);
            }
            block += layout.blocks();
        }
    }

    fn convolution(&mut self, node: &Node, parameters: &Convolution, kind: Kind, fusion: &Fusion) {
        let graph = self.graph;
        let x = node.inputs[0];
        let constant = |index: usize| {
            let id = node.inputs.get(index)?;
            graph.value(*id).constant.as_ref().and_then(|tensor| tensor.as_f32())
        };
        let weights = Weights { elements: constant(1).unwrap_or_default(), bias: constant(2) };
        let weight_shape = &graph.value(node.inputs[1]).shape;
        let window = Window {
            kernel: [weight_shape[2], weight_shape[3]],
            stride: parameters.stride,
            dilation: parameters.dilation,
            padding: parameters.padding,
        };
        let axes = axes(graph, x, node.outputs[0], &window);
        let (channels, filters) = (graph.value(x).shape[1], weight_shape[0]);
        let is_planar = kind == Kind::Kernel && channels <= PLANAR_CHANNELS && !self.is_blocked(x);
        let source = if is_planar { self.plain(x) } else { self.blocked(x) };
        let residual: Option<Slot> = fusion.residual.map(|residual| self.blocked(residual));
        let target = self.new_blocked(fusion.result);
        let finish = Finish { before: parameters.activation, after: fusion.after };
        let results: usize = graph.value(node.outputs[0]).shape.iter().product();
        let multiply_adds = results * weight_shape[1..].iter().product::<usize>();
        let reads: Vec<Slot> = [Some(source), residual].into_iter().flatten().collect();
        let (level, threads, slots) = (self.level, self.threads, [source, target]);
        if kind == Kind::Depthwise {
            let step = DepthwiseConvolution::new(
                level, threads, axes, channels, weights, finish, slots, residual,
            );
            self.push(&node.name, "depthwise", multiply_adds, step, reads, vec![target]);
        } else {
            let block = if is_planar { 1 } else { level.lanes() };
            let dense = Dense { axes, channels, block };
            let kernel = match (is_planar, window.kernel) {
                (true, _) => "stem",
                (false, [1, 1]) => "pointwise",
                (false, _) => "dense",
            };
            let step = DenseConvolution::new(
                level, threads, dense, filters, weights, finish, slots, residual,
            );
            self.push(&node.name, kernel, multiply_adds, step, reads, vec![target]);
        }
    }
}

/// The axes of a window over picture `x` with these results.
fn axes(graph: &Graph, x: ValueId, result: ValueId, window: &Window) -> [Axis; 2] {
    let (x, result) = (&graph.value(x).shape, &graph.value(result).shape);
    let padding = [window.padding.top, window.padding.left];
    [0, 1].map(|axis| Axis {
        extent: x[2 + axis],
        windows: result[2 + axis],
        taps: window.kernel[axis],
        stride: window.stride[axis],
        dilation: window.dilation[axis],
        padding: padding[axis],
    })
}
