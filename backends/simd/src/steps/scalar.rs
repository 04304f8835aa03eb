//! An operator in scalar code, on row-major tensors.
#![expect(unsafe_code, reason = "slices are made of the plan's buffers")]

use framegate_backend_api::ElementType;
use framegate_scalar::{Elements, ElementsMut, Inputs, Operands, Operation};

use super::Step;
use crate::memory::{Buffers, Cell, Slot};

/// A row-major tensor in a buffer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tensor {
    pub(crate) slot: Slot,
    pub(crate) element_type: ElementType,
    /// Number of elements.
    pub(crate) len: usize,
}

/// See the [module](self).
pub(crate) struct Scalar {
    pub(crate) operation: Operation,
    pub(crate) inputs: Vec<Tensor>,
    /// One, or the two of an operator that has two results.
    pub(crate) outputs: Vec<Tensor>,
}

impl Step for Scalar {
    unsafe fn run(&self, _task: usize, buffers: &Buffers, _scratch: *mut Cell) {
        let [result, further @ ..] = &self.outputs[..] else { return };
        // SAFETY: the caller's promise: the buffers hold these tensors, inputs and outputs apart from
        // each other, and nothing else writes to the inputs or touches the outputs meanwhile.
        unsafe {
            let inputs = InputTensors::new(&self.inputs, buffers);
            let mut operands = Operands::new(&inputs, elements_mut(*result, buffers));
            if let [second] = further {
                operands = operands.with_second(elements_mut(*second, buffers));
            }
            self.operation.run(operands);
        }
    }
}

/// Operands in buffers.
struct InputTensors<'a> {
    tensors: &'a [Tensor],
    buffers: &'a Buffers,
}

impl<'a> InputTensors<'a> {
    /// # Safety
    /// The buffers hold these tensors, and nothing writes to them while this lives.
    unsafe fn new(tensors: &'a [Tensor], buffers: &'a Buffers) -> Self {
        Self { tensors, buffers }
    }
}

impl Inputs for InputTensors<'_> {
    fn elements(&self, index: usize) -> Elements<'_> {
        let Tensor { slot, element_type, len } = self.tensors[index];
        // SAFETY: `new` was promised that the buffers hold the tensors and that nothing writes to them.
        // What wrote a boolean tensor wrote booleans.
        unsafe {
            match element_type {
                ElementType::F32 => Elements::F32(self.buffers.slice(slot, len)),
                ElementType::I64 => Elements::I64(self.buffers.slice(slot, len)),
                ElementType::Bool => Elements::Bool(self.buffers.slice(slot, len)),
            }
        }
    }
}

/// The elements of a tensor, to be written.
///
/// # Safety
/// The buffers have room for the tensor, and nothing else touches it while the elements are in use.
unsafe fn elements_mut<'a>(tensor: Tensor, buffers: &'a Buffers) -> ElementsMut<'a> {
    let Tensor { slot, element_type, len } = tensor;
    // SAFETY: the caller's promise.
    unsafe {
        match element_type {
            ElementType::F32 => ElementsMut::F32(buffers.slice_mut(slot, len)),
            ElementType::I64 => ElementsMut::I64(buffers.slice_mut(slot, len)),
            ElementType::Bool => {
                // The buffer may have held other elements, whose bytes are not booleans.
                buffers.slice_mut::<u8>(slot, len).fill(0);
                ElementsMut::Bool(buffers.slice_mut(slot, len))
            }
        }
    }
}
