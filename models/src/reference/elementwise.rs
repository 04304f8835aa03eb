//! Functions of elements and of pairs of them, with NumPy's broadcasting.

use framegate_backend_api::graph::{Binary, Unary};
use framegate_backend_api::{ElementType, HostTensor, TensorData};

use super::indexing::{broadcast_shape, broadcast_strides, offsets, take};
use super::scalar::{binary_float, binary_integer, compare, logic, unary_float, unary_integer};
use super::{floats, rounded};

/// Applies `function` to every `f32` element.
pub(super) fn map_floats(x: &HostTensor, function: impl Fn(f64) -> f64) -> HostTensor {
    rounded(x.shape(), floats(x).iter().map(|element| function((*element).into())))
}

pub(super) fn unary(function: Unary, x: &HostTensor) -> HostTensor {
    match x.data() {
        TensorData::F32(_) => map_floats(x, |element| unary_float(function, element)),
        TensorData::I64(elements) => HostTensor::from_i64(
            x.shape(),
            elements.iter().map(|element| unary_integer(function, *element)).collect(),
        ),
        TensorData::Bool(elements) => {
            HostTensor::from_bool(x.shape(), elements.iter().map(|element| !element).collect())
        }
    }
}

pub(super) fn binary(function: Binary, a: &HostTensor, b: &HostTensor) -> HostTensor {
    let shape = broadcast_shape(a.shape(), b.shape());
    let a = broadcast_to(a, &shape);
    let b = broadcast_to(b, &shape);
    let data = match (a.data(), b.data()) {
        (TensorData::F32(a), TensorData::F32(b)) if function.is_predicate() => {
            TensorData::Bool(zip_map(a, b, |a, b| compare(function, a, b)))
        }
        (TensorData::F32(a), TensorData::F32(b)) => {
            TensorData::F32(zip_map(a, b, |a, b| binary_float(function, a.into(), b.into()) as f32))
        }
        (TensorData::I64(a), TensorData::I64(b)) if function.is_predicate() => {
            TensorData::Bool(zip_map(a, b, |a, b| compare(function, a, b)))
        }
        (TensorData::I64(a), TensorData::I64(b)) => {
            TensorData::I64(zip_map(a, b, |a, b| binary_integer(function, a, b)))
        }
        (TensorData::Bool(a), TensorData::Bool(b)) => {
            TensorData::Bool(zip_map(a, b, |a, b| logic(function, a, b)))
        }
        _ => unreachable!("operands were checked to be of one type"),
    };
    HostTensor::new(shape, data)
}

fn zip_map<T: Copy, U>(a: &[T], b: &[T], function: impl Fn(T, T) -> U) -> Vec<U> {
    a.iter().zip(b).map(|(a, b)| function(*a, *b)).collect()
}

/// `x` repeated until it has `shape`.
pub(super) fn broadcast_to(x: &HostTensor, shape: &[usize]) -> HostTensor {
    take(x, shape, &offsets(shape, &broadcast_strides(x.shape(), shape.len())))
}

/// `a` where the condition holds, else `b`.
pub(super) fn choose(condition: &HostTensor, a: &HostTensor, b: &HostTensor) -> HostTensor {
    let shape = broadcast_shape(&broadcast_shape(condition.shape(), a.shape()), b.shape());
    let condition = broadcast_to(condition, &shape);
    let TensorData::Bool(condition) = condition.data() else {
        unreachable!("condition was checked to be boolean");
    };
    fn chosen<T: Copy>(condition: &[bool], a: &[T], b: &[T]) -> Vec<T> {
        let pairs = a.iter().zip(b);
        condition.iter().zip(pairs).map(|(yes, (a, b))| if *yes { *a } else { *b }).collect()
    }
    let a = broadcast_to(a, &shape);
    let b = broadcast_to(b, &shape);
    let data = match (a.data(), b.data()) {
        (TensorData::F32(a), TensorData::F32(b)) => TensorData::F32(chosen(condition, a, b)),
        (TensorData::I64(a), TensorData::I64(b)) => TensorData::I64(chosen(condition, a, b)),
        (TensorData::Bool(a), TensorData::Bool(b)) => TensorData::Bool(chosen(condition, a, b)),
        _ => unreachable!("operands were checked to be of one type"),
    };
    HostTensor::new(shape, data)
}

