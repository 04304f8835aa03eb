//! Steps and slots for every node, and conversions where layouts meet.

use std::ops::Range;

use framegate_backend_api::graph::{Graph, Node, Operator, ValueId};
use framegate_backend_api::{ElementType, HostTensor, TensorData};
use framegate_scalar::Operation;

use super::PlannedStep;
use super::classify::Kind;
use super::demand::{Demand, Form};
use super::fuse::Fusions;
use super::in_place::InPlace;
use super::rearrange::{Channel, arrangement};
use super::slots::{Home, Slots};
use super::views::{Movement, Source};
use crate::kernels::layout::Strides;
use crate::level::SimdLevel;
use crate::memory::{AlignedCells, Slot, cells};
use crate::precision::Precision;
use crate::steps::{
    Block, Blocked, GatherChannels, Lane, Plain, RoundBlocks, Step, Tensor, Unblock,
};

/// Where a value's elements are found, once they are.
#[derive(Debug, Clone, Copy, Default)]
struct Forms {
    plain: Option<Slot>,
    exact: Option<Slot>,
    rounded: Option<Slot>,
}

impl Forms {
    fn blocked(&mut self, form: Form) -> &mut Option<Slot> {
        match form {
            Form::Exact => &mut self.exact,
            Form::Rounded => &mut self.rounded,
        }
    }
}

/// What is known of a graph's nodes and values.
pub(crate) struct Findings {
    /// By node.
    pub(crate) kinds: Vec<Kind>,
    pub(crate) fused: Fusions,
    /// By value.
    pub(crate) in_place: Vec<Option<InPlace>>,
    /// By node.
    pub(crate) movements: Vec<Movement>,
    /// By value.
    pub(crate) demands: Vec<Demand>,
}

/// Steps, slots and the constants of plain operators.
pub(crate) type Assembled = (Vec<PlannedStep>, Slots, Vec<AlignedCells>);

/// Goes through the graph front to back.
pub(crate) fn assemble(
    graph: &Graph,
    level: SimdLevel,
    precision: Precision,
    threads: usize,
    findings: &Findings,
) -> Assembled {
    let mut assembly = Assembly {
        graph,
        level,
        precision,
        threads,
        findings,
        forms: vec![Forms::default(); graph.values.len()],
        arrangements: vec![None; graph.values.len()],
        steps: Vec::new(),
        slots: Slots::default(),
        constants: Vec::new(),
    };
    let input = &graph.value(graph.input).shape;
    let input_slot = assembly.slots.add(input.iter().product(), Home::Input);
    assembly.forms[graph.input.0].plain = Some(input_slot);
    for (index, node) in graph.nodes.iter().enumerate() {
        // Nodes without a fusion have become part of another.
        let Some(fusion) = &findings.fused.of_node[index] else { continue };
        match (findings.kinds[index], &findings.movements[index]) {
            (Kind::Plain, Movement::Usual) => assembly.plain_node(node),
            (Kind::Plain, Movement::Absorbed) => {}
            (Kind::Plain, Movement::Gather(sources)) => assembly.gather(node, sources),
            (Kind::Rearranged, _) => assembly.rearrange(node),
            (kind, _) => assembly.kernel_node(node, kind, fusion),
        }
    }
    for (index, id) in graph.outputs.iter().enumerate() {
        assembly.output(index, *id);
    }
    (assembly.steps, assembly.slots, assembly.constants)
}

/// A plan in the making.
pub(super) struct Assembly<'a> {
    pub(super) graph: &'a Graph,
    pub(super) level: SimdLevel,
    pub(super) precision: Precision,
    pub(super) threads: usize,
    findings: &'a Findings,
    forms: Vec<Forms>,
    /// Of values that are only rearranged others, by value number; the others are none themselves.
    arrangements: Vec<Option<Vec<Channel>>>,
    steps: Vec<PlannedStep>,
    slots: Slots,
    constants: Vec<AlignedCells>,
}

