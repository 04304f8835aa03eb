//! What importers of operators work with: the graph so far, and a node of the file with its operands.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use framegate_backend_api::{
    ElementType, HostTensor,
    graph::{Graph, GraphBuilder, Operator, Value, ValueId},
};

use super::attributes::Attributes;
use super::budget::{self, ConstantBudget};
use super::computed::Computed;
use super::ragged::{Extent, Ragged};
use super::tensor::DataType;

/// Smaller constants are not worth freeing.
const LARGE_CONSTANT: usize = 1 << 12;

/// What is wrong with a node; its name is added on the way out.
pub(super) type Problem = String;

/// The graph so far, and the node being imported.
pub(super) struct Import {
    builder: GraphBuilder,
    /// Version of the operator set, which decides what a node means.
    pub(super) opset: i64,
    /// Images in the batches that the file is made for; the graph is for one.
    pub(super) batch: usize,
    node_name: String,
    budget: ConstantBudget,
    computed: Computed,
    pub(super) ragged: Ragged,
    /// The tensors of sequences, by the values that stand for them.
    pub(super) sequences: HashMap<ValueId, Vec<ValueId>>,
    /// The value that a result of `Expand` repeats.
    pub(super) repeats: HashMap<ValueId, ValueId>,
    /// The type that the file gives a value's elements, where a quantisation needs it.
    data_types: HashMap<ValueId, DataType>,
    /// Large constants that were computed, and have not been freed.
    large: Vec<ValueId>,
}

/// A node of the file with its operands found.
pub(super) struct OnnxNode<'a> {
    pub(super) attributes: Attributes<'a>,
    /// One for each name that the node reads; `None` where an operand is left out.
    pub(super) operands: Vec<Option<ValueId>>,
    /// Number of results the file asks for.
    pub(super) output_count: usize,
    /// ONNX operator.
    pub(super) operator: &'a str,
    /// The operator set that the operator is of; empty for the standard's.
    pub(super) domain: &'a str,
}

impl OnnxNode<'_> {
    /// Operand `index`, which must be there.
    pub(super) fn operand(&self, index: usize) -> Result<ValueId, Problem> {
        self.optional(index).ok_or_else(|| format!("operand {index} is missing"))
    }

    /// Operand `index`, if it is there.
    pub(super) fn optional(&self, index: usize) -> Option<ValueId> {
        self.operands.get(index).copied().flatten()
    }

    /// All operands, none of which may be left out.
    pub(super) fn operands(&self) -> Result<Vec<ValueId>, Problem> {
        (0..self.operands.len()).map(|index| self.operand(index)).collect()
    }
}

impl Import {
    /// A graph of which only the input is known.
    pub(super) fn new(input_name: &str, input_shape: impl Into<Vec<usize>>) -> Self {
        Self {
            builder: GraphBuilder::new(input_name, input_shape),
            opset: 0,
            batch: 1,
            node_name: String::new(),
            budget: ConstantBudget::new(),
            computed: Computed::default(),
            ragged: Ragged::default(),
            sequences: HashMap::new(),
            repeats: HashMap::new(),
            data_types: HashMap::new(),
            large: Vec::new(),
        }
    }

    /// The graph's input.
    pub(super) fn input(&self) -> ValueId {
        self.builder.input()
    }

    /// Names what is added from here on.
    pub(super) fn start_node(&mut self, name: &str) {
        name.clone_into(&mut self.node_name);
    }

    /// Adds a constant under its own name.
    pub(super) fn named_constant(
        &mut self,
        name: &str,
        tensor: impl Into<Arc<HostTensor>>,
    ) -> ValueId {
        self.builder.constant(name, tensor)
    }

    /// The graph, with these outputs.
    pub(super) fn finish(self, outputs: Vec<ValueId>) -> Graph {
        self.builder.finish(outputs)
    }

    /// A value made so far.
    pub(super) fn value(&self, id: ValueId) -> &Value {
        self.builder.value(id)
    }

    /// Records the type that a value's elements have in the file.
    pub(super) fn set_data_type(&mut self, id: ValueId, data_type: DataType) {
        self.data_types.insert(id, data_type);
    }

    /// The type that a value's elements have in the file, as far as it was recorded.
    pub(super) fn data_type(&self, id: ValueId) -> Option<DataType> {
        self.data_types.get(&id).copied()
    }

