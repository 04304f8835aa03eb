//! Lowers convolutions of every kind.

use framegate_backend_api::graph::{Convolution, Graph, Node, TransposedConvolution, Window};
use framegate_cpu::Precision;

use super::classify::{Lowering, PLANAR_CHANNELS, multiplies_pairs};
use super::formats::Format;
use super::fuse::Fusion;
use super::groups;
use super::lower::Lowerer;
use super::phases::{self, Phase};
use super::window_axes::axes;
use crate::kernels::direct_conv;
use crate::kernels::epilogue::Epilogue;
use crate::kernels::quantise::ByteScale;
use crate::kernels::window::Axis;
use crate::memory::Slot;
use crate::steps::{
    Blocked, ConvolutionParts, DepthwiseConvolution, DirectConvolution, SCRATCH, ScatterPhases,
    Targets, Weights, WinogradConvolution, winograd_fits,
};

/// A convolution over all channels of its operand.
#[derive(Clone, Copy)]
struct OverAllChannels<'a> {
    name: &'a str,
    precision: Precision,
    is_planar: bool,
    multiply_adds: usize,
    parts: ConvolutionParts<'a>,
}

impl Lowerer<'_> {
    /// With `stored`, results are stored as bytes, with this scale.
    pub(super) fn convolution(
        &mut self,
        node: &Node,
        parameters: &Convolution,
        lowering: Lowering,
        fusion: &Fusion,
        stored: Option<ByteScale>,
    ) {
        let graph = self.graph;
        let x = node.inputs[0];
        let weights = weights(graph, node);
        let weight_shape = &graph.value(node.inputs[1]).shape;
        let window = Window {
            kernel: [weight_shape[2], weight_shape[3]],
            stride: parameters.stride,
            dilation: parameters.dilation,
            padding: parameters.padding,
        };
        let axes = axes(graph, x, node.outputs[0], &window);
        let (channels, filters) = (graph.value(x).shape[1], weight_shape[0]);
        let is_planar =
            lowering == Lowering::Kernel && channels <= PLANAR_CHANNELS && !self.is_blocked(x);
        let (precision, format) = self.precision_of(node, lowering);
        let source = if is_planar { self.row_major(x) } else { self.blocked(x, format) };
        let residual: Option<Slot> =
            fusion.residual.map(|residual| self.blocked(residual, Format::F32));
        let targets = self.targets(lowering, fusion, stored);
        let epilogue =
            Epilogue { before_residual: parameters.activation, after_residual: fusion.after };
        let results: usize = graph.value(node.outputs[0]).shape.iter().product();
        let multiply_adds = results * weight_shape[1..].iter().product::<usize>();
        let parts = ConvolutionParts {
            axes,
            channels,
            filters,
            weights,
            epilogue,
            source,
            targets,
            residual,
        };
        if lowering == Lowering::Depthwise {
            return self.depthwise_convolution(&node.name, multiply_adds, parts);
        }
        let name = &node.name;
        let convolution = OverAllChannels { name, precision, is_planar, multiply_adds, parts };
        match parameters.groups {
            1 => self.convolution_over_all_channels(convolution),
            groups => self.grouped_convolution(convolution, groups, format),
        }
    }

    fn depthwise_convolution(
        &mut self,
        name: &str,
        multiply_adds: usize,
        parts: ConvolutionParts<'_>,
    ) {
        let step = DepthwiseConvolution::new(self.level, self.threads, parts);
        let writes = parts.targets.slots();
        self.push(name, "depthwise", multiply_adds, step, parts.reads(), writes);
    }

    fn convolution_over_all_channels(&mut self, convolution: OverAllChannels<'_>) {
        let OverAllChannels { name, precision, is_planar, multiply_adds, parts } = convolution;
        let (level, threads, reads) = (self.level, self.threads, parts.reads());
        if let Targets { f32: Some(target), bf16: None, bytes: None } = parts.targets
            && !is_planar
            && precision != Precision::Bf16
            && winograd_fits(&parts)
        {
            let step = WinogradConvolution::new(level, threads, target, parts);
            return self.push(name, "winograd", multiply_adds, step, reads, vec![target]);
        }
        let channels_and_block = match (is_planar, precision) {
            (true, _) => [parts.channels, 1],
            (false, Precision::F32 | Precision::Int8) => [parts.channels, level.lanes()],
            (false, Precision::Bf16) => {
                [direct_conv::pairs(level, parts.channels), level.lanes() / 2]
            }
        };
        let kernel = match (is_planar, parts.axes.map(|axis| axis.taps), precision) {
            (true, ..) => "first_conv",
            (false, [1, 1], Precision::F32 | Precision::Int8) => "pointwise",
            (false, [1, 1], Precision::Bf16) => "pointwise_bf16",
            (false, _, Precision::F32 | Precision::Int8) => "direct_conv",
            (false, _, Precision::Bf16) => "direct_conv_bf16",
        };
        let step = DirectConvolution::new(level, precision, threads, channels_and_block, parts);
        self.push(name, kernel, multiply_adds, step, reads, parts.targets.slots());
    }

    /// A convolution per set of groups that fills whole blocks, with weights of 0 between the groups.
    fn grouped_convolution(
        &mut self,
        convolution: OverAllChannels<'_>,
        groups: usize,
        format: Format,
    ) {
        let (lanes, parts) = (self.level.lanes(), convolution.parts);
        let [channels, filters] = [parts.channels, parts.filters].map(|all| all / groups);
        let layout = |own: usize, side: fn(&Axis) -> usize| {
            let [height, width] = [side(&parts.axes[0]), side(&parts.axes[1])];
            Blocked { channels: own * groups, height, width, lanes }
        };
        let operand = layout(channels, |axis| axis.extent);
        let result = layout(filters, |axis| axis.windows);
        for set in groups::sets(groups, [channels, filters], lanes) {
            let mut part = |slot: Slot, layout: Blocked, own: usize, format: Format| {
                // The operand may be planar, but then there is only one set.
                if set.len() == groups {
                    return slot;
                }
                let blocks = set.start * own / lanes..(set.end * own).div_ceil(lanes);
                self.blocks_inside(slot, layout, blocks, format)
            };
            let source = part(parts.source, operand, channels, format);
            let mut part_of_result =
                |slot: Slot, format: Format| part(slot, result, filters, format);
            let f32 = parts.targets.f32.map(|slot| part_of_result(slot, Format::F32));
            let bf16 = parts.targets.bf16.map(|slot| part_of_result(slot, Format::Bf16));
            let residual = parts.residual.map(|slot| part_of_result(slot, Format::F32));
            let elements = groups::weights(parts.weights.elements, groups, filters, &set);
            let own = set.start * filters..set.end * filters;
            let bias = parts.weights.bias.map(|bias| &bias[own]);
            self.convolution_over_all_channels(OverAllChannels {
                multiply_adds: convolution.multiply_adds / groups * set.len(),
                parts: ConvolutionParts {
                    channels: set.len() * channels,
                    filters: set.len() * filters,
                    weights: Weights { elements: &elements, bias },
                    source,
                    targets: Targets { f32, bf16, bytes: None },
                    residual,
                    ..parts
                },
                ..convolution
            });
        }
    }

    /// A convolution per phase of the result, that is, per set of rows and columns that the same taps
    /// reach.
    pub(super) fn transposed_convolution(
        &mut self,
        node: &Node,
        parameters: &TransposedConvolution,
        lowering: Lowering,
        fusion: &Fusion,
    ) {
        let graph = self.graph;
        let x = node.inputs[0];
        let Weights { elements, bias } = weights(graph, node);
        let weight_shape = &graph.value(node.inputs[1]).shape;
        let (channels, taps) = (weight_shape[0], [weight_shape[2], weight_shape[3]]);
        let filters = weight_shape[1] * parameters.groups;
        let (precision, format) = self.precision_of(node, lowering);
        let source = self.blocked(x, format);
        let target = self.new_blocked(fusion.result, Format::F32);
        let epilogue = Epilogue { before_residual: parameters.activation, after_residual: None };
        let (operand, result) = (self.layout(x), self.layout(fusion.result));
        let [rows, columns] = phases::of_axes(parameters, taps, [operand, result])
            .expect("the phases were checked when the node was classified");
        for (row, column) in rows.iter().flat_map(|row| columns.iter().map(move |it| (row, it))) {
            let axes = [row, column].map(|phase| phase.axis);
            let [height, width] = axes.map(|axis| axis.windows);
            let feature_map = Blocked { channels: filters, height, width, ..result };
            let slot = self.new_feature_map(feature_map);
            let targets = Targets::f32(slot);
            let elements =
                phases::weights(elements, channels, weight_shape[1], taps, [row, column]);
            let multiply_adds = feature_map.height * feature_map.width * elements.len();
            let parts = ConvolutionParts {
                axes,
                channels,
                filters,
                weights: Weights { elements: &elements, bias },
                epilogue,
                source,
                targets,
                residual: None,
            };
            let name = &node.name;
            if lowering == Lowering::Depthwise {
                self.depthwise_convolution(name, multiply_adds, parts);
            } else {
                self.convolution_over_all_channels(OverAllChannels {
                    name,
                    precision,
                    is_planar: false,
                    multiply_adds,
                    parts,
                });
            }
            let positions = [row, column].map(|Phase { start, distance, .. }| [*start, *distance]);
            let step =
                ScatterPhases::new(self.threads, feature_map, result, positions, [slot, target]);
            self.push(&node.name, "scatter_phases", 0, step, vec![slot], vec![target]);
        }
    }

    /// What a convolution multiplies, and the format in which it reads its operand.
    fn precision_of(&self, node: &Node, lowering: Lowering) -> (Precision, Format) {
        if self.precision == Precision::Bf16 && multiplies_pairs(self.graph, node, lowering) {
            (Precision::Bf16, Format::Bf16)
        } else {
            (Precision::F32, Format::F32)
        }
    }

    /// Where the results of a convolution go.
    fn targets(
        &mut self,
        lowering: Lowering,
        fusion: &Fusion,
        stored: Option<ByteScale>,
    ) -> Targets {
        let result = fusion.result;
        if let Some(scale) = stored {
            let bytes = Some((self.new_blocked(result, Format::Bytes), scale));
            return Targets { f32: None, bf16: None, bytes };
        }
        let formats = self.formats(result);
        // A depthwise convolution computes whole rows, which must fit into scratch memory.
        let is_wide = lowering == Lowering::Depthwise && self.layout(result).row_len() > SCRATCH;
        let f32 = formats.f32 || is_wide;
        let mut slot = |wanted: bool, format| wanted.then(|| self.new_blocked(result, format));
        let (f32, bf16) = (slot(f32, Format::F32), slot(formats.bf16, Format::Bf16));
        Targets { f32, bf16, bytes: None }
    }
}

/// The weights and bias of a convolution, which were checked to be constants.
fn weights<'a>(graph: &'a Graph, node: &Node) -> Weights<'a> {
    let constant = |index: usize| {
        let id = node.inputs.get(index)?;
        graph.value(*id).constant.as_ref().and_then(|tensor| tensor.as_f32())
    };
    Weights { elements: constant(1).unwrap_or_default(), bias: constant(2) }
}
