//! Convolutions of every kind, bound to their buffers.

use framegate_backend_api::graph::{Convolution, Graph, Node, TransposedConvolution, Window};

use super::assemble::Assembly;
use super::bind::axes;
use super::classify::{Kind, PLANAR_CHANNELS, multiplies_pairs};
use super::demand::Form;
use super::fuse::Fusion;
use super::groups;
use super::phases::{self, Phase};
use crate::kernels::activation::Finish;
use crate::kernels::dense;
use crate::kernels::window::Axis;
use crate::memory::Slot;
use crate::precision::Precision;
use crate::steps::{
    Blocked, ConvolutionParts, DenseConvolution, DepthwiseConvolution, Interleave, SCRATCH,
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

impl Assembly<'_> {
    pub(super) fn convolution(
        &mut self,
        node: &Node,
        parameters: &Convolution,
        kind: Kind,
        fusion: &Fusion,
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
        let is_planar = kind == Kind::Kernel && channels <= PLANAR_CHANNELS && !self.is_blocked(x);
        let (precision, form) = self.precision_of(node, kind);
        let source = if is_planar { self.plain(x) } else { self.blocked(x, form) };
        let residual: Option<Slot> =
            fusion.residual.map(|residual| self.blocked(residual, Form::Exact));
        let targets = self.targets(kind, fusion);
        let finish = Finish { before: parameters.activation, after: fusion.after };
        let results: usize = graph.value(node.outputs[0]).shape.iter().product();
        let multiply_adds = results * weight_shape[1..].iter().product::<usize>();
        let parts = ConvolutionParts {
            axes,
            channels,
            filters,
            weights,
            finish,
            source,
            targets,
            residual,
        };
        if kind == Kind::Depthwise {
            return self.depthwise_convolution(&node.name, multiply_adds, parts);
        }
        let name = &node.name;
        let convolution = OverAllChannels { name, precision, is_planar, multiply_adds, parts };
        match parameters.groups {
            1 => self.convolution_over_all_channels(convolution),
            groups => self.grouped_convolution(convolution, groups, form),
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
        if let Targets { exact: Some(target), rounded: None } = parts.targets
            && !is_planar
            && precision == Precision::F32
            && winograd_fits(&parts)
        {
            let step = WinogradConvolution::new(level, threads, target, parts);
            return self.push(name, "winograd", multiply_adds, step, reads, vec![target]);
        }
        let channels_and_block = match (is_planar, precision) {
            (true, _) => [parts.channels, 1],
            (false, Precision::F32) => [parts.channels, level.lanes()],
            (false, Precision::Bf16) => [dense::pairs(level, parts.channels), level.lanes() / 2],
        };
        let kernel = match (is_planar, parts.axes.map(|axis| axis.taps), precision) {
            (true, ..) => "stem",
            (false, [1, 1], Precision::F32) => "pointwise",
            (false, [1, 1], Precision::Bf16) => "pointwise bf16",
            (false, _, Precision::F32) => "dense",
            (false, _, Precision::Bf16) => "dense bf16",
        };
        let step = DenseConvolution::new(level, precision, threads, channels_and_block, parts);
        self.push(name, kernel, multiply_adds, step, reads, parts.targets.slots());
    }

    /// A convolution for each set of groups that fills whole blocks, with zeros between the groups.
    fn grouped_convolution(&mut self, convolution: OverAllChannels<'_>, groups: usize, form: Form) {
        let (lanes, parts) = (self.level.lanes(), convolution.parts);
        let [channels, filters] = [parts.channels, parts.filters].map(|all| all / groups);
        let layout = |own: usize, side: fn(&Axis) -> usize| {
            let [height, width] = [side(&parts.axes[0]), side(&parts.axes[1])];
            Blocked { channels: own * groups, height, width, lanes }
        };
        let operand = layout(channels, |axis| axis.extent);
        let result = layout(filters, |axis| axis.windows);
        for set in groups::sets(groups, [channels, filters], lanes) {
            let mut part = |slot: Slot, layout: Blocked, own: usize, form: Form| {
                // The operand may be planar, but then there is one set.
                if set.len() == groups {
                    return slot;
                }
                let blocks = set.start * own / lanes..(set.end * own).div_ceil(lanes);
                self.blocks_inside(slot, layout, blocks, form)
            };
            let source = part(parts.source, operand, channels, form);
            let mut part_of_result = |slot: Slot, form: Form| part(slot, result, filters, form);
            let exact = parts.targets.exact.map(|slot| part_of_result(slot, Form::Exact));
            let rounded = parts.targets.rounded.map(|slot| part_of_result(slot, Form::Rounded));
            let residual = parts.residual.map(|slot| part_of_result(slot, Form::Exact));
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
                    targets: Targets { exact, rounded },
                    residual,
                    ..parts
                },
                ..convolution
            });
        }
    }

    /// A convolution for each phase of the result: the rows and columns that the same taps reach.
    pub(super) fn transposed_convolution(
        &mut self,
        node: &Node,
        parameters: &TransposedConvolution,
        kind: Kind,
        fusion: &Fusion,
    ) {
        let graph = self.graph;
        let x = node.inputs[0];
        let Weights { elements, bias } = weights(graph, node);
        let weight_shape = &graph.value(node.inputs[1]).shape;
        let (channels, taps) = (weight_shape[0], [weight_shape[2], weight_shape[3]]);
        let filters = weight_shape[1] * parameters.groups;
        let (precision, form) = self.precision_of(node, kind);
        let source = self.blocked(x, form);
        let target = self.new_blocked(fusion.result, Form::Exact);
        let finish = Finish { before: parameters.activation, after: None };
        let (operand, result) = (self.layout(x), self.layout(fusion.result));
        let [rows, columns] =
            phases::of_axes(parameters, taps, [operand, result]).expect("there are such phases");
        for (row, column) in rows.iter().flat_map(|row| columns.iter().map(move |it| (row, it))) {
            let axes = [row, column].map(|phase| phase.axis);
            let [height, width] = axes.map(|axis| axis.windows);
            let picture = Blocked { channels: filters, height, width, ..result };
            let slot = self.new_picture(picture);
            let targets = Targets { exact: Some(slot), rounded: None };
            let elements =
                phases::weights(elements, channels, weight_shape[1], taps, [row, column]);
            let multiply_adds = picture.height * picture.width * elements.len();
            let parts = ConvolutionParts {
                axes,
                channels,
                filters,
                weights: Weights { elements: &elements, bias },
                finish,
                source,
                targets,
                residual: None,
            };
            let name = &node.name;
            if kind == Kind::Depthwise {
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
            let places = [row, column].map(|Phase { start, distance, .. }| [*start, *distance]);
            let step = Interleave::new(self.threads, picture, result, places, [slot, target]);
            self.push(&node.name, "interleave", 0, step, vec![slot], vec![target]);
        }
    }

    /// What a convolution multiplies, and the form in which it reads its operand.
    fn precision_of(&self, node: &Node, kind: Kind) -> (Precision, Form) {
        if self.precision == Precision::Bf16 && multiplies_pairs(self.graph, node, kind) {
            (Precision::Bf16, Form::Rounded)
        } else {
            (Precision::F32, Form::Exact)
        }
    }

    /// Where a convolution's results go.
    fn targets(&mut self, kind: Kind, fusion: &Fusion) -> Targets {
        let result = fusion.result;
        let demand = self.demand(result);
        // A convolution of each channel on its own computes whole rows.
        let is_wide = kind == Kind::Depthwise && self.layout(result).row_len() > SCRATCH;
        let exact = demand.exact || is_wide;
        let mut slot = |wanted: bool, form| wanted.then(|| self.new_blocked(result, form));
        Targets { exact: slot(exact, Form::Exact), rounded: slot(demand.rounded, Form::Rounded) }
    }
}

/// A convolution's weights and bias, which were checked to be constants.
fn weights<'a>(graph: &'a Graph, node: &Node) -> Weights<'a> {
    let constant = |index: usize| {
        let id = node.inputs.get(index)?;
        graph.value(*id).constant.as_ref().and_then(|tensor| tensor.as_f32())
    };
    Weights { elements: constant(1).unwrap_or_default(), bias: constant(2) }
}