/// Converts the elements. Float to integer truncates, saturates, and makes 0 of what is no number.
pub(super) fn cast(to: ElementType, x: &HostTensor) -> HostTensor {
    fn converted<T: Copy, U>(elements: &[T], convert: impl Fn(T) -> U) -> Vec<U> {
        elements.iter().map(|element| convert(*element)).collect()
    }
    let data = match (x.data(), to) {
        (TensorData::F32(x), ElementType::I64) => TensorData::I64(converted(x, |x| x as i64)),
        (TensorData::F32(x), ElementType::Bool) => TensorData::Bool(converted(x, |x| x != 0.0)),
        (TensorData::I64(x), ElementType::F32) => TensorData::F32(converted(x, |x| x as f32)),
        (TensorData::I64(x), ElementType::Bool) => TensorData::Bool(converted(x, |x| x != 0)),
        (TensorData::Bool(x), ElementType::F32) => TensorData::F32(converted(x, f32::from)),
        (TensorData::Bool(x), ElementType::I64) => TensorData::I64(converted(x, i64::from)),
        (TensorData::F32(_), ElementType::F32)
        | (TensorData::I64(_), ElementType::I64)
        | (TensorData::Bool(_), ElementType::Bool) => x.data().clone(),
    };
    HostTensor::new(x.shape(), data)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2⁵³ + 1 has no `f64`.
    const BEYOND_F64: i64 = (1 << 53) + 1;

    #[test]
    fn integers_never_pass_through_a_float() {
        let x = HostTensor::from_i64([2], vec![BEYOND_F64, -BEYOND_F64]);
        let one = HostTensor::from_i64([], vec![1]);
        let integers = |tensor: HostTensor| tensor.as_i64().unwrap().to_vec();
        assert_eq!(integers(unary(Unary::Neg, &x)), [-BEYOND_F64, BEYOND_F64]);
        assert_eq!(integers(binary(Binary::Mul, &x, &one)), [BEYOND_F64, -BEYOND_F64]);
        assert_eq!(integers(binary(Binary::Max, &x, &one)), [BEYOND_F64, 1]);
    }

    #[test]
    fn float_arithmetic_broadcasts_both_ways() {
        let column = HostTensor::from_f32([2, 1], vec![-7.0, 7.5]);
        let row = HostTensor::from_f32([3], vec![2.0, -2.0, 0.5]);
        let of = |function| binary(function, &column, &row);
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
    fn choice_broadcasts_all_three() {
        let condition = HostTensor::from_bool([2, 1], vec![true, false]);
        let a = HostTensor::from_i64([2], vec![1, 2]);
        let b = HostTensor::from_i64([], vec![9]);
        let expected = HostTensor::from_i64([2, 2], vec![1, 2, 9, 9]);
        assert_eq!(choose(&condition, &a, &b), expected);
    }

    #[test]
    fn casts() {
        let x = HostTensor::from_f32([4], vec![-1.9, 0.0, 2.9, f32::NAN]);
        let integers = HostTensor::from_i64([4], vec![-1, 0, 2, 0]);
        let truth = HostTensor::from_bool([4], vec![true, false, true, false]);
        assert_eq!(cast(ElementType::I64, &x), integers);
        assert_eq!(cast(ElementType::Bool, &integers), truth);
        assert_eq!(
            cast(ElementType::F32, &truth),
            HostTensor::from_f32([4], vec![1.0, 0.0, 1.0, 0.0])
        );
    }
}
