//! A case: a small graph, and the distribution of its inputs.

use std::collections::BTreeMap;

use framegate_backend_api::graph::{Graph, GraphBuilder, Operator, ValueId};
use framegate_backend_api::{HostTensor, InputBatch, Model};

use crate::random::Random;

/// Allowed error of `f32` results, relative to the largest expected magnitude of an output.
///
/// The longest sums here have a few hundred terms, which costs about 1e-5 in `f32`; GPUs may compute
/// exponentials to about 1e-5. A wrong element is off by far more.
const ARITHMETIC: f64 = 1e-4;

/// A graph whose outputs are compared with the scalar definition.
pub(super) struct Case {
    pub(super) name: String,
    pub(super) graph: Graph,
    /// Allowed error of `f32` outputs, relative to their largest expected magnitude.
    pub(super) tolerance: f64,
    pub(super) values: Values,
}

/// Where a case's input is drawn from.
#[derive(Debug, Clone, Copy)]
pub(super) enum Values {
    /// Numbers between two bounds.
    Uniform(f32, f32),
    /// Integers of a range, multiplied by `step`; equal elements are likely.
    Multiples { step: f32, from: i32, to: i32 },
}

impl Values {
    /// Multiples of a half, so that ties, integers and equal elements occur.
    pub(super) const HALVES: Self = Self::Multiples { step: 0.5, from: -8, to: 8 };

    /// −1, 0 and 1, so that both booleans and many equal elements occur.
    pub(super) const SIGNS: Self = Self::Multiples { step: 1.0, from: -1, to: 1 };

    fn draw(self, random: &mut Random) -> f32 {
        match self {
            Self::Uniform(low, high) => random.uniform(low, high),
            Self::Multiples { step, from, to } => random.integer(from, to) as f32 * step,
        }
    }
}

impl Case {
    pub(super) fn model(&self) -> Model {
        Model { name: self.name.clone(), graph: self.graph.clone(), metadata: BTreeMap::new() }
    }

    /// A batch of `len` different images.
    pub(super) fn batch(&self, len: usize, seed: u64) -> InputBatch {
        let mut random = Random::new(&self.name, seed);
        let mut batch = InputBatch::new(self.graph.image_shape(), len);
        batch.set_len(len);
        let elements = batch.slots_mut().flatten();
        elements.for_each(|element| *element = self.values.draw(&mut random));
        batch
    }

    /// The operators with their parameters, for messages.
    pub(super) fn operators(&self) -> String {
        let shape = &self.graph.value(self.graph.input).shape;
        let nodes = self.graph.nodes.iter().map(|node| format!("{:?}", node.operator));
        format!("{shape:?} → {}", nodes.collect::<Vec<_>>().join("; "))
    }
}

/// Builds a case. Operands that do not fit are a bug in the suite and panic.
pub(super) struct CaseBuilder {
    name: String,
    graph: GraphBuilder,
    nodes: usize,
    outputs: Vec<ValueId>,
    values: Values,
    tolerance: f64,
    random: Random,
}

impl CaseBuilder {
    /// A case on images of `image_shape`, which excludes the batch axis.
    pub(super) fn new(name: impl Into<String>, image_shape: &[usize]) -> Self {
        let name = name.into();
        Self {
            graph: GraphBuilder::new("input", [&[1], image_shape].concat()),
            nodes: 0,
            outputs: Vec::new(),
            values: Values::Uniform(-2.0, 2.0),
            tolerance: ARITHMETIC,
            random: Random::new(&name, 0),
            name,
        }
    }

    /// Draws the input from `values` instead of the default, −2 to 2.
    pub(super) fn values(mut self, values: Values) -> Self {
        self.values = values;
        self
    }

    /// Allows no error: the operators only move or compare elements, or are exact in `f32`.
    pub(super) fn exact(mut self) -> Self {
        self.tolerance = 0.0;
        self
    }

    /// Allows this error instead of the default, relative to an output's largest expected magnitude.
    pub(super) fn tolerance(mut self, tolerance: f64) -> Self {
        self.tolerance = tolerance;
        self
    }

    pub(super) fn input(&self) -> ValueId {
        self.graph.input()
    }

    pub(super) fn shape(&self, value: ValueId) -> &[usize] {
        &self.graph.value(value).shape
    }

    /// A constant of numbers between −1 and 1.
    pub(super) fn weights(&mut self, shape: &[usize]) -> ValueId {
        let len = shape.iter().product();
        let elements = (0..len).map(|_| self.random.uniform(-1.0, 1.0)).collect();
        self.constant(HostTensor::from_f32(shape, elements))
    }

    pub(super) fn constant(&mut self, tensor: HostTensor) -> ValueId {
        self.graph.constant("constant", tensor)
    }

    /// Adds a node whose result only other nodes read.
    pub(super) fn push(&mut self, operator: Operator, inputs: &[ValueId]) -> ValueId {
        self.node(operator, inputs)[0]
    }

    /// Adds a node whose results are outputs of the case.
    pub(super) fn output(&mut self, operator: Operator, inputs: &[ValueId]) -> ValueId {
        let results = self.node(operator, inputs);
        self.outputs.extend(&results);
        results[0]
    }

    fn node(&mut self, operator: Operator, inputs: &[ValueId]) -> Vec<ValueId> {
        let debug = format!("{operator:?}");
        let operator_name = debug.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
        let name = format!("{operator_name}{}", self.nodes);
        self.nodes += 1;
        self.graph
            .node(&name, operator, inputs)
            .unwrap_or_else(|error| panic!("case `{}` is ill-formed: {error}", self.name))
    }

    /// The case, with everything that was added.
    pub(super) fn finish(self) -> Case {
        Case {
            name: self.name,
            graph: self.graph.finish(self.outputs),
            tolerance: self.tolerance,
            values: self.values,
        }
    }

    /// A case of one operator on the input alone.
    pub(super) fn single(mut self, operator: Operator) -> Case {
        let input = self.input();
        self.output(operator, &[input]);
        self.finish()
    }
}
