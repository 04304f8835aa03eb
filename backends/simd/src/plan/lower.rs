//! Lowers a graph: steps and slots for every node, and conversions where layouts meet.

use std::ops::Range;

use framegate_backend_api::ElementType;
use framegate_backend_api::graph::{Graph, Node, Operator, ValueId};
use framegate_cpu::{Level, Precision};
use framegate_scalar::Operation;

use super::PlannedStep;
use super::cells::{blocked_cells, constant_cells, natural, value_cells};
use super::classify::Lowering;
use super::formats::{Format, RequiredFormats};
use super::fuse::Fusions;
use super::in_place::InPlace;
use super::merge::Merged;
use super::quantised::ByteMaps;
use super::rearrange::{Channel, arrangement};
use super::slots::{Home, Slots};
use super::views::{LayoutOp, Source};
use crate::kernels::layout::Strides;
use crate::memory::{AlignedCells, Slot};
use crate::steps::{
    Blocked, ChannelSource, GatherChannels, Pack, Scalar, Step, Tensor, ToBf16, Unpack,
};

/// The slots that hold a value, once there are any.
#[derive(Debug, Clone, Copy, Default)]
struct ValueSlots {
    row_major: Option<Slot>,
    f32: Option<Slot>,
    bf16: Option<Slot>,
    bytes: Option<Slot>,
}

impl ValueSlots {
    fn blocked(&mut self, format: Format) -> &mut Option<Slot> {
        match format {
            Format::F32 => &mut self.f32,
            Format::Bf16 => &mut self.bf16,
            Format::Bytes => &mut self.bytes,
        }
    }
}

/// What the analyses found out about a graph.
pub(crate) struct Analysis {
    /// By node.
    pub(crate) lowerings: Vec<Lowering>,
    pub(crate) fusions: Fusions,
    pub(crate) maps: ByteMaps,
    /// By value.
    pub(crate) in_place: Vec<Option<InPlace>>,
    /// By node.
    pub(crate) layout_ops: Vec<LayoutOp>,
    /// By node.
    pub(crate) merged: Vec<Option<Merged>>,
    /// By value.
    pub(crate) formats: Vec<RequiredFormats>,
}

/// Steps, slots, and the constants that are read row-major.
pub(crate) type Lowered = (Vec<PlannedStep>, Slots, Vec<AlignedCells>);

/// Lowers the nodes in order, then the outputs.
pub(crate) fn lower(
    graph: &Graph,
    level: Level,
    precision: Precision,
    threads: usize,
    analysis: &Analysis,
) -> Lowered {
    let mut lowerer = Lowerer {
        graph,
        level,
        precision,
        threads,
        analysis,
        uses: graph.use_counts(),
        producers: graph.producers(),
        value_slots: vec![ValueSlots::default(); graph.values.len()],
        arrangements: vec![None; graph.values.len()],
        steps: Vec::new(),
        slots: Slots::default(),
        constants: Vec::new(),
    };
    let input = &graph.value(graph.input).shape;
    let input_slot = lowerer.slots.add(input.iter().product(), Home::Input);
    lowerer.value_slots[graph.input.0].row_major = Some(input_slot);
    for (index, node) in graph.nodes.iter().enumerate() {
        // Nodes without a fusion have become part of another.
        let Some(fusion) = &analysis.fusions.of_node[index] else { continue };
        match (analysis.lowerings[index], &analysis.layout_ops[index]) {
            (Lowering::Scalar, LayoutOp::Kept) => match &analysis.merged[index] {
                Some(Merged::Product(fusion)) => lowerer.product(node, fusion),
                Some(Merged::Attention(fusion)) => lowerer.attention(&node.name, fusion),
                None if lowerer.is_deferred(index) => {}
                None => lowerer.scalar_node(node),
            },
            (Lowering::Scalar, LayoutOp::Fused) => {}
            (Lowering::Scalar, LayoutOp::Gather(sources)) => lowerer.gather(node, sources),
            (Lowering::Rearranged, _) => lowerer.rearrange(node),
            (lowering, _) => match &analysis.maps.of_node[index] {
                Some(on_bytes) => lowerer.on_bytes(node, lowering, on_bytes, fusion),
                None => lowerer.kernel_node(node, lowering, fusion),
            },
        }
    }
    for (index, id) in graph.outputs.iter().enumerate() {
        lowerer.output(index, *id);
    }
    (lowerer.steps, lowerer.slots, lowerer.constants)
}

