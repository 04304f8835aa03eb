//! Combining all elements along some axes.

use framegate_backend_api::graph::{Reduce, Reduction};

use super::Operation;
use super::indexing::{offsets, strides};
use super::operands::{Elements, ElementsMut};
use super::scalar::{maximum, minimum};

pub(super) fn reduce(reduce: &Reduce, shape: &[usize]) -> Operation {
    let reduction = reduce.reduction;
    let strides = strides(shape);
    // A result element's first operand element, and the way from there to all that it combines.
    let along = |reduced: bool| -> Vec<usize> {
        let extent =
            |axis: usize| if reduce.axes.contains(&axis) == reduced { shape[axis] } else { 1 };
        offsets(&(0..shape.len()).map(extent).collect::<Vec<_>>(), &strides)
    };
    let (starts, steps) = (along(false), along(true));
    Box::new(move |operands| match (operands.input(0), operands.output(0)) {
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
        Reduction::Sum => x.sum(),
        Reduction::Mean => x.sum::<f64>() / count as f64,
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
