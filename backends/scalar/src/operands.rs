//! Operands and results of an operation, as typed slices of row-major elements.

use framegate_backend_api::{HostTensor, TensorData};

/// The elements of an operand.
#[derive(Debug, Clone, Copy)]
pub enum Elements<'a> {
    /// Elements of `ElementType::F32`.
    F32(&'a [f32]),
    /// Elements of `ElementType::I64`.
    I64(&'a [i64]),
    /// Elements of `ElementType::Bool`.
    Bool(&'a [bool]),
}

/// The elements of a result, to be written.
#[derive(Debug)]
pub enum ElementsMut<'a> {
    /// Elements of `ElementType::F32`.
    F32(&'a mut [f32]),
    /// Elements of `ElementType::I64`.
    I64(&'a mut [i64]),
    /// Elements of `ElementType::Bool`.
    Bool(&'a mut [bool]),
}

/// Runs an expression on source and result elements of one type, whichever that is.
macro_rules! for_each_type {
    ($source:expr, $result:expr, |$from:ident, $to:ident| $body:expr) => {
        match ($source, $result) {
            ($crate::Elements::F32($from), $crate::ElementsMut::F32($to)) => $body,
            ($crate::Elements::I64($from), $crate::ElementsMut::I64($to)) => $body,
            ($crate::Elements::Bool($from), $crate::ElementsMut::Bool($to)) => $body,
            _ => unreachable!("the result was inferred to be of the operand's type"),
        }
    };
}
pub(crate) use for_each_type;

impl<'a> From<&'a TensorData> for Elements<'a> {
    fn from(data: &'a TensorData) -> Self {
        match data {
            TensorData::F32(elements) => Self::F32(elements),
            TensorData::I64(elements) => Self::I64(elements),
            TensorData::Bool(elements) => Self::Bool(elements),
        }
    }
}

impl<'a> From<&'a mut TensorData> for ElementsMut<'a> {
    fn from(data: &'a mut TensorData) -> Self {
        match data {
            TensorData::F32(elements) => Self::F32(elements),
            TensorData::I64(elements) => Self::I64(elements),
            TensorData::Bool(elements) => Self::Bool(elements),
        }
    }
}

/// Where an operation finds its operands. A trait and not a slice of [`Elements`], because a
/// concatenation takes any number of operands and running must not allocate.
pub trait Inputs {
    /// The elements of operand `index`, in the order in which the operator documents its operands.
    fn elements(&self, index: usize) -> Elements<'_>;
}

impl Inputs for &[&HostTensor] {
    fn elements(&self, index: usize) -> Elements<'_> {
        self[index].data().into()
    }
}

/// The operands and results of one run of an operation.
pub struct Operands<'a> {
    inputs: &'a dyn Inputs,
    result: ElementsMut<'a>,
    second: Option<ElementsMut<'a>>,
}

impl<'a> Operands<'a> {
    /// Operands and the result of an operator that has one.
    pub fn new(inputs: &'a dyn Inputs, result: ElementsMut<'a>) -> Self {
        Self { inputs, result, second: None }
    }

    /// Adds the second result, of an operator that has two.
    #[must_use]
    pub fn with_second(self, second: ElementsMut<'a>) -> Self {
        Self { second: Some(second), ..self }
    }

    pub(crate) fn input(&self, index: usize) -> Elements<'a> {
        self.inputs.elements(index)
    }

    pub(crate) fn floats(&self, index: usize) -> &'a [f32] {
        match self.input(index) {
            Elements::F32(elements) => elements,
            _ => unreachable!("operand was checked to be f32"),
        }
    }

    pub(crate) fn integers(&self, index: usize) -> &'a [i64] {
        match self.input(index) {
            Elements::I64(elements) => elements,
            _ => unreachable!("operand was checked to be i64"),
        }
    }

    pub(crate) fn booleans(&self, index: usize) -> &'a [bool] {
        match self.input(index) {
            Elements::Bool(elements) => elements,
            _ => unreachable!("operand was checked to be boolean"),
        }
    }

    pub(crate) fn result(&mut self) -> ElementsMut<'_> {
        match &mut self.result {
            ElementsMut::F32(elements) => ElementsMut::F32(elements),
            ElementsMut::I64(elements) => ElementsMut::I64(elements),
            ElementsMut::Bool(elements) => ElementsMut::Bool(elements),
        }
    }

    pub(crate) fn float_result(&mut self) -> &mut [f32] {
        match &mut self.result {
            ElementsMut::F32(elements) => elements,
            _ => unreachable!("result was inferred to be f32"),
        }
    }

    pub(crate) fn integer_result(&mut self) -> &mut [i64] {
        match &mut self.result {
            ElementsMut::I64(elements) => elements,
            _ => unreachable!("result was inferred to be i64"),
        }
    }

    /// Both results of an operator whose second result is indices.
    pub(crate) fn result_and_indices(&mut self) -> (&mut ElementsMut<'a>, &mut [i64]) {
        let Some(ElementsMut::I64(indices)) = &mut self.second else {
            unreachable!("the second result was inferred to be i64");
        };
        (&mut self.result, indices)
    }
}
