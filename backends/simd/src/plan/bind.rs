//! Nodes that have kernels, bound to their buffers.

use framegate_backend_api::ElementType;
use framegate_backend_api::graph::{
    Convolution, Graph, Node, Operator, ResizeMode, Value, ValueId, Window,
};

use super::assemble::{Assembly, blocked_cells};
use super::classify::{Kind, PLANAR_CHANNELS, multiplies_pairs};
use super::demand::Form;
use super::fuse::Fusion;
use crate::kernels::activation::{self, Finish};
use crate::kernels::dense::Dense;
use crate::kernels::elementwise;
use crate::kernels::window::Axis;
use crate::memory::Slot;
use crate::precision::Precision;
use crate::steps::{
    Activate, Combine, CopyBlocks, DenseConvolution, DepthwiseConvolution, MaxPoolBlocks,
    ResizeBlocks, SCRATCH, Softmax, Targets, Weights,
};

impl Assembly<'_> {
    pub(super) fn kernel_node(&mut self, node: &Node, kind: Kind, fusion: &Fusion) {
        let x = node.inputs[0];
        match &node.operator {
            Operator::Convolution(parameters) => {
                self.convolution(node, parameters, kind, fusion);
            }
            Operator::MaxPool(window) => {
                let [source, target] = self.ends(x, fusion.result, Form::Exact);
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
                let form = match self.demand(fusion.result).exact {
                    true => Form::Exact,
                    false => Form::Rounded,
                };
                let [source, target] = self.ends(x, fusion.result, form);
                // Elements are moved as cells, whatever is in them.
                let mut picture = self.layout(x);
                picture.channels = blocked_cells(picture.blocks() * picture.lanes, form);
                picture.lanes = blocked_cells(picture.lanes, form);
                let slots = [source, target];
                let step = ResizeBlocks::new(self.threads, resize, rounding, picture, slots);
                self.push(&node.name, "resize", 0, step, vec![source], vec![target]);
            }
            Operator::Activation(function) => {
                let [source, target] = self.ends(x, fusion.result, Form::Exact);
                let (len, slots) = (self.layout(x).len(), [source, target]);
                let step = Activate::new(self.level, self.threads, *function, len, slots);
                self.push(&node.name, "activation", 0, step, vec![source], vec![target]);
            }
            Operator::Binary(function) => {
                let sources = [x, node.inputs[1]].map(|id| self.blocked(id, Form::Exact));
                let target = self.new_blocked(fusion.result, Form::Exact);
                let len = self.layout(x).len();
                let step = Combine::new(self.level, self.threads, *function, len, sources, target);
                self.push(&node.name, "elementwise", 0, step, sources.to_vec(), vec![target]);
            }
            Operator::Concat { .. } => self.concat(node, fusion.result),
            Operator::Slice(slices) => {
                let first = slices[1].start / self.level.lanes();
                for form in self.forms_wanted(fusion.result) {
                    let whole = self.blocked(x, form);
                    let part = self.slot_inside(whole, fusion.result, first, form);
                    self.lies_blocked(fusion.result, form, part);
                }
            }
            _ => unreachable!("{:?} has no kernel", node.operator),
        }
    }

    /// Where a step reads one value and writes another.
    fn ends(&mut self, x: ValueId, result: ValueId, form: Form) -> [Slot; 2] {
        [self.blocked(x, form), self.new_blocked(result, form)]
    }

    /// Every form in which a value is wanted.
    fn forms_wanted(&self, id: ValueId) -> impl Iterator<Item = Form> + use<> {
        let demand = self.demand(id);
        [Form::Exact, Form::Rounded].into_iter().filter(move |form| demand.has(*form))
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
        for form in self.forms_wanted(whole) {
            let target = self.new_blocked(whole, form);
            let mut block = 0;
            for id in &node.inputs {
                let source = self.blocked(*id, form);
                let layout = self.layout(*id);
                if !self.is_in_place(*id, whole, block) {
                    let target = self.slot_inside(target, *id, block, form);
                    let step =
                        CopyBlocks { source, target, len: blocked_cells(layout.len(), form) };
                    self.push(&node.name, "copy", 0, step, vec![source], vec![target]);
                }
                block += layout.blocks();
            }
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
        let in_pairs = self.precision == Precision::Bf16 && multiplies_pairs(graph, node, kind);
        let (precision, form) = match in_pairs {
            true => (Precision::Bf16, Form::Rounded),
            false => (Precision::F32, Form::Exact),
        };
        let source = if is_planar { self.plain(x) } else { self.blocked(x, form) };
        let residual: Option<Slot> =
            fusion.residual.map(|residual| self.blocked(residual, Form::Exact));
        let targets = self.targets(fusion.result, kind);
        let writes = targets.slots();
        let finish = Finish { before: parameters.activation, after: fusion.after };
        let results: usize = graph.value(node.outputs[0]).shape.iter().product();
        let multiply_adds = results * weight_shape[1..].iter().product::<usize>();
        let reads: Vec<Slot> = [Some(source), residual].into_iter().flatten().collect();
        let (level, threads) = (self.level, self.threads);
        if kind == Kind::Depthwise {
            let step = DepthwiseConvolution::new(
                level, threads, axes, channels, weights, finish, source, targets, residual,
            );
            self.push(&node.name, "depthwise", multiply_adds, step, reads, writes);
        } else {
            let (channels, block) = match (is_planar, precision) {
                (true, _) => (channels, 1),
                (false, Precision::F32) => (channels, level.lanes()),
                (false, Precision::Bf16) => (channels.div_ceil(2), level.lanes() / 2),
            };
            let dense = Dense { axes, channels, block };
            let kernel = match (is_planar, window.kernel, precision) {
                (true, ..) => "stem",
                (false, [1, 1], Precision::F32) => "pointwise",
                (false, [1, 1], Precision::Bf16) => "pointwise bf16",
                (false, _, Precision::F32) => "dense",
                (false, _, Precision::Bf16) => "dense bf16",
            };
            let step = DenseConvolution::new(
                level, precision, threads, dense, filters, weights, finish, source, targets,
                residual,
            );
            self.push(&node.name, kernel, multiply_adds, step, reads, writes);
        }
    }

    /// Where a convolution's results go.
    fn targets(&mut self, result: ValueId, kind: Kind) -> Targets {
        let demand = self.demand(result);
        // A convolution of each channel on its own computes whole rows.
        let is_wide = kind == Kind::Depthwise && self.layout(result).row_len() > SCRATCH;
        let exact = demand.exact || is_wide;
        let mut slot = |wanted: bool, form| wanted.then(|| self.new_blocked(result, form));
        Targets { exact: slot(exact, Form::Exact), rounded: slot(demand.rounded, Form::Rounded) }
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
