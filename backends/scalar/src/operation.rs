//! An operator that is ready to run.

use crate::Operands;

/// An operator that is ready to run any number of times, from any thread, without allocating.
pub struct Operation(Box<dyn Fn(&mut Operands<'_>) + Send + Sync>);

impl Operation {
    pub(crate) fn new(run: impl Fn(&mut Operands<'_>) + Send + Sync + 'static) -> Self {
        Self(Box::new(run))
    }

    /// Computes every element of the results, whatever they held before.
    ///
    /// # Panics
    /// When the operands have other types than the operator takes, or other lengths than the shapes
    /// it was prepared for. Elements alone cannot make it panic.
    pub fn run(&self, mut operands: Operands<'_>) {
        (self.0)(&mut operands);
    }
}

/// The extents of `[N, C, H, W]`.
pub(crate) fn nchw(shape: &[usize]) -> [usize; 4] {
    shape.try_into().expect("operand was checked to have four axes")
}
