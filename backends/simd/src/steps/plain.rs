//! A plain operation on row-major tensors.
#![expect(unsafe_code, reason = "a step's contract is unsafe")]

use super::Step;
use crate::memory::{Buffers, Cell};
use crate::plain::{Operands, Operation, Tensor};

/// See the [module](self).
pub(crate) struct Plain {
    pub(crate) operation: Operation,
    pub(crate) inputs: Vec<Tensor>,
    pub(crate) outputs: Vec<Tensor>,
}

impl Step for Plain {
    unsafe fn run(&self, _task: usize, buffers: &Buffers, _scratch: *mut Cell) {
        // SAFETY: the caller's promise.
        let mut operands = unsafe { Operands::new(&self.inputs, &self.outputs, buffers) };
        (self.operation)(&mut operands);
    }
}
