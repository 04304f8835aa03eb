//! Takes a node's operands one by one, as the types that its operator documents.

use burn_tensor::Tensor;

use crate::value::{Kind, Ranked, Value};

/// A node's operands, by value: burn reuses the memory of a tensor that has no other owner.
///
/// Building the graph checked types and ranks, so asking for another type is a bug.
pub(crate) struct Operands(std::vec::IntoIter<Value>);

impl Operands {
    pub(crate) fn new(values: Vec<Value>) -> Self {
        Self(values.into_iter())
    }

    /// The next operand, where the operator accepts any type.
    pub(super) fn any(&mut self) -> Value {
        self.0.next().unwrap_or_else(|| unreachable!("the graph states every operand"))
    }

    /// The next operand, as a tensor of known type and rank.
    pub(super) fn next<K: Kind>(&mut self) -> Ranked<K> {
        K::from_value(self.any())
    }

    /// The next operand, if there is one.
    pub(super) fn optional<K: Kind>(&mut self) -> Option<Ranked<K>> {
        self.0.next().map(K::from_value)
    }

    /// The remaining operands.
    pub(super) fn rest<K: Kind>(self) -> impl Iterator<Item = Ranked<K>> {
        self.0.map(K::from_value)
    }

    /// All remaining operands, of whatever types.
    pub(super) fn all(self) -> impl Iterator<Item = Value> {
        self.0
    }

    /// The next operand, `[batch, channels, height, width]` or filters.
    pub(super) fn nchw(&mut self) -> Tensor<4> {
        self.next().tensor()
    }
}
