//! What an operation reads and writes, as typed slices.
#![expect(unsafe_code, reason = "slices are made of the plan's buffers")]

use framegate_backend_api::ElementType;

use crate::memory::{Buffers, Slot};

/// A row-major tensor in a buffer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tensor {
    pub(crate) slot: Slot,
    pub(crate) element_type: ElementType,
    /// Number of elements.
    pub(crate) len: usize,
}

/// Elements of a tensor.
#[derive(Debug, Clone, Copy)]
pub(super) enum Elements<'a> {
    F32(&'a [f32]),
    I64(&'a [i64]),
    /// 0 or 1.
    Bool(&'a [u8]),
}

/// Elements of a tensor, to be written.
#[derive(Debug)]
pub(super) enum ElementsMut<'a> {
    F32(&'a mut [f32]),
    I64(&'a mut [i64]),
    /// 0 or 1.
    Bool(&'a mut [u8]),
}

/// The operands and results of one operation.
#[derive(Debug)]
pub(crate) struct Operands<'a> {
    inputs: &'a [Tensor],
    outputs: &'a [Tensor],
    buffers: &'a Buffers,
}

impl<'a> Operands<'a> {
    /// # Safety
    /// The buffers hold these tensors, inputs and outputs apart from each other, and nobody else
    /// writes to the inputs or touches the outputs while this lives.
    pub(crate) unsafe fn new(
        inputs: &'a [Tensor],
        outputs: &'a [Tensor],
        buffers: &'a Buffers,
    ) -> Self {
        Self { inputs, outputs, buffers }
    }

    /// Number of operands.
    pub(super) fn len(&self) -> usize {
        self.inputs.len()
    }

    pub(super) fn input(&self, index: usize) -> Elements<'a> {
        self.read(self.inputs[index])
    }

    fn read(&self, tensor: Tensor) -> Elements<'a> {
        let Tensor { slot, element_type, len } = tensor;
        // SAFETY: `new` was promised that the buffers hold the tensors and nobody writes to them.
        unsafe {
            match element_type {
                ElementType::F32 => Elements::F32(self.buffers.slice(slot, len)),
                ElementType::I64 => Elements::I64(self.buffers.slice(slot, len)),
                ElementType::Bool => Elements::Bool(self.buffers.slice(slot, len)),
            }
        }
    }

    pub(super) fn floats(&self, index: usize) -> &'a [f32] {
        match self.input(index) {
            Elements::F32(elements) => elements,
            _ => unreachable!("operand was checked to be f32"),
        }
    }

    pub(super) fn integers(&self, index: usize) -> &'a [i64] {
        match self.input(index) {
            Elements::I64(elements) => elements,
            _ => unreachable!("operand was checked to be i64"),
        }
    }

    pub(super) fn output(&mut self, index: usize) -> ElementsMut<'_> {
        self.write(self.outputs[index])
    }

    fn write(&self, tensor: Tensor) -> ElementsMut<'_> {
        let Tensor { slot, element_type, len } = tensor;
        // SAFETY: `new` was promised that nobody else touches the outputs, and callers borrow this
        // mutably for each.
        unsafe {
            match element_type {
                ElementType::F32 => ElementsMut::F32(self.buffers.slice_mut(slot, len)),
                ElementType::I64 => ElementsMut::I64(self.buffers.slice_mut(slot, len)),
                ElementType::Bool => ElementsMut::Bool(self.buffers.slice_mut(slot, len)),
            }
        }
    }

    pub(super) fn float_output(&mut self) -> &mut [f32] {
        match self.output(0) {
            ElementsMut::F32(elements) => elements,
            _ => unreachable!("result was inferred to be f32"),
        }
    }

    /// The two results of an operation that has two.
    pub(super) fn output_pair(&mut self) -> (ElementsMut<'_>, ElementsMut<'_>) {
        let [first, second] = self.outputs else { unreachable!("the operator has two results") };
        // Two different tensors, whose buffers are apart.
        (self.write(*first), self.write(*second))
    }
}
