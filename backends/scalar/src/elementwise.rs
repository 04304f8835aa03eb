//! Functions of one element, functions of two with NumPy's broadcasting, and casts.

use framegate_backend_api::graph::{Activation, Binary, Unary};

use crate::arithmetic::{binary_float, binary_integer, compare, logic, unary_float, unary_integer};
use crate::indexing::Broadcast;
use crate::{Elements, ElementsMut, Operation, activation};

/// Writes `function` of each index.
pub(crate) fn fill<T>(to: &mut [T], function: impl Fn(usize) -> T) {
    to.iter_mut().enumerate().for_each(|(index, to)| *to = function(index));
}

pub(crate) fn activation(function: Activation) -> Operation {
    Operation::new(move |operands| {
        let x = operands.floats(0);
        fill(operands.float_result(), |i| activation::activation(function, x[i].into()) as f32);
    })
}

pub(crate) fn unary(function: Unary) -> Operation {
    Operation::new(move |operands| match (operands.input(0), operands.result()) {
        (Elements::F32(x), ElementsMut::F32(to)) => {
            fill(to, |i| unary_float(function, x[i].into()) as f32);
        }
        (Elements::I64(x), ElementsMut::I64(to)) => fill(to, |i| unary_integer(function, x[i])),
        (Elements::Bool(x), ElementsMut::Bool(to)) => fill(to, |i| !x[i]),
        _ => unreachable!("the result was inferred to be of the operand's type"),
    })
}

pub(crate) fn binary(function: Binary, shapes: [&[usize]; 2], result: &[usize]) -> Operation {
    let [at_a, at_b] = shapes.map(|shape| Broadcast::new(shape, result));
    Operation::new(move |operands| {
        let pair = (operands.input(0), operands.input(1));
        match (pair, operands.result()) {
            ((Elements::F32(a), Elements::F32(b)), ElementsMut::F32(to)) => fill(to, |i| {
                binary_float(function, at_a.of(a, i).into(), at_b.of(b, i).into()) as f32
            }),
            ((Elements::F32(a), Elements::F32(b)), ElementsMut::Bool(to)) => {
                fill(to, |i| compare(function, at_a.of(a, i), at_b.of(b, i)));
            }
            ((Elements::I64(a), Elements::I64(b)), ElementsMut::I64(to)) => {
                fill(to, |i| binary_integer(function, at_a.of(a, i), at_b.of(b, i)));
            }
            ((Elements::I64(a), Elements::I64(b)), ElementsMut::Bool(to)) => {
                fill(to, |i| compare(function, at_a.of(a, i), at_b.of(b, i)));
            }
            ((Elements::Bool(a), Elements::Bool(b)), ElementsMut::Bool(to)) => {
                fill(to, |i| logic(function, at_a.of(a, i), at_b.of(b, i)));
            }
            _ => unreachable!("operands were checked to be of one type"),
        }
    })
}

/// Converts to the type of the result. Float to integer truncates, saturates, and turns NaN into 0.
pub(crate) fn cast() -> Operation {
    Operation::new(|operands| match (operands.input(0), operands.result()) {
        (Elements::F32(x), ElementsMut::I64(to)) => fill(to, |i| x[i] as i64),
        (Elements::F32(x), ElementsMut::Bool(to)) => fill(to, |i| x[i] != 0.0),
        (Elements::I64(x), ElementsMut::F32(to)) => fill(to, |i| x[i] as f32),
        (Elements::I64(x), ElementsMut::Bool(to)) => fill(to, |i| x[i] != 0),
        (Elements::Bool(x), ElementsMut::F32(to)) => fill(to, |i| f32::from(x[i])),
        (Elements::Bool(x), ElementsMut::I64(to)) => fill(to, |i| i64::from(x[i])),
        (Elements::F32(x), ElementsMut::F32(to)) => to.copy_from_slice(x),
        (Elements::I64(x), ElementsMut::I64(to)) => to.copy_from_slice(x),
        (Elements::Bool(x), ElementsMut::Bool(to)) => to.copy_from_slice(x),
    })
}

#[cfg(test)]
mod tests {
    use framegate_backend_api::graph::Operator;
    use framegate_backend_api::{ElementType, HostTensor};

    use super::*;
    use crate::evaluate::single;

    /// 2⁵³ + 1 cannot be represented in `f64`.
    const BEYOND_F64: i64 = (1 << 53) + 1;

    #[test]
    fn integers_never_pass_through_a_float() {
        let x = HostTensor::from_i64([2], vec![BEYOND_F64, -BEYOND_F64]);
        let one = HostTensor::from_i64([], vec![1]);
        let integers = |operator, operands: &[&HostTensor]| {
            single(operator, operands).as_i64().unwrap().to_vec()
        };
        assert_eq!(integers(Operator::Unary(Unary::Neg), &[&x]), [-BEYOND_F64, BEYOND_F64]);
        let of_two = |function| integers(Operator::Binary(function), &[&x, &one]);
        assert_eq!(of_two(Binary::Mul), [BEYOND_F64, -BEYOND_F64]);
        assert_eq!(of_two(Binary::Max), [BEYOND_F64, 1]);
    }

    #[test]
    fn float_arithmetic_broadcasts_both_ways() {
        let column = HostTensor::from_f32([2, 1], vec![-7.0, 7.5]);
        let row = HostTensor::from_f32([3], vec![2.0, -2.0, 0.5]);
        let of = |function| single(Operator::Binary(function), &[&column, &row]);
        assert_eq!(
            of(Binary::Sub),
            HostTensor::from_f32([2, 3], vec![-9.0, -5.0, -7.5, 5.5, 9.5, 7.0])
        );
        assert_eq!(
            of(Binary::Mod),
            HostTensor::from_f32([2, 3], vec![1.0, -1.0, 0.0, 1.5, -0.5, 0.0])
        );
        assert_eq!(
            of(Binary::Less),
            HostTensor::from_bool([2, 3], vec![true, true, true, false, false, false])
        );
    }

    #[test]
    fn casts() {
        let x = HostTensor::from_f32([4], vec![-1.9, 0.0, 2.9, f32::NAN]);
        let integers = HostTensor::from_i64([4], vec![-1, 0, 2, 0]);
        let truth = HostTensor::from_bool([4], vec![true, false, true, false]);
        let cast = |to, x| single(Operator::Cast(to), &[x]);
        assert_eq!(cast(ElementType::I64, &x), integers);
        assert_eq!(cast(ElementType::Bool, &integers), truth);
        assert_eq!(
            cast(ElementType::F32, &truth),
            HostTensor::from_f32([4], vec![1.0, 0.0, 1.0, 0.0])
        );
    }
}
