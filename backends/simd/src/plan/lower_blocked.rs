//! Lowers the nodes that have kernels for channel-blocked feature maps, other than convolutions.

use framegate_backend_api::graph::{
    Activation, AveragePool, Binary, Node, Operator, Padding, Resize, ResizeMode, ValueId, Window,
};

use super::byte_scale::byte_scale;
use super::cells::blocked_cells;
use super::classify::{ChannelNumbers, Lowering, channel_numbers, surrounding};
use super::formats::Format;
use super::fuse::Fusion;
use super::lower::Lowerer;
use super::window_axes::axes;
use crate::memory::{AlignedCells, Slot};
use crate::steps::{
    Activate, Bilinear, Blocked, Combine, CombineChannels, CopyBlocks, Nearest, PerChannel, Pool,
    Surround,
};

impl Lowerer<'_> {
    pub(super) fn kernel_node(&mut self, node: &Node, lowering: Lowering, fusion: &Fusion) {
        let x = node.inputs[0];
        match &node.operator {
            Operator::Convolution(parameters) => {
                self.convolution(node, parameters, lowering, fusion, None);
            }
            Operator::TransposedConvolution(parameters) => {
                self.transposed_convolution(node, parameters, lowering, fusion);
            }
            Operator::MaxPool(window) if self.is_written_as_bytes(fusion.result) => {
                self.max_pool_of_bytes(node, window, fusion.result);
            }
            Operator::MaxPool(window) => {
                let [source, target] = self.io(x, fusion.result, Format::F32);
                let axes = axes(self.graph, x, fusion.result, window);
                let channels = self.layout(x).channels;
                let slots = [source, target];
                let step = Pool::max(self.level, self.threads, axes, channels, slots);
                self.push(&node.name, "max_pool", 0, step, vec![source], vec![target]);
            }
            Operator::AveragePool(parameters) => self.average_pool(node, parameters, fusion),
            Operator::Pad(pad) if let Some((padding, fill)) = surrounding(pad) => {
                let [source, target] = self.io(x, fusion.result, Format::F32);
                let (layout, slots) = (self.layout(x), [source, target]);
                let step = Surround::new(self.threads, padding, fill, layout, slots);
                self.push(&node.name, "pad", 0, step, vec![source], vec![target]);
            }
            // Over all pixels: anything else was classified as scalar.
            Operator::Reduce(_) => {
                let kernel = [self.layout(x).height, self.layout(x).width];
                let (stride, dilation, padding) = ([1, 1], [1, 1], Padding::default());
                let window = Window { kernel, stride, dilation, padding };
                let parameters = AveragePool { window, count_padding: false, overhang: [0, 0] };
                self.average_pool(node, &parameters, fusion);
            }
            Operator::Resize(resize @ Resize { mode: ResizeMode::Linear, .. }) => {
                let [source, target] = self.io(x, fusion.result, Format::F32);
                let (layout, slots) = (self.layout(x), [source, target]);
                let step = Bilinear::new(self.level, self.threads, resize, layout, slots);
                self.push(&node.name, "bilinear", 0, step, vec![source], vec![target]);
            }
            Operator::Resize(resize @ Resize { mode: ResizeMode::Nearest(rounding), .. }) => {
                let formats = self.formats(fusion.result);
                let format = match (formats.f32, formats.bytes) {
                    (_, true) => Format::Bytes,
                    (true, _) => Format::F32,
                    (false, _) => Format::Bf16,
                };
                let [source, target] = self.io(x, fusion.result, format);
                // Elements are moved as cells, whatever the cells hold.
                let mut layout = self.layout(x);
                layout.channels = blocked_cells(layout.blocks() * layout.lanes, format);
                layout.lanes = blocked_cells(layout.lanes, format);
                let slots = [source, target];
                let step = Nearest::new(self.threads, resize, *rounding, layout, slots);
                self.push(&node.name, "nearest", 0, step, vec![source], vec![target]);
            }
            Operator::Activation(function) if self.is_written_as_bytes(fusion.result) => {
                let (scale, _) = byte_scale(*function).expect("only a quantisation makes bytes");
                self.quantise(node, scale, fusion.result);
            }
            Operator::Activation(Activation::Dequantize { scale, zero })
                if let Some(low) = self.analysis.maps.lows[x.0] =>
            {
                self.dequantise(&node.name, x, [zero - low, *scale], fusion.result);
            }
            Operator::Activation(function) => {
                let [source, target] = self.io(x, fusion.result, Format::F32);
                let (len, slots) = (self.layout(x).len(), [source, target]);
                let step = Activate::new(self.level, self.threads, *function, len, slots);
                self.push(&node.name, "activation", 0, step, vec![source], vec![target]);
            }
            Operator::Binary(function) if channel_numbers(self.graph, node).is_some() => {
                self.combine_channels(node, *function, fusion);
            }
            Operator::Binary(function) => {
                let [a, b] = [x, node.inputs[1]].map(|id| self.blocked(id, Format::F32));
                let target = self.new_blocked(fusion.result, Format::F32);
                let len = self.layout(x).len();
                let step = Combine::new(self.level, self.threads, *function, len, a, b, target);
                self.push(&node.name, "elementwise", 0, step, vec![a, b], vec![target]);
            }
            Operator::Concat { .. } => self.concat(node, fusion.result),
            Operator::Slice(slices) => {
                let first = slices[1].start / self.level.lanes();
                for format in self.formats(fusion.result).iter() {
                    let whole = self.blocked(x, format);
                    let part = self.slot_inside(whole, fusion.result, first, format);
                    self.set_blocked(fusion.result, format, part);
                }
            }
            _ => unreachable!("{:?} has no kernel", node.operator),
        }
    }

    fn is_written_as_bytes(&self, id: ValueId) -> bool {
        self.analysis.maps.is_written[id.0]
    }

    /// The slots of a step that reads one value and writes another.
    fn io(&mut self, x: ValueId, result: ValueId, format: Format) -> [Slot; 2] {
        [self.blocked(x, format), self.new_blocked(result, format)]
    }

    fn average_pool(&mut self, node: &Node, parameters: &AveragePool, fusion: &Fusion) {
        let x = node.inputs[0];
        let [source, target] = self.io(x, fusion.result, Format::F32);
        let axes = axes(self.graph, x, fusion.result, &parameters.window);
        let (level, channels) = (self.level, self.layout(x).channels);
        let slots = [source, target];
        let step = Pool::mean(level, self.threads, parameters, axes, channels, slots);
        self.push(&node.name, "average_pool", 0, step, vec![source], vec![target]);
    }

    /// A binary function of a feature map and one number per channel.
    fn combine_channels(&mut self, node: &Node, function: Binary, fusion: &Fusion) {
        let operands = channel_numbers(self.graph, node);
        let ChannelNumbers { feature_map, per_channel } =
            operands.expect("the operands were found to be these");
        let [source, target] = self.io(feature_map, fusion.result, Format::F32);
        let layout = self.layout(feature_map);
        let mut reads = vec![source];
        let numbers = match &self.graph.value(per_channel).constant {
            Some(constant) => {
                let own = constant.as_f32().unwrap_or_default();
                let channels = (0..layout.channels).map(|channel| own[channel % own.len()]);
                PerChannel::Constant(AlignedCells::from_slice(&of_all_lanes(channels, layout)))
            }
            None => {
                let slot = self.blocked(per_channel, Format::F32);
                reads.push(slot);
                PerChannel::Computed(slot)
            }
        };
        let (level, threads) = (self.level, self.threads);
        let step = CombineChannels::new(level, threads, function, layout, source, numbers, target);
        self.push(&node.name, "channelwise", 0, step, reads, vec![target]);
    }

    /// Copies the operands that are not already in place.
    fn concat(&mut self, node: &Node, whole: ValueId) {
        for format in self.formats(whole).iter() {
            let target = self.new_blocked(whole, format);
            let mut block = 0;
            for id in &node.inputs {
                let source = self.blocked(*id, format);
                let layout = self.layout(*id);
                if !self.is_in_place(*id, whole, block) {
                    let target = self.slot_inside(target, *id, block, format);
                    let step =
                        CopyBlocks { source, target, len: blocked_cells(layout.len(), format) };
                    self.push(&node.name, "copy", 0, step, vec![source], vec![target]);
                }
                block += layout.blocks();
            }
        }
    }
}

/// A number per channel, with zeros for the surplus lanes of the last block.
fn of_all_lanes(numbers: impl Iterator<Item = f32>, layout: Blocked) -> Vec<f32> {
    let surplus = std::iter::repeat(0.0);
    numbers.chain(surplus).take(layout.blocks() * layout.lanes).collect()
}