    /// Shape of a value made so far.
    pub(super) fn shape(&self, id: ValueId) -> Vec<usize> {
        self.value(id).shape.clone()
    }

    /// Adds a node with one result. A node whose operands are all constant becomes a constant.
    pub(super) fn emit(
        &mut self,
        operator: Operator,
        operands: &[ValueId],
    ) -> Result<ValueId, Problem> {
        self.emit_all(operator, operands).map(|results| results[0])
    }

    /// Adds a node with all its results.
    pub(super) fn emit_all(
        &mut self,
        operator: Operator,
        operands: &[ValueId],
    ) -> Result<Vec<ValueId>, Problem> {
        if operands.iter().any(|id| self.is_ragged(*id)) {
            return self.emit_ragged(operator, operands);
        }
        match self.emit_known(&operator, operands)? {
            Some(known) => Ok(vec![known]),
            None => self.emit_plain(operator, operands),
        }
    }

    /// The shape that a node's first result would have.
    pub(super) fn result_shape(
        &self,
        operator: &Operator,
        operands: &[ValueId],
    ) -> Result<Vec<usize>, Problem> {
        self.builder.result_shape(operator, operands).map_err(|misfit| misfit.to_string())
    }

    /// Adds a node as it is, without regard to its operands' extents.
    pub(super) fn emit_plain(
        &mut self,
        operator: Operator,
        operands: &[ValueId],
    ) -> Result<Vec<ValueId>, Problem> {
        if operands.iter().any(|id| self.is_sequence(*id)) {
            return Err("it reads a sequence of tensors as if it were one tensor".to_owned());
        }
        self.budget.count_node()?;
        let shape = self.result_shape(&operator, operands)?;
        budget::check_rank(&shape)?;
        let constants: Option<Vec<_>> =
            operands.iter().map(|id| self.value(*id).constant.clone()).collect();
        let Some(constants) = constants else {
            return self
                .builder
                .node(&self.node_name, operator, operands)
                .map_err(|error| error.problem.to_string());
        };
        if let Some(results) = self.computed.results(&operator, operands) {
            return Ok(results.to_vec());
        }
        let constants: Vec<&HostTensor> = constants.iter().map(AsRef::as_ref).collect();
        self.budget.spend(&operator, &constants, shape.iter().product())?;
        let results = framegate_scalar::evaluate(&operator, &constants);
        let results: Vec<ValueId> =
            results.into_iter().map(|result| self.constant(result)).collect();
        if shape.iter().product::<usize>() >= LARGE_CONSTANT {
            self.large.extend(results.first());
        }
        self.computed.remember(operator, operands, &results);
        Ok(results)
    }

    /// Frees large constants that were computed and are read by nothing any more, if there may be many. `read_later`
    /// are the values that nodes of the file still read. Networks that standardise their weights compute seven numbers
    /// of each.
    pub(super) fn free_constants(&mut self, read_later: impl Iterator<Item = ValueId>) {
        let mut is_read: HashSet<ValueId> = read_later.collect();
        is_read.extend(self.builder.nodes().iter().flat_map(|node| &node.inputs));
        is_read.extend(self.sequences.values().flatten());
        is_read.extend(self.repeats.iter().flat_map(|(copies, one)| [copies, one]));
        is_read.extend(self.ragged.values());
        let (kept, unread): (Vec<_>, Vec<_>) =
            self.large.iter().copied().partition(|id| is_read.contains(id));
        self.large = kept;
        self.computed.forget(&unread);
        let mut freed = 0;
        for id in unread {
            freed += self.value(id).shape.iter().product::<usize>();
            self.builder.forget(id);
        }
        self.budget.free(freed);
    }

    /// Whether it is worth looking for constants that nothing reads any more.
    pub(super) fn should_free_constants(&self) -> bool {
        self.budget.should_free()
    }

    /// Whether a value stands for a sequence of tensors.
    pub(super) fn is_sequence(&self, id: ValueId) -> bool {
        self.sequences.contains_key(&id)
    }

    /// Charges a node of the file: a loop has as many as it has iterations.
    pub(super) fn count_node(&mut self) -> Result<(), Problem> {
        self.budget.count_node()
    }

