//! Combining all elements along some axes.

use framegate_backend_api::graph::{Reduce, Reduction};
use framegate_backend_api::{HostTensor, TensorData};

use super::indexing::{offsets, strides};
use super::rounded;
use super::scalar::{maximum, minimum};

pub(super) fn reduce(reduce: &Reduce, x: &HostTensor) -> HostTensor {
    let is_reduced = |axis: usize| reduce.axes.contains(&axis);
    let extents = x.shape().iter().enumerate();
    let kept: Vec<usize> =
        extents.map(|(axis, extent)| if is_reduced(axis) { 1 } else { *extent }).collect();
    let shape: Vec<usize> = if reduce.keep_axes {
        kept.clone()
    } else {
        (0..kept.len()).filter(|axis| !is_reduced(*axis)).map(|axis| kept[axis]).collect()
    };
    // Walking the operand with stride 0 along reduced axes gives each element's result.
    let mut result_strides = strides(&kept);
    reduce.axes.iter().for_each(|axis| result_strides[*axis] = 0);
    let targets = offsets(x.shape(), &result_strides);
    let len = shape.iter().product();
    let count: usize = reduce.axes.iter().map(|axis| x.shape()[*axis]).product();
    match x.data() {
        TensorData::F32(elements) => {
            let wide = elements.iter().map(|element| f64::from(*element));
            let combine = |a, b| combine_floats(reduce.reduction, a, b);
            let sums = fold(wide, &targets, vec![float_start(reduce.reduction); len], combine);
            let divisor = if reduce.reduction == Reduction::Mean { count as f64 } else { 1.0 };
            rounded(shape, sums.into_iter().map(|sum| sum / divisor))
        }
        TensorData::I64(elements) => {
            let combine = |a, b| combine_integers(reduce.reduction, a, b);
            let start = vec![integer_start(reduce.reduction); len];
            let mut sums = fold(elements.iter().copied(), &targets, start, combine);
            if reduce.reduction == Reduction::Mean {
                sums.iter_mut().for_each(|sum| *sum = sum.checked_div(count as i64).unwrap_or(0));
            }
            HostTensor::from_i64(shape, sums)
        }
        TensorData::Bool(_) => unreachable!("operand was checked to be a number"),
    }
}

fn fold<T: Copy>(
    elements: impl Iterator<Item = T>,
    targets: &[usize],
    mut results: Vec<T>,
    combine: impl Fn(T, T) -> T,
) -> Vec<T> {
    for (element, target) in elements.zip(targets) {
        results[*target] = combine(results[*target], element);
    }
    results
}

fn float_start(reduction: Reduction) -> f64 {
    match reduction {
        Reduction::Sum | Reduction::Mean => 0.0,
        Reduction::Product => 1.0,
        Reduction::Max => f64::NEG_INFINITY,
        Reduction::Min => f64::INFINITY,
    }
}

fn integer_start(reduction: Reduction) -> i64 {
    match reduction {
        Reduction::Sum | Reduction::Mean => 0,
        Reduction::Product => 1,
        Reduction::Max => i64::MIN,
        Reduction::Min => i64::MAX,
    }
}

fn combine_floats(reduction: Reduction, a: f64, b: f64) -> f64 {
    match reduction {
        Reduction::Sum | Reduction::Mean => a + b,
        Reduction::Product => a * b,
        Reduction::Max => maximum(a, b),
        Reduction::Min => minimum(a, b),
    }
}

fn combine_integers(reduction: Reduction, a: i64, b: i64) -> i64 {
    match reduction {
        Reduction::Sum | Reduction::Mean => a.wrapping_add(b),
        Reduction::Product => a.wrapping_mul(b),
        Reduction::Max => a.max(b),
        Reduction::Min => a.min(b),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
