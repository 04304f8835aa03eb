//! Combining all elements along some axes.

use framegate_backend_api::graph::{Reduce, Reduction};

use crate::arithmetic::{maximum, minimum, sum};
use crate::indexing::{offsets, strides};
use crate::{Elements, ElementsMut, Operation};

pub(crate) fn reduce(reduce: &Reduce, shape: &[usize]) -> Operation {
    let reduction = reduce.reduction;
    let strides = strides(shape);
    // Offsets along the axes that are reduced, or along the others.
    let along = |reduced: bool| -> Vec<usize> {
        let extent =
            |axis: usize| if reduce.axes.contains(&axis) == reduced { shape[axis] } else { 1 };
        offsets(&(0..shape.len()).map(extent).collect::<Vec<_>>(), &strides)
    };
    // A result element combines the operand elements at its start plus each step.
    let (starts, steps) = (along(false), along(true));
    Operation::new(move |operands| match (operands.input(0), operands.result()) {
        (Elements::F32(x), ElementsMut::F32(results)) => {
            for (start, result) in starts.iter().zip(results) {
                let elements = steps.iter().map(|step| f64::from(x[start + step]));
                *result = combined_floats(reduction, elements, steps.len()) as f32;
            }
        }
        (Elements::I64(x), ElementsMut::I64(results)) => {
            for (start, result) in starts.iter().zip(results) {
                let elements = steps.iter().map(|step| x[start + step]);
                *result = combined_integers(reduction, elements, steps.len());
            }
        }
        _ => unreachable!("operand was checked to be a number"),
    })
}

fn combined_floats(reduction: Reduction, x: impl Iterator<Item = f64>, count: usize) -> f64 {
    match reduction {
        Reduction::Sum => sum(x),
        Reduction::Mean => sum(x) / count as f64,
        Reduction::Product => x.product(),
        Reduction::Max => x.fold(f64::NEG_INFINITY, maximum),
        Reduction::Min => x.fold(f64::INFINITY, minimum),
    }
}

fn combined_integers(reduction: Reduction, x: impl Iterator<Item = i64>, count: usize) -> i64 {
    match reduction {
        Reduction::Sum => x.fold(0, i64::wrapping_add),
        Reduction::Mean => x.fold(0, i64::wrapping_add).checked_div(count as i64).unwrap_or(0),
        Reduction::Product => x.fold(1, i64::wrapping_mul),
        Reduction::Max => x.fold(i64::MIN, i64::max),
        Reduction::Min => x.fold(i64::MAX, i64::min),
    }
}

#[cfg(test)]
mod tests {
    use framegate_backend_api::HostTensor;
    use framegate_backend_api::graph::Operator;

    use super::*;
    use crate::evaluate::single;

    fn reduce(parameters: &Reduce, x: &HostTensor) -> HostTensor {
        single(Operator::Reduce(parameters.clone()), &[x])
    }

    /// `[[[1, 2], [3, 4]], [[5, 6], [7, 8]]]`
    fn cube() -> Vec<i64> {
        (1..=8).collect()
    }

    fn integers(reduction: Reduction, axes: &[usize], keep_axes: bool) -> HostTensor {
        let parameters = Reduce { reduction, axes: axes.to_vec(), keep_axes };
        reduce(&parameters, &HostTensor::from_i64([2, 2, 2], cube()))
    }

    #[test]
    fn each_reduction_of_integers() {
        let of = |reduction| integers(reduction, &[0, 2], false).as_i64().unwrap().to_vec();
        assert_eq!(of(Reduction::Sum), [14, 22]);
        assert_eq!(of(Reduction::Mean), [3, 5]);
        assert_eq!(of(Reduction::Max), [6, 8]);
        assert_eq!(of(Reduction::Min), [1, 3]);
        assert_eq!(of(Reduction::Product), [60, 672]);
    }

    #[test]
    fn each_reduction_of_floats() {
        let x = HostTensor::from_f32([2, 2, 2], cube().iter().map(|x| *x as f32).collect());
        let of = |reduction| {
            let parameters = Reduce { reduction, axes: vec![0, 2], keep_axes: false };
            reduce(&parameters, &x).as_f32().unwrap().to_vec()
        };
        assert_eq!(of(Reduction::Sum), [14.0, 22.0]);
        assert_eq!(of(Reduction::Mean), [3.5, 5.5]);
        assert_eq!(of(Reduction::Max), [6.0, 8.0]);
        assert_eq!(of(Reduction::Min), [1.0, 3.0]);
        assert_eq!(of(Reduction::Product), [60.0, 672.0]);
    }

    #[test]
    fn axes_stay_or_disappear() {
        assert_eq!(integers(Reduction::Sum, &[1], true).shape(), [2, 1, 2]);
        assert_eq!(integers(Reduction::Sum, &[1], false).shape(), [2, 2]);
        let all = integers(Reduction::Sum, &[0, 1, 2], false);
        assert_eq!(all, HostTensor::from_i64([], vec![36]));
    }
}
