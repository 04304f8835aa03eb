//! Lowers what is computed on maps of bytes, and the conversions from and to them.

use framegate_backend_api::graph::{Convolution, Node, Operator, ValueId, Window};

use super::cells::natural;
use super::classify::Lowering;
use super::formats::Format;
use super::fuse::Fusion;
use super::lower::Lowerer;
use super::quantised::{ByteConvolution, OnBytes};
use super::window_axes::axes;
use crate::kernels::layout::Strides;
use crate::kernels::quantise::ByteScale;
use crate::memory::Slot;
use crate::steps::{
    CombineBytes, Dequantise, MapBytes, PoolBytes, Quantise, QuantisePlanes, QuantisedConvolution,
    QuantisedDepthwise, QuantisedParts, QuantisedWinograd, quantised_winograd_fits,
};

impl Lowerer<'_> {
    /// Lowers a node that is computed on bytes.
    pub(super) fn on_bytes(
        &mut self,
        node: &Node,
        lowering: Lowering,
        on_bytes: &OnBytes,
        fusion: &Fusion,
    ) {
        let (level, threads, len) = (self.level, self.threads, self.layout(fusion.result).len());
        match on_bytes {
            OnBytes::Convolution(convolution) => match &node.operator {
                Operator::Convolution(parameters) => {
                    self.byte_convolution(node, parameters, lowering, convolution, fusion.result);
                }
                _ => unreachable!("only a convolution becomes one of bytes"),
            },
            OnBytes::Stored(scale) => match &node.operator {
                Operator::Convolution(parameters) => {
                    self.convolution(node, parameters, lowering, fusion, Some(*scale));
                }
                _ => unreachable!("only a convolution's results are stored as bytes"),
            },
            OnBytes::Map { source, table } => {
                let source = self.blocked(*source, Format::Bytes);
                let target = self.new_blocked(fusion.result, Format::Bytes);
                let step = MapBytes::new(level, threads, len, table.clone(), [source, target]);
                self.push(&node.name, "map_bytes", 0, step, vec![source], vec![target]);
            }
            OnBytes::Combine { sources, pairing, scale } => {
                let sources = sources.map(|id| self.blocked(id, Format::Bytes));
                let target = self.new_blocked(fusion.result, Format::Bytes);
                let step =
                    CombineBytes::new(level, threads, len, *pairing, *scale, sources, target);
                self.push(&node.name, "combine_bytes", 0, step, sources.to_vec(), vec![target]);
            }
        }
    }

    fn byte_convolution(
        &mut self,
        node: &Node,
        parameters: &Convolution,
        lowering: Lowering,
        convolution: &ByteConvolution,
        result: ValueId,
    ) {
        let graph = self.graph;
        let shape = &graph.value(node.inputs[1]).shape;
        let Convolution { stride, dilation, padding, .. } = *parameters;
        let window = Window { kernel: [shape[2], shape[3]], stride, dilation, padding };
        let source = self.blocked(convolution.source, Format::Bytes);
        let format = match convolution.rescale.scale {
            Some(_) => Format::Bytes,
            None => Format::F32,
        };
        let target = self.new_blocked(result, format);
        let parts = QuantisedParts {
            axes: axes(graph, node.inputs[0], node.outputs[0], &window),
            channels: graph.value(node.inputs[0]).shape[1],
            filters: shape[0],
            weights: &convolution.weights,
            zero: convolution.zero,
            rescale: convolution.rescale.clone(),
            source,
            target,
        };
        let results: usize = graph.value(node.outputs[0]).shape.iter().product();
        let multiply_adds = results * shape[1..].iter().product::<usize>();
        let (level, threads, name) = (self.level, self.threads, &node.name);
        let (reads, writes) = (vec![source], vec![target]);
        if lowering == Lowering::Depthwise {
            let step = QuantisedDepthwise::new(level, threads, parts);
            self.push(name, "quantised_depthwise", multiply_adds, step, reads, writes);
        } else if quantised_winograd_fits(level, &parts) {
            let step = QuantisedWinograd::new(level, threads, parts);
            self.push(name, "quantised_winograd", multiply_adds, step, reads, writes);
        } else {
            let step = QuantisedConvolution::new(level, threads, parts);
            self.push(name, "quantised_conv", multiply_adds, step, reads, writes);
        }
    }

    /// Lowers an operator that makes bytes of numbers, reading them row-major where they are not blocked.
    pub(super) fn quantise(&mut self, node: &Node, scale: ByteScale, result: ValueId) {
        let x = node.inputs[0];
        let (level, threads, layout) = (self.level, self.threads, self.layout(x));
        if !self.is_blocked(x) {
            let view = self.view(x);
            let strides = usize::try_from(view.start).ok().zip(natural(&view.strides));
            let (base, strides) = match strides {
                Some((start, [_, channel, row, column])) => {
                    (view.base, Strides { start, channel, row, column })
                }
                None => (x, Strides::row_major(layout.height, layout.width)),
            };
            let (source, target) = (self.row_major(base), self.new_blocked(result, Format::Bytes));
            let slots = [source, target];
            let step = QuantisePlanes::new(level, threads, layout, strides, scale, slots);
            return self.push(&node.name, "quantise", 0, step, vec![source], vec![target]);
        }
        let (source, target) =
            (self.blocked(x, Format::F32), self.new_blocked(result, Format::Bytes));
        self.push_quantise(&node.name, scale, layout.len(), [source, target]);
    }

    /// Converts the numbers of a value to bytes.
    pub(super) fn convert_to_bytes(&mut self, id: ValueId) -> Slot {
        let low = self.analysis.maps.lows[id.0].expect("only a map of bytes is read as bytes");
        let (source, target) = (self.blocked(id, Format::F32), self.new_blocked(id, Format::Bytes));
        let scale = ByteScale { scale: 1.0, zero: -low, low: 0.0, high: 255.0 };
        let name = self.graph.value(id).name.clone();
        self.push_quantise(&name, scale, self.layout(id).len(), [source, target]);
        target
    }

    fn push_quantise(&mut self, name: &str, scale: ByteScale, len: usize, slots: [Slot; 2]) {
        let step = Quantise::new(self.level, self.threads, len, scale, slots);
        self.push(name, "quantise", 0, step, vec![slots[0]], vec![slots[1]]);
    }

    /// Writes what the bytes of a map stand for to another value, or their own numbers to the map's.
    pub(super) fn dequantise(
        &mut self,
        name: &str,
        x: ValueId,
        zero_and_scale: [f32; 2],
        result: ValueId,
    ) -> Slot {
        let (source, target) =
            (self.blocked(x, Format::Bytes), self.new_blocked(result, Format::F32));
        let (len, slots) = (self.layout(x).len(), [source, target]);
        let step = Dequantise::new(self.level, self.threads, len, zero_and_scale, slots);
        self.push(name, "dequantise", 0, step, vec![source], vec![target]);
        target
    }

    pub(super) fn max_pool_of_bytes(&mut self, node: &Node, window: &Window, result: ValueId) {
        let x = node.inputs[0];
        let (source, target) =
            (self.blocked(x, Format::Bytes), self.new_blocked(result, Format::Bytes));
        let axes = axes(self.graph, x, result, window);
        let (channels, slots) = (self.layout(x).channels, [source, target]);
        let step = PoolBytes::new(self.level, self.threads, axes, channels, slots);
        self.push(&node.name, "max_pool", 0, step, vec![source], vec![target]);
    }
}
