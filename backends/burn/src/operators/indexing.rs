//! Gathering by index, and finding indices.

use burn_tensor::kind::{Basic, Ordered};
use burn_tensor::{Int, Tensor};
use framegate_backend_api::graph;

use super::{Operation, ResultShape};
use crate::value::{Ranked, Value, map_kind, map_rank};

/// [`Operator::Gather`](framegate_backend_api::graph::Operator::Gather)
pub(super) fn gather(axis: usize, indices: &graph::Value, result: ResultShape) -> Operation {
    let wraps = may_be_negative(indices);
    Box::new(move |mut operands, batch| {
        let shape = result.of(batch);
        vec![map_kind!(operands.any(), x => {
            let indices = non_negative(operands.next(), wraps, x.shape()[axis]);
            let count = indices.shape().iter().product();
            let indices = indices.reshape(&[count]).tensor::<1>();
            map_rank!(x, x => x.select(axis, indices)).reshape(&shape)
        })]
    })
}

/// [`Operator::GatherElements`](framegate_backend_api::graph::Operator::GatherElements)
pub(super) fn gather_elements(axis: usize, indices: &graph::Value) -> Operation {
    let wraps = may_be_negative(indices);
    Box::new(move |mut operands, _| {
        vec![map_kind!(operands.any(), x => {
            let indices = non_negative(operands.next(), wraps, x.shape()[axis]);
            map_rank!(x, x => gather_along(x, indices.tensor(), axis))
        })]
    })
}

fn gather_along<const D: usize, K: Basic>(
    x: Tensor<D, K>,
    indices: Tensor<D, Int>,
    axis: usize,
) -> Tensor<D, K> {
    // burn requires every other axis to be as long as that of the indices.
    let extents = indices.dims();
    let ranges = x.dims().map(|extent| 0..extent);
    let ranges = std::array::from_fn::<_, D, _>(|other| {
        if other == axis { ranges[other].clone() } else { 0..extents[other] }
    });
    x.slice(ranges).gather(axis, indices)
}

fn may_be_negative(indices: &graph::Value) -> bool {
    match indices.constant.as_ref().and_then(|constant| constant.as_i64()) {
        Some(indices) => indices.iter().any(|index| *index < 0),
        None => true,
    }
}

/// Resolves negative indices, which count from the end of an axis.
fn non_negative(indices: Ranked<Int>, wraps: bool, extent: usize) -> Ranked<Int> {
    if !wraps {
        return indices;
    }
    map_rank!(indices, indices => {
        let negative = indices.clone().lower_elem(0);
        indices.clone().mask_where(negative, indices + extent as i64)
    })
}

/// [`Operator::ArgExtremum`](framegate_backend_api::graph::Operator::ArgExtremum)
pub(super) fn arg_extremum(axis: usize, largest: bool) -> Operation {
    Box::new(move |mut operands, _| {
        vec![match operands.any() {
            Value::Float(x) => index_of_extremum(x, axis, largest).into(),
            Value::Int(x) => index_of_extremum(x, axis, largest).into(),
            Value::Bool(x) => unreachable!("truth values have no order: {x:?}"),
        }]
    })
}

fn index_of_extremum<K: Ordered>(x: Ranked<K>, axis: usize, largest: bool) -> Ranked<Int> {
    map_rank!(x, x => if largest { x.argmax(axis) } else { x.argmin(axis) })
}
