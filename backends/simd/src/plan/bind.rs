//! Nodes that have kernels for blocked pictures, bound to their buffers.

use framegate_backend_api::graph::{
    AveragePool, Binary, Graph, Node, Operator, Padding, Resize, ResizeMode, ValueId, Window,
};

use super::assemble::{Assembly, blocked_cells};
use super::classify::{ChannelNumbers, Kind, channel_numbers};
use super::demand::Form;
use super::fuse::Fusion;
use crate::kernels::window::Axis;
use crate::memory::{AlignedCells, Slot};
use crate::steps::{
    Activate, BlendBlocks, Blocked, Combine, CombineChannels, CopyBlocks, Numbers, Other,
    PoolBlocks, ResizeBlocks,
};

impl Assembly<'_> {
    pub(super) fn kernel_node(&mut self, node: &Node, kind: Kind, fusion: &Fusion) {
        let x = node.inputs[0];
        match &node.operator {
            Operator::Convolution(parameters) => {
                self.convolution(node, parameters, kind, fusion);
            }
            Operator::TransposedConvolution(parameters) => {
                self.transposed_convolution(node, parameters, kind, fusion);
            }
            Operator::MaxPool(window) => {
                let [source, target] = self.ends(x, fusion.result, Form::Exact);
                let axes = axes(self.graph, x, fusion.result, window);
                let channels = self.layout(x).channels;
                let slots = [source, target];
                let step = PoolBlocks::largest(self.level, self.threads, axes, channels, slots);
                self.push(&node.name, "max pool", 0, step, vec![source], vec![target]);
            }
            Operator::AveragePool(parameters) => self.average_pool(node, parameters, fusion),
            // Of all pixels, as was checked.
            Operator::Reduce(_) => {
                let kernel = [self.layout(x).height, self.layout(x).width];
                let (stride, dilation, padding) = ([1, 1], [1, 1], Padding::default());
                let window = Window { kernel, stride, dilation, padding };
                let parameters = AveragePool { window, count_padding: false, overhang: [0, 0] };
                self.average_pool(node, &parameters, fusion);
            }
            Operator::Resize(resize @ Resize { mode: ResizeMode::Linear, .. }) => {
                let [source, target] = self.ends(x, fusion.result, Form::Exact);
                let (picture, slots) = (self.layout(x), [source, target]);
                let step = BlendBlocks::new(self.level, self.threads, resize, picture, slots);
                self.push(&node.name, "resize", 0, step, vec![source], vec![target]);
            }
            Operator::Resize(resize @ Resize { mode: ResizeMode::Nearest(rounding), .. }) => {
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
                let step = ResizeBlocks::new(self.threads, resize, *rounding, picture, slots);
                self.push(&node.name, "resize", 0, step, vec![source], vec![target]);
            }
            Operator::Activation(function) => {
                let [source, target] = self.ends(x, fusion.result, Form::Exact);
                let (len, slots) = (self.layout(x).len(), [source, target]);
                let step = Activate::new(self.level, self.threads, *function, len, slots);
                self.push(&node.name, "activation", 0, step, vec![source], vec![target]);
            }
            Operator::Binary(function) if channel_numbers(self.graph, node).is_some() => {
                self.combine_channels(node, *function, fusion);
            }
            Operator::Binary(function) => {
                let [a, b] = [x, node.inputs[1]].map(|id| self.blocked(id, Form::Exact));
                let target = self.new_blocked(fusion.result, Form::Exact);
                let (len, other) = (self.layout(x).len(), Other::Tensor(b));
                let step = Combine::new(self.level, self.threads, *function, len, a, other, target);
                self.push(&node.name, "elementwise", 0, step, vec![a, b], vec![target]);
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

    fn average_pool(&mut self, node: &Node, parameters: &AveragePool, fusion: &Fusion) {
        let x = node.inputs[0];
        let [source, target] = self.ends(x, fusion.result, Form::Exact);
        let axes = axes(self.graph, x, fusion.result, &parameters.window);
        let (level, channels) = (self.level, self.layout(x).channels);
        let slots = [source, target];
        let step = PoolBlocks::mean(level, self.threads, parameters, axes, channels, slots);
        self.push(&node.name, "average pool", 0, step, vec![source], vec![target]);
    }

    /// A function of a picture and of a number for each of its channels.
    fn combine_channels(&mut self, node: &Node, function: Binary, fusion: &Fusion) {
        let operands = channel_numbers(self.graph, node);
        let ChannelNumbers { picture, numbers } = operands.expect("operands were found to be so");
        let [source, target] = self.ends(picture, fusion.result, Form::Exact);
        let layout = self.layout(picture);
        let mut reads = vec![source];
        let numbers = match &self.graph.value(numbers).constant {
            Some(constant) => {
                let own = constant.as_f32().unwrap_or_default();
                let channels = (0..layout.channels).map(|channel| own[channel % own.len()]);
                Numbers::Constant(AlignedCells::from_slice(&of_all_lanes(channels, layout)))
            }
            None => {
                let slot = self.blocked(numbers, Form::Exact);
                reads.push(slot);
                Numbers::Computed(slot)
            }
        };
        let (level, threads) = (self.level, self.threads);
        let step = CombineChannels::new(level, threads, function, layout, source, numbers, target);
        self.push(&node.name, "channelwise", 0, step, reads, vec![target]);
    }

    /// Every form in which a value is wanted.
    fn forms_wanted(&self, id: ValueId) -> impl Iterator<Item = Form> + use<> {
        let demand = self.demand(id);
        [Form::Exact, Form::Rounded].into_iter().filter(move |form| demand.has(*form))
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
}

/// Numbers of a picture's channels, with zeros for the surplus lanes of its last block.
fn of_all_lanes(numbers: impl Iterator<Item = f32>, layout: Blocked) -> Vec<f32> {
    let surplus = std::iter::repeat(0.0);
    numbers.chain(surplus).take(layout.blocks() * layout.lanes).collect()
}

/// The axes of a window over picture `x` with these results.
pub(super) fn axes(graph: &Graph, x: ValueId, result: ValueId, window: &Window) -> [Axis; 2] {
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