/// A plan under construction.
pub(super) struct Lowerer<'a> {
    pub(super) graph: &'a Graph,
    pub(super) level: Level,
    pub(super) precision: Precision,
    pub(super) threads: usize,
    pub(super) analysis: &'a Analysis,
    /// By value.
    pub(super) uses: Vec<usize>,
    pub(super) producers: Vec<Option<usize>>,
    value_slots: Vec<ValueSlots>,
    /// By value number, for values that are only rearranged channels of others, none of which is
    /// rearranged itself.
    arrangements: Vec<Option<Vec<Channel>>>,
    steps: Vec<PlannedStep>,
    pub(super) slots: Slots,
    constants: Vec<AlignedCells>,
}

impl Lowerer<'_> {
    pub(super) fn push(
        &mut self,
        node: &str,
        kernel: &'static str,
        multiply_adds: usize,
        step: impl Step + 'static,
        reads: Vec<Slot>,
        writes: Vec<Slot>,
    ) {
        self.steps.push(PlannedStep {
            step: Box::new(step),
            node: node.to_owned(),
            kernel,
            multiply_adds: multiply_adds as u64,
            reads,
            writes,
        });
    }

    /// The blocked layout of a value.
    pub(super) fn layout(&self, id: ValueId) -> Blocked {
        Blocked::new(&self.graph.value(id).shape, self.level.lanes())
    }

    /// Whether a value is available in the blocked layout without conversion from row-major.
    pub(super) fn is_blocked(&self, id: ValueId) -> bool {
        let ValueSlots { f32, bf16, bytes, .. } = self.value_slots[id.0];
        [f32, bf16, bytes].iter().any(Option::is_some) || self.arrangements[id.0].is_some()
    }

    /// The formats in which a value is read.
    pub(super) fn formats(&self, id: ValueId) -> RequiredFormats {
        self.analysis.formats[id.0]
    }

    /// A new slot for a value in the blocked layout: inside the concatenation that it is part of, if
    /// any.
    pub(super) fn new_blocked(&mut self, id: ValueId, format: Format) -> Slot {
        if let Some(slot) = *self.value_slots[id.0].blocked(format) {
            return slot;
        }
        let slot = match self.analysis.in_place[id.0] {
            Some(InPlace { whole, block }) if self.formats(whole).contains(format) => {
                let parent = self.new_blocked(whole, format);
                self.slot_inside(parent, id, block, format)
            }
            _ => self.slots.add(blocked_cells(self.layout(id).len(), format), Home::Arena(0)),
        };
        *self.value_slots[id.0].blocked(format) = Some(slot);
        slot
    }

    /// Whether a value is written right where the concatenation `whole` has it, from this block on.
    pub(super) fn is_in_place(&self, id: ValueId, whole: ValueId, block: usize) -> bool {
        self.analysis.in_place[id.0] == Some(InPlace { whole, block })
    }

    /// Records where a blocked value already is.
    pub(super) fn set_blocked(&mut self, id: ValueId, format: Format, slot: Slot) {
        *self.value_slots[id.0].blocked(format) = Some(slot);
    }

    /// The slot of a value inside another, from this block of the other on.
    pub(super) fn slot_inside(
        &mut self,
        parent: Slot,
        id: ValueId,
        block: usize,
        format: Format,
    ) -> Slot {
        let layout = self.layout(id);
        self.blocks_inside(parent, layout, block..block + layout.blocks(), format)
    }

    /// The slot of some blocks of a feature map with this layout.
    pub(super) fn blocks_inside(
        &mut self,
        parent: Slot,
        layout: Blocked,
        blocks: Range<usize>,
        format: Format,
    ) -> Slot {
        let cells = |blocks: usize| blocked_cells(blocks * layout.block_len(), format);
        self.slots.add(cells(blocks.len()), Home::Inside { parent, start: cells(blocks.start) })
    }

    /// A slot for a feature map that is not a value of the graph.
    pub(super) fn new_feature_map(&mut self, layout: Blocked) -> Slot {
        self.slots.add(layout.len(), Home::Arena(0))
    }

    /// The slot of a value in the blocked layout, after a conversion if necessary.
    pub(super) fn blocked(&mut self, id: ValueId, format: Format) -> Slot {
        if let Some(slot) = *self.value_slots[id.0].blocked(format) {
            return slot;
        }
        let name = self.graph.value(id).name.clone();
        let (layout, threads) = (self.layout(id), self.threads);
        let of_bytes = self.analysis.maps.zero_and_scale(id);
        match format {
            Format::F32 | Format::Bytes if self.arrangements[id.0].is_some() => {
                self.gather_channels(id, format)
            }
            Format::F32 if self.analysis.maps.is_written[id.0] => {
                let zero_and_scale = of_bytes.expect("what is written as bytes is a map of them");
                self.dequantise(&name, id, zero_and_scale, id)
            }
            Format::Bytes => self.convert_to_bytes(id),
            Format::F32 => {
                let view = self.view(id);
                let strides = usize::try_from(view.start).ok().zip(natural(&view.strides));
                let (base, strides) = match strides {
                    Some((start, [_, channel, row, column])) => {
                        (view.base, Strides { start, channel, row, column })
                    }
                    None => (id, Strides::row_major(layout.height, layout.width)),
                };
                let (source, target) = (self.row_major(base), self.new_blocked(id, format));
                let step = Pack::new(self.level, threads, layout, strides, [source, target]);
                self.push(&name, "pack", 0, step, vec![source], vec![target]);
                target
            }
            Format::Bf16 => {
                let (source, target) =
                    (self.blocked(id, Format::F32), self.new_blocked(id, format));
                let step = ToBf16::new(self.level, threads, layout.len(), [source, target]);
                self.push(&name, "to_bf16", 0, step, vec![source], vec![target]);
                target
            }
        }
    }

    /// The slot of a value in row-major order, after a conversion if necessary.
    pub(super) fn row_major(&mut self, id: ValueId) -> Slot {
        if let Some(slot) = self.value_slots[id.0].row_major {
            return slot;
        }
        let value = self.graph.value(id);
        if let Some(constant) = &value.constant {
            let slot = self.slots.add(value_cells(value), Home::Constant(self.constants.len()));
            self.constants.push(constant_cells(constant));
            self.value_slots[id.0].row_major = Some(slot);
            return slot;
        }
        let deferred = self.producers[id.0].filter(|index| self.is_deferred(*index));
        if let Some(index) = deferred {
            return self.materialise(id, index);
        }
        let layout = self.layout(id);
        let target = self.new_row_major(id);
        let strides = Strides::row_major(layout.height, layout.width);
        self.unpack(id, strides, target);
        target
    }

    /// Writes the elements of a blocked value to where they belong in a row-major one.
    fn unpack(&mut self, id: ValueId, strides: Strides, target: Slot) {
        let source = self.blocked(id, Format::F32);
        let step =
            Unpack::new(self.level, self.threads, self.layout(id), strides, [source, target]);
        let name = self.graph.value(id).name.clone();
        self.push(&name, "unpack", 0, step, vec![source], vec![target]);
    }

    /// Records where the channels of a result are, traced back to where they were computed.
    fn rearrange(&mut self, node: &Node) {
        let channels =
            arrangement(self.graph, node).expect("the node was classified as a rearrangement");
        let computed = |channel: Channel| match &self.arrangements[channel.feature_map.0] {
            Some(arrangement) => arrangement[channel.index],
            None => channel,
        };
        let channels = channels.into_iter().map(computed).collect();
        self.arrangements[node.outputs[0].0] = Some(channels);
    }

    /// Computes a rearranged value, for readers that take it as a feature map of this format.
    fn gather_channels(&mut self, id: ValueId, format: Format) -> Slot {
        let channels = self.arrangements[id.0].clone().expect("the value is a rearrangement");
        let layout = self.layout(id);
        let source_of = |channel: Channel| {
            let (block, lane) = (channel.index / layout.lanes, channel.index % layout.lanes);
            let slot = self.blocked(channel.feature_map, format);
            ChannelSource { slot, start: block * layout.block_len() + lane }
        };
        let sources: Vec<ChannelSource> = channels.into_iter().map(source_of).collect();
        let mut reads: Vec<Slot> = sources.iter().map(|channel| channel.slot).collect();
        reads.sort_unstable();
        reads.dedup();
        let target = self.new_blocked(id, format);
        let (name, kernel) = (self.graph.value(id).name.clone(), "gather_channels");
        if format == Format::Bytes {
            let step = GatherChannels::<u8>::new(self.threads, sources, layout, target);
            self.push(&name, kernel, 0, step, reads, vec![target]);
        } else {
            let step = GatherChannels::<f32>::new(self.threads, sources, layout, target);
            self.push(&name, kernel, 0, step, reads, vec![target]);
        }
        target
    }

    fn gather(&mut self, node: &Node, sources: &[Source]) {
        let target = self.new_row_major(node.outputs[0]);
        for source in sources {
            self.unpack(source.value, source.strides, target);
        }
    }

    /// Whether a value is in row-major order somewhere already.
    pub(super) fn has_row_major(&self, id: ValueId) -> bool {
        self.value_slots[id.0].row_major.is_some()
    }

    /// Records where a value is in row-major order.
    pub(super) fn set_row_major(&mut self, id: ValueId, slot: Slot) {
        self.value_slots[id.0].row_major = Some(slot);
    }

    /// A new slot for a value in row-major order.
    pub(super) fn new_row_major(&mut self, id: ValueId) -> Slot {
        let slot = self.slots.add(value_cells(self.graph.value(id)), Home::Arena(0));
        self.value_slots[id.0].row_major = Some(slot);
        slot
    }

    fn scalar_node(&mut self, node: &Node) {
        if self.row_major_kernel(node) {
            return;
        }
        let reads: Vec<Slot> = node.inputs.iter().map(|id| self.row_major(*id)).collect();
        let writes: Vec<Slot> = node.outputs.iter().map(|id| self.new_row_major(*id)).collect();
        let shape = |id: &ValueId| &self.graph.value(*id).shape[..];
        let shapes: Vec<&[usize]> = node.inputs.iter().map(shape).collect();
        let operation = Operation::prepare(&node.operator, &shapes, shape(&node.outputs[0]));
        let inputs = self.tensors(&node.inputs, &reads);
        let outputs = self.tensors(&node.outputs, &writes);
        self.push_scalar(&node.name, operation, inputs, outputs);
    }

    fn push_scalar(
        &mut self,
        node: &str,
        operation: Operation,
        inputs: Vec<Tensor>,
        outputs: Vec<Tensor>,
    ) {
        let reads = inputs.iter().map(|tensor| tensor.slot).collect();
        let writes = outputs.iter().map(|tensor| tensor.slot).collect();
        self.push(node, "scalar", 0, Scalar { operation, inputs, outputs }, reads, writes);
    }

    fn tensors(&self, ids: &[ValueId], slots: &[Slot]) -> Vec<Tensor> {
        let tensor = |(id, slot): (&ValueId, &Slot)| {
            let value = self.graph.value(*id);
            let len = value.shape.iter().product();
            Tensor { slot: *slot, element_type: value.element_type, len }
        };
        ids.iter().zip(slots).map(tensor).collect()
    }

    /// Has an output written straight to the caller's memory, or else copied there.
    fn output(&mut self, index: usize, id: ValueId) {
        let slot = self.row_major(id);
        let value = self.graph.value(id);
        if value.element_type == ElementType::F32 && self.slots.home(slot) == Home::Arena(0) {
            return self.slots.set_home(slot, Home::Output(index));
        }
        let name = value.name.clone();
        let len = value.shape.iter().product();
        let inputs = self.tensors(&[id], &[slot]);
        let target = self.slots.add(len, Home::Output(index));
        let output = Tensor { slot: target, element_type: ElementType::F32, len };
        let convert = Operator::Cast(ElementType::F32);
        let operation = Operation::prepare(&convert, &[&value.shape], &value.shape);
        self.push_scalar(&name, operation, inputs, vec![output]);
    }
}
