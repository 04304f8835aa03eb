//! The graph of a model: typed operators over values of known shape.
//!
//! A graph is written down for **one image**: the first axis of its input is the batch axis with
//! extent 1. [`Batching`] says what a backend may do with more than one. Values are numbered in
//! the order they come into being and nodes are in execution order, so a backend can run a graph
//! front to back.

mod batching;
mod builder;
mod cost;
mod elementwise;
mod misfit;
mod operands;
mod operator;
mod resize;
mod sampling;
mod shape;
mod suppression;

use std::sync::Arc;

use crate::{ElementType, HostTensor};

pub use batching::Batching;
pub use builder::{GraphBuilder, GraphError};
pub use elementwise::{Activation, Binary, Unary};
pub use misfit::Misfit;
pub use operator::{
    AveragePool, AxisSlice, Convolution, Coordinates, NearestRounding, Operator, Pad, PadMode,
    Padding, Reduce, Reduction, Resize, ResizeMode, ScatterMode, TopK, TransposedConvolution,
    Window,
};
pub use sampling::{
    GridSample, MOST_TAPS, RoiAlign, RoiPooling, SampleMode, SamplePadding, SampleTap,
};
pub use shape::infer;
pub use suppression::NonMaxSuppression;

/// A model's computation.
#[derive(Debug, Clone)]
pub struct Graph {
    /// Everything that is computed or constant, indexed by [`ValueId`].
    pub values: Vec<Value>,
    /// The operators, in execution order.
    pub nodes: Vec<Node>,
    /// The one input, an `f32` tensor whose first axis is the batch.
    pub input: ValueId,
    /// The outputs, in the file's order.
    pub outputs: Vec<ValueId>,
    /// How more than one image may be run.
    pub batching: Batching,
}

/// Index of a [`Value`] in its graph.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ValueId(pub usize);

/// The input, a constant, or an operator's result.
#[derive(Debug, Clone)]
pub struct Value {
    /// Name in the model file, or one derived from it.
    pub name: String,
    /// Type of the elements.
    pub element_type: ElementType,
    /// Extent of each axis for a batch of one image.
    pub shape: Vec<usize>,
    /// The elements, for weights and other constants.
    pub constant: Option<Arc<HostTensor>>,
}

/// One operator at work.
#[derive(Debug, Clone)]
pub struct Node {
    /// Name in the model file, or the operator's name with a number.
    pub name: String,
    /// Its operator.
    pub operator: Operator,
    /// Operands, in the order the operator documents.
    pub inputs: Vec<ValueId>,
    /// Results; one for every operator but [`Operator::TopK`].
    pub outputs: Vec<ValueId>,
}

impl Graph {
    /// The value with this number.
    pub fn value(&self, id: ValueId) -> &Value {
        &self.values[id.0]
    }

    /// Shape of one input image, without the batch axis.
    pub fn image_shape(&self) -> &[usize] {
        &self.value(self.input).shape[1..]
    }

    /// How many nodes and graph outputs read each value, indexed by value number.
    pub fn use_counts(&self) -> Vec<usize> {
        let mut counts = vec![0; self.values.len()];
        let reads = self.nodes.iter().flat_map(|node| &node.inputs);
        for id in reads.chain(&self.outputs) {
            counts[id.0] += 1;
        }
        counts
    }

    /// The index in [`Graph::nodes`] of the node that computes each value, indexed by value number:
    /// `None` for the input and for constants.
    pub fn producers(&self) -> Vec<Option<usize>> {
        let mut producers = vec![None; self.values.len()];
        for (index, node) in self.nodes.iter().enumerate() {
            for output in &node.outputs {
                producers[output.0] = Some(index);
            }
        }
        producers
    }

    /// The same graph without the nodes that no output depends on.
    ///
    /// Values keep their numbers: [`Graph::values`] still holds the results of the removed nodes and
    /// the constants that only they read.
    #[must_use]
    pub fn without_dead_nodes(mut self) -> Self {
        let mut is_needed = vec![false; self.values.len()];
        for id in &self.outputs {
            is_needed[id.0] = true;
        }
        // From the back, so that every reader is seen before the node whose result it reads.
        let mut is_live = vec![false; self.nodes.len()];
        for (index, node) in self.nodes.iter().enumerate().rev() {
            is_live[index] = node.outputs.iter().any(|id| is_needed[id.0]);
            if is_live[index] {
                node.inputs.iter().for_each(|id| is_needed[id.0] = true);
            }
        }
        let mut is_live = is_live.into_iter();
        self.nodes.retain(|_| is_live.next().unwrap_or(true));
        self
    }

    /// Number of elements in all floating-point constants that a node reads.
    pub fn parameters(&self) -> usize {
        let counts = self.use_counts();
        self.values
            .iter()
            .zip(counts)
            .filter(|(value, uses)| *uses > 0 && value.element_type == ElementType::F32)
            .filter_map(|(value, _)| value.constant.as_ref())
            .map(|tensor| tensor.len())
            .sum()
    }

    /// Multiply-adds for one image: those of convolutions and matrix products.
    pub fn multiply_adds(&self) -> u64 {
        self.nodes.iter().map(|node| cost::multiply_adds(self, node)).sum()
    }
}
