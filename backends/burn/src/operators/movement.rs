//! Operators that move elements without changing them.

use burn_tensor::kind::Numeric;
use burn_tensor::ops::PadMode as BurnPadMode;
use burn_tensor::{Shape, Slice, Tensor, kind::Basic};
use framegate_backend_api::graph::{AxisSlice, Pad, PadMode};

use super::{Operands, Operation, ResultShape};
use crate::value::{Kind, Ranked, Value, map_kind, map_rank};

/// [`Operator::Concat`](framegate_backend_api::graph::Operator::Concat)
pub(super) fn concat(axis: usize) -> Operation {
    Box::new(move |mut operands, _| {
        vec![map_kind!(operands.any(), first => join(first, operands, axis))]
    })
}

fn join<K: Kind>(first: Ranked<K>, rest: Operands, axis: usize) -> Ranked<K> {
    map_rank!(first, first => {
        let tensors = std::iter::once(first).chain(rest.rest().map(Ranked::tensor)).collect();
        Tensor::cat(tensors, axis)
    })
}

/// [`Operator::Slice`](framegate_backend_api::graph::Operator::Slice)
pub(super) fn slice(slices: &[AxisSlice], x_shape: &[usize]) -> Operation {
    let slices: Vec<Slice> =
        slices.iter().zip(x_shape).map(|(slice, extent)| burn_slice(slice, *extent)).collect();
    Box::new(move |mut operands, _| {
        vec![map_kind!(operands.any(), x => map_rank!(x, x => x.slice(slices.as_slice())))]
    })
}

/// burn's slices give the range to walk, and walk it backwards if the step is negative.
fn burn_slice(slice: &AxisSlice, extent: usize) -> Slice {
    if slice.is_all(extent) {
        // Also correct for the batch axis, which may be longer than in the graph.
        return Slice::full();
    }
    let start = slice.start as isize;
    let reach = slice.step * (slice.len as isize - 1);
    let (first, last) = if reach < 0 { (start + reach, start) } else { (start, start + reach) };
    Slice::new(first, Some(last + 1), slice.step)
}

/// [`Operator::Pad`](framegate_backend_api::graph::Operator::Pad)
pub(super) fn pad(pad: &Pad) -> Operation {
    let pairs: Vec<(usize, usize)> =
        pad.before.iter().copied().zip(pad.after.iter().copied()).collect();
    let mode = match pad.mode {
        PadMode::Constant(value) => BurnPadMode::Constant(value),
        PadMode::Edge => BurnPadMode::Edge,
        PadMode::Reflect => BurnPadMode::Reflect,
    };
    Box::new(move |mut operands, _| {
        vec![match operands.any() {
            Value::Float(x) => pad_numbers(x, &pairs, mode).into(),
            Value::Int(x) => pad_numbers(x, &pairs, mode).into(),
            // burn pads only numbers.
            Value::Bool(x) => {
                let x = pad_numbers(map_rank!(x, x => x.int()), &pairs, mode);
                map_rank!(x, x => x.not_equal_elem(0)).into()
            }
        }]
    })
}

fn pad_numbers<K: Numeric>(x: Ranked<K>, pairs: &[(usize, usize)], mode: BurnPadMode) -> Ranked<K> {
    map_rank!(x, x => x.pad(pairs, mode))
}

/// [`Operator::Reshape`](framegate_backend_api::graph::Operator::Reshape)
pub(super) fn reshape(result: ResultShape) -> Operation {
    Box::new(move |mut operands, batch| {
        vec![map_kind!(operands.any(), x => x.reshape(&result.of(batch)))]
    })
}

/// [`Operator::Transpose`](framegate_backend_api::graph::Operator::Transpose)
pub(super) fn transpose(permutation: Vec<usize>) -> Operation {
    Box::new(move |mut operands, _| {
        vec![map_kind!(operands.any(), x => map_rank!(x, x => permute(x, &permutation)))]
    })
}

fn permute<const D: usize, K: Basic>(x: Tensor<D, K>, permutation: &[usize]) -> Tensor<D, K> {
    x.permute(std::array::from_fn(|axis| permutation[axis]))
}

/// [`Operator::Expand`](framegate_backend_api::graph::Operator::Expand)
pub(super) fn expand(result: ResultShape) -> Operation {
    Box::new(move |mut operands, batch| {
        vec![map_kind!(operands.any(), x => expand_to(x, &result.of(batch)))]
    })
}

/// Broadcasts `x` to `shape`, whose rank is at least that of `x`.
pub(super) fn expand_to<K: Basic>(x: Ranked<K>, shape: &[usize]) -> Ranked<K> {
    let x = x.at_least_rank(shape.len());
    if x.shape() == shape {
        return x;
    }
    map_rank!(x, x => expand_tensor(x, shape))
}

fn expand_tensor<const D: usize, K: Basic>(x: Tensor<D, K>, shape: &[usize]) -> Tensor<D, K> {
    x.expand(Shape::from(shape.to_vec()))
}

/// [`Operator::Tile`](framegate_backend_api::graph::Operator::Tile)
pub(super) fn tile(repeats: Vec<usize>) -> Operation {
    Box::new(move |mut operands, _| {
        vec![map_kind!(operands.any(), x => map_rank!(x, x => x.repeat(&repeats)))]
    })
}
