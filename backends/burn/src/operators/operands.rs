//! Taking a node's operands one after another, as the types its operator documents.

use burn_tensor::Tensor;

use crate::value::{Kind, Ranked, Value};

/// A node's operands, handed over: burn reuses the memory of a tensor nobody else holds.
///
/// Types and ranks were checked when the graph was built, so asking for another is a bug.
pub(crate) struct Operands(std::vec::IntoIter<Value>);

impl Operands {
    pub(crate) fn new(values: Vec<Value>) -> Self {
        Self(values.into_iter())
    }

    /// The next operand, of a type that the operator leaves open.
    pub(super) fn any(&mut self) -> Value {
        self.0.next().unwrap_or_else(|| unreachable!("the graph states every operand"))
    }

    /// The next operand, of the type and rank that it is used as.
    pub(super) fn next<K: Kind>(&mut self) -> Ranked<K> {
        K::from_value(self.any())
    }

    /// The next operand, if there is one more.
    pub(super) fn optional<K: Kind>(&mut self) -> Option<Ranked<K>> {
        self.0.next().map(K::from_value)
    }

    /// All operands that are left.
    pub(super) fn rest<K: Kind>(self) -> impl Iterator<Item = Ranked<K>> {
        self.0.map(K::from_value)
    }

    /// The next operand, `[batch, channels, height, width]` or filters.
    pub(super) fn nchw(&mut self) -> Tensor<4> {
        self.next().tensor()
    }
}
