//! Functions of elements and of pairs of them, with NumPy's broadcasting.

use framegate_backend_api::graph::{Activation, Binary, Unary};

use super::Operation;
use super::indexing::{broadcast_strides, offsets};
use super::operands::{Elements, ElementsMut};
use super::scalar::{
    self, binary_float, binary_integer, compare, logic, unary_float, unary_integer,
};

/// Which element of an operand belongs to each result element.
enum Sources {
    /// The one at the same place: the shapes are equal.
    Same,
    At(Vec<usize>),
}

impl Sources {
    fn new(shape: &[usize], result: &[usize]) -> Self {
        if shape == result {
            return Self::Same;
        }
        Self::At(offsets(result, &broadcast_strides(shape, result.len())))
    }

    fn of<T: Copy>(&self, elements: &[T], index: usize) -> T {
        match self {
            Self::Same => elements[index],
            Self::At(sources) => elements[sources[index]],
        }
    }
}

/// Writes `function` of each index.
fn fill<T>(to: &mut [T], function: impl Fn(usize) -> T) {
    to.iter_mut().enumerate().for_each(|(index, to)| *to = function(index));
}

pub(super) fn activation(function: Activation) -> Operation {
    Box::new(move |operands| {
        let x = operands.floats(0);
        fill(operands.float_output(), |index| scalar::activation(function, x[index]));
    })
}

pub(super) fn unary(function: Unary) -> Operation {
    Box::new(move |operands| match (operands.input(0), operands.output(0)) {
        (Elements::F32(x), ElementsMut::F32(to)) => fill(to, |i| unary_float(function, x[i])),
        (Elements::I64(x), ElementsMut::I64(to)) => fill(to, |i| unary_integer(function, x[i])),
        (Elements::Bool(x), ElementsMut::Bool(to)) => fill(to, |i| 1 - x[i]),
        _ => unreachable!("the result was inferred to be of the operand's type"),
    })
}

pub(super) fn binary(
    function: Binary,
    a_shape: &[usize],
    b_shape: &[usize],
    result: &[usize],
) -> Operation {
    let at_a = Sources::new(a_shape, result);
    let at_b = Sources::new(b_shape, result);
    Box::new(move |operands| {
        let pair = (operands.input(0), operands.input(1));
        match (pair, operands.output(0)) {
            ((Elements::F32(a), Elements::F32(b)), ElementsMut::F32(to)) => {
                fill(to, |i| binary_float(function, at_a.of(a, i), at_b.of(b, i)));
            }
            ((Elements::F32(a), Elements::F32(b)), ElementsMut::Bool(to)) => {
                fill(to, |i| u8::from(compare(function, at_a.of(a, i), at_b.of(b, i))));
            }
            ((Elements::I64(a), Elements::I64(b)), ElementsMut::I64(to)) => {
                fill(to, |i| binary_integer(function, at_a.of(a, i), at_b.of(b, i)));
            }
            ((Elements::I64(a), Elements::I64(b)), ElementsMut::Bool(to)) => {
                fill(to, |i| u8::from(compare(function, at_a.of(a, i), at_b.of(b, i))));
            }
            ((Elements::Bool(a), Elements::Bool(b)), ElementsMut::Bool(to)) => {
                fill(to, |i| logic(function, at_a.of(a, i), at_b.of(b, i)));
            }
            _ => unreachable!("operands were checked to be of one type"),
        }
    })
}

/// `a` where the condition holds, else `b`.
pub(super) fn choose(shapes: [&[usize]; 3], result: &[usize]) -> Operation {
    let [at_condition, at_a, at_b] = shapes.map(|shape| Sources::new(shape, result));
    Box::new(move |operands| {
        let Elements::Bool(condition) = operands.input(0) else {
            unreachable!("condition was checked to be boolean");
        };
        let holds = |i: usize| at_condition.of(condition, i) != 0;
        let pair = (operands.input(1), operands.input(2));
        match (pair, operands.output(0)) {
            ((Elements::F32(a), Elements::F32(b)), ElementsMut::F32(to)) => {
                fill(to, |i| if holds(i) { at_a.of(a, i) } else { at_b.of(b, i) });
            }
            ((Elements::I64(a), Elements::I64(b)), ElementsMut::I64(to)) => {
                fill(to, |i| if holds(i) { at_a.of(a, i) } else { at_b.of(b, i) });
            }
            ((Elements::Bool(a), Elements::Bool(b)), ElementsMut::Bool(to)) => {
                fill(to, |i| if holds(i) { at_a.of(a, i) } else { at_b.of(b, i) });
            }
            _ => unreachable!("operands were checked to be of one type"),
        }
    })
}

/// Converts to the type of the result. Float to integer truncates, saturates, and makes 0 of what
/// is no number.
pub(super) fn cast() -> Operation {
    Box::new(|operands| match (operands.input(0), operands.output(0)) {
        (Elements::F32(x), ElementsMut::I64(to)) => fill(to, |i| x[i] as i64),
        (Elements::F32(x), ElementsMut::Bool(to)) => fill(to, |i| u8::from(x[i] != 0.0)),
        (Elements::I64(x), ElementsMut::F32(to)) => fill(to, |i| x[i] as f32),
        (Elements::I64(x), ElementsMut::Bool(to)) => fill(to, |i| u8::from(x[i] != 0)),
        (Elements::Bool(x), ElementsMut::F32(to)) => fill(to, |i| f32::from(x[i])),
        (Elements::Bool(x), ElementsMut::I64(to)) => fill(to, |i| i64::from(x[i])),
        (Elements::F32(x), ElementsMut::F32(to)) => to.copy_from_slice(x),
        (Elements::I64(x), ElementsMut::I64(to)) => to.copy_from_slice(x),
        (Elements::Bool(x), ElementsMut::Bool(to)) => to.copy_from_slice(x),
    })
}