    /// Allows as much memory for constants as a file of this many weights may need.
    pub(super) fn allow_for_weights(&mut self, weights: usize) {
        self.budget.allow_for(weights);
    }

    /// Charges a constant that is about to be made to what all may take.
    pub(super) fn reserve(&mut self, elements: usize) -> Result<(), Problem> {
        self.budget.reserve(elements)
    }

    /// The whole numbers of an attribute in old operator sets and an operand in new ones, as far as they
    /// follow from extents.
    pub(super) fn numbers(
        &self,
        node: &OnnxNode<'_>,
        name: &str,
        index: usize,
    ) -> Result<Option<Vec<Extent>>, Problem> {
        if let Some(integers) = node.attributes.integers(name)? {
            return Ok(Some(integers.into_iter().map(Extent::known).collect()));
        }
        node.optional(index).map(|id| self.numbers_of(id, name)).transpose()
    }

    /// Adds a constant.
    pub(super) fn constant(&mut self, tensor: HostTensor) -> ValueId {
        self.builder.constant(&self.node_name, tensor)
    }

    /// Adds a constant scalar.
    pub(super) fn scalar(&mut self, number: f32) -> ValueId {
        self.constant(HostTensor::from_f32([], vec![number]))
    }

    /// The elements of a constant; `what` names it in the error otherwise.
    pub(super) fn constant_of(&self, id: ValueId, what: &str) -> Result<&HostTensor, Problem> {
        self.value(id).constant.as_deref().ok_or_else(|| {
            format!("{what} depends on the image; only {what} known in advance is supported")
        })
    }

    /// The integers of a constant.
    pub(super) fn integers_of(&self, id: ValueId, what: &str) -> Result<Vec<i64>, Problem> {
        let tensor = self.constant_of(id, what)?;
        tensor.as_i64().map(<[i64]>::to_vec).ok_or_else(|| format!("{what} must be integers"))
    }

    /// The floats of a constant.
    pub(super) fn floats_of(&self, id: ValueId, what: &str) -> Result<Vec<f32>, Problem> {
        let tensor = self.constant_of(id, what)?;
        tensor.as_f32().map(<[f32]>::to_vec).ok_or_else(|| format!("{what} must be floats"))
    }

    /// Integers that are an attribute in old operator sets and an operand in new ones.
    pub(super) fn attribute_or_operand(
        &self,
        node: &OnnxNode<'_>,
        name: &str,
        index: usize,
    ) -> Result<Option<Vec<i64>>, Problem> {
        if let Some(integers) = node.attributes.integers(name)? {
            return Ok(Some(integers));
        }
        node.optional(index).map(|id| self.integers_of(id, name)).transpose()
    }

    /// Converts a value to another element type, unless it already has that type.
    pub(super) fn cast(&mut self, id: ValueId, to: ElementType) -> Result<ValueId, Problem> {
        if self.value(id).element_type == to {
            Ok(id)
        } else {
            self.emit(Operator::Cast(to), &[id])
        }
    }
}

/// Resolves an axis that may count from the end.
pub(super) fn axis_of(axis: i64, rank: usize) -> Result<usize, Problem> {
    let resolved = if axis < 0 { axis + rank as i64 } else { axis };
    usize::try_from(resolved)
        .ok()
        .filter(|axis| *axis < rank)
        .ok_or_else(|| format!("axis {axis} is outside a tensor of {rank} axes"))
}

/// Resolves several axes and puts them in ascending order.
pub(super) fn axes_of(axes: &[i64], rank: usize) -> Result<Vec<usize>, Problem> {
    let mut axes = axes.iter().map(|axis| axis_of(*axis, rank)).collect::<Result<Vec<_>, _>>()?;
    axes.sort_unstable();
    axes.dedup();
    Ok(axes)
}

/// Larger extents are mistakes or attacks, and sums of them could overflow.
const MAX_EXTENT: i64 = 1 << 28;

/// Extents, strides, pads and the like: whole numbers from 0 to [`MAX_EXTENT`].
pub(super) fn extents_of(integers: &[i64], what: &str) -> Result<Vec<usize>, Problem> {
    if integers.iter().any(|integer| !(0..=MAX_EXTENT).contains(integer)) {
        return Err(format!("{what} must be from 0 to {MAX_EXTENT}: {integers:?}"));
    }
    Ok(integers.iter().map(|integer| *integer as usize).collect())
}