impl Assembly<'_> {
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

    /// Whether a value is there in the blocked layout without any conversion.
    pub(super) fn is_blocked(&self, id: ValueId) -> bool {
        let forms = &self.forms[id.0];
        forms.exact.is_some() || forms.rounded.is_some() || self.arrangements[id.0].is_some()
    }

    /// The forms in which a value is wanted.
    pub(super) fn demand(&self, id: ValueId) -> Demand {
        self.findings.demands[id.0]
    }

    /// Room for a value in the blocked layout: in the concatenation that it is part of, if any.
    pub(super) fn new_blocked(&mut self, id: ValueId, form: Form) -> Slot {
        if let Some(slot) = *self.forms[id.0].blocked(form) {
            return slot;
        }
        let slot = match self.findings.in_place[id.0] {
            Some(InPlace { whole, block }) if self.demand(whole).has(form) => {
                let parent = self.new_blocked(whole, form);
                self.slot_inside(parent, id, block, form)
            }
            _ => self.slots.add(blocked_cells(self.layout(id).len(), form), Home::Arena(0)),
        };
        *self.forms[id.0].blocked(form) = Some(slot);
        slot
    }

    /// Whether a value lies where the concatenation of `whole` wants it, at this block.
    pub(super) fn is_in_place(&self, id: ValueId, whole: ValueId, block: usize) -> bool {
        self.findings.in_place[id.0] == Some(InPlace { whole, block })
    }

    /// Says where a value lies blocked without having been computed.
    pub(super) fn lies_blocked(&mut self, id: ValueId, form: Form, slot: Slot) {
        *self.forms[id.0].blocked(form) = Some(slot);
    }

    /// Blocks of a blocked value's slot, from this one on.
    pub(super) fn slot_inside(
        &mut self,
        parent: Slot,
        id: ValueId,
        block: usize,
        form: Form,
    ) -> Slot {
        let layout = self.layout(id);
        self.blocks_inside(parent, layout, block..block + layout.blocks(), form)
    }

    /// Some blocks of a blocked picture's slot.
    pub(super) fn blocks_inside(
        &mut self,
        parent: Slot,
        layout: Blocked,
        blocks: Range<usize>,
        form: Form,
    ) -> Slot {
        let cells = |blocks: usize| blocked_cells(blocks * layout.block_len(), form);
        self.slots.add(cells(blocks.len()), Home::Inside { parent, start: cells(blocks.start) })
    }

    /// Room for a blocked picture that is no value of the graph.
    pub(super) fn new_picture(&mut self, layout: Blocked) -> Slot {
        self.slots.add(layout.len(), Home::Arena(0))
    }

    /// A value in the blocked layout, converted if need be.
    pub(super) fn blocked(&mut self, id: ValueId, form: Form) -> Slot {
        if let Some(slot) = *self.forms[id.0].blocked(form) {
            return slot;
        }
        let name = self.graph.value(id).name.clone();
        let (layout, threads) = (self.layout(id), self.threads);
        match form {
            Form::Exact if self.arrangements[id.0].is_some() => self.gather_channels(id),
            Form::Exact => {
                let (source, target) = (self.plain(id), self.new_blocked(id, form));
                let step = Block::new(threads, layout, [source, target]);
                self.push(&name, "block", 0, step, vec![source], vec![target]);
                target
            }
            Form::Rounded => {
                let (source, target) = (self.blocked(id, Form::Exact), self.new_blocked(id, form));
                let step = RoundBlocks::new(self.level, threads, layout.len(), [source, target]);
                self.push(&name, "round", 0, step, vec![source], vec![target]);
                target
            }
        }
    }

    /// A value in row-major order, converted if need be.
    pub(super) fn plain(&mut self, id: ValueId) -> Slot {
        if let Some(slot) = self.forms[id.0].plain {
            return slot;
        }
        let value = self.graph.value(id);
        if let Some(constant) = &value.constant {
            let slot = self.slots.add(value_cells(value), Home::Constant(self.constants.len()));
            self.constants.push(constant_cells(constant));
            self.forms[id.0].plain = Some(slot);
            return slot;
        }
        let layout = self.layout(id);
        let target = self.new_plain(id);
        let strides = Strides {
            start: 0,
            channel: layout.height * layout.width,
            row: layout.width,
            column: 1,
        };
        self.unblock(id, strides, target);
        target
    }

    /// Writes a blocked value to where its elements belong in a row-major one.
    fn unblock(&mut self, id: ValueId, strides: Strides, target: Slot) {
        let source = self.blocked(id, Form::Exact);
        let step = Unblock::new(self.threads, self.layout(id), strides, [source, target]);
        let name = self.graph.value(id).name.clone();
        self.push(&name, "unblock", 0, step, vec![source], vec![target]);
    }

    /// Writes down where the channels of a node's result are, as far back as they were computed.
    fn rearrange(&mut self, node: &Node) {
        let channels = arrangement(self.graph, node).expect("the node was found to be so");
        let computed = |channel: Channel| match &self.arrangements[channel.picture.0] {
            Some(arrangement) => arrangement[channel.index],
            None => channel,
        };
        let channels = channels.into_iter().map(computed).collect();
        self.arrangements[node.outputs[0].0] = Some(channels);
    }

    /// Computes a rearranged value, for those who read it as a picture.
    fn gather_channels(&mut self, id: ValueId) -> Slot {
        let channels = self.arrangements[id.0].clone().expect("its channels were written down");
        let layout = self.layout(id);
        let lane = |channel: Channel| {
            let (block, lane) = (channel.index / layout.lanes, channel.index % layout.lanes);
            let source = self.blocked(channel.picture, Form::Exact);
            Lane { source, start: block * layout.block_len() + lane }
        };
        let lanes: Vec<Lane> = channels.into_iter().map(lane).collect();
        let mut reads: Vec<Slot> = lanes.iter().map(|lane| lane.source).collect();
        reads.sort_unstable();
        reads.dedup();
        let target = self.new_blocked(id, Form::Exact);
        let name = self.graph.value(id).name.clone();
        let step = GatherChannels::new(self.threads, lanes, layout, target);
        self.push(&name, "gather channels", 0, step, reads, vec![target]);
        target
    }

    fn gather(&mut self, node: &Node, sources: &[Source]) {
        let target = self.new_plain(node.outputs[0]);
        for source in sources {
            self.unblock(source.value, source.strides, target);
        }
    }

    /// Room for a value in row-major order.
    pub(super) fn new_plain(&mut self, id: ValueId) -> Slot {
        let slot = self.slots.add(value_cells(self.graph.value(id)), Home::Arena(0));
        self.forms[id.0].plain = Some(slot);
        slot
    }

    fn plain_node(&mut self, node: &Node) {
        if self.row_major_node(node) {
            return;
        }
        let reads: Vec<Slot> = node.inputs.iter().map(|id| self.plain(*id)).collect();
        let writes: Vec<Slot> = node.outputs.iter().map(|id| self.new_plain(*id)).collect();
        let shape = |id: &ValueId| &self.graph.value(*id).shape[..];
        let shapes: Vec<&[usize]> = node.inputs.iter().map(shape).collect();
        let operation = Operation::prepare(&node.operator, &shapes, shape(&node.outputs[0]));
        let inputs = self.tensors(&node.inputs, &reads);
        let outputs = self.tensors(&node.outputs, &writes);
        self.push_plain(&node.name, operation, inputs, outputs);
    }

    fn push_plain(
        &mut self,
        node: &str,
        operation: Operation,
        inputs: Vec<Tensor>,
        outputs: Vec<Tensor>,
    ) {
        let reads = inputs.iter().map(|tensor| tensor.slot).collect();
        let writes = outputs.iter().map(|tensor| tensor.slot).collect();
        self.push(node, "plain", 0, Plain { operation, inputs, outputs }, reads, writes);
    }

    fn tensors(&self, ids: &[ValueId], slots: &[Slot]) -> Vec<Tensor> {
        let tensor = |(id, slot): (&ValueId, &Slot)| {
            let value = self.graph.value(*id);
            let len = value.shape.iter().product();
            Tensor { slot: *slot, element_type: value.element_type, len }
        };
        ids.iter().zip(slots).map(tensor).collect()
    }

    /// Lets an output be written where the caller wants it, or has it copied there.
    fn output(&mut self, index: usize, id: ValueId) {
        let slot = self.plain(id);
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
        self.push_plain(&name, operation, inputs, vec![output]);
    }
}

/// Number of cells that so many elements take in a form.
pub(super) fn blocked_cells(elements: usize, form: Form) -> usize {
    match form {
        Form::Exact => elements,
        // Blocks are an even number of lanes wide.
        Form::Rounded => elements / 2,
    }
}

fn value_cells(value: &framegate_backend_api::graph::Value) -> usize {
    cells(value.element_type, value.shape.iter().product())
}

/// The elements of a constant as a buffer holds them.
fn constant_cells(tensor: &HostTensor) -> AlignedCells {
    let as_cells = |bytes: Vec<u8>| -> Vec<f32> {
        let (whole, rest) = bytes.as_chunks::<4>();
        let mut last = [0; 4];
        last[..rest.len()].copy_from_slice(rest);
        whole.iter().chain([&last]).map(|bytes| f32::from_ne_bytes(*bytes)).collect()
    };
    AlignedCells::from_slice(&match tensor.data() {
        TensorData::F32(elements) => elements.clone(),
        TensorData::I64(elements) => {
            as_cells(elements.iter().flat_map(|element| element.to_ne_bytes()).collect())
        }
        TensorData::Bool(elements) => {
            as_cells(elements.iter().map(|element| u8::from(*element)).collect())
        }
    })
}
