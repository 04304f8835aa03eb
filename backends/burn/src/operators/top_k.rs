//! The largest or smallest elements along an axis.

use std::cmp::Ordering;

use burn_tensor::kind::Basic;
use burn_tensor::{Device, Element, TensorData};
use framegate_backend_api::graph::TopK;

use super::Operation;
use crate::value::{Ranked, Value, with_rank};

/// [`Operator::TopK`](framegate_backend_api::graph::Operator::TopK)
///
/// Runs in host memory. burn sorts there as well, on every device, but does not specify the order of equal
/// elements.
pub(super) fn top_k(options: TopK) -> Operation {
    Box::new(move |mut operands, _| match operands.any() {
        Value::Float(x) => {
            let (values, indices) = on_host::<_, f32>(x, &options, f32::total_cmp);
            vec![values.into(), indices]
        }
        Value::Int(x) => {
            let (values, indices) = on_host::<_, i64>(x, &options, i64::cmp);
            vec![values.into(), indices]
        }
        Value::Bool(x) => unreachable!("truth values have no order: {x:?}"),
    })
}

fn on_host<K: Basic, E: Element>(
    x: Ranked<K>,
    options: &TopK,
    compare: fn(&E, &E) -> Ordering,
) -> (Ranked<K>, Value) {
    let mut shape = x.shape();
    let (device, elements): (Device, Vec<E>) = with_rank!(x, x => {
        let device = x.device();
        let elements = x.try_into_vec_as::<E>();
        (device, elements.unwrap_or_else(|error| panic!("reading a tensor back: {error}")))
    });
    let (values, indices) = best(&elements, &shape, options, compare);
    shape[options.axis] = options.k;
    let indices = Ranked::upload(TensorData::new(indices, shape.clone()), &device);
    (Ranked::upload(TensorData::new(values, shape), &device), Value::Int(indices))
}

/// The first `k` elements in order along the axis, and their indices, both shaped like the result.
fn best<E: Copy>(
    elements: &[E],
    shape: &[usize],
    options: &TopK,
    compare: fn(&E, &E) -> Ordering,
) -> (Vec<E>, Vec<i64>) {
    let TopK { axis, k, largest } = *options;
    let extent = shape[axis];
    let outer: usize = shape[..axis].iter().product();
    let inner: usize = shape[axis + 1..].iter().product();
    let mut sources = vec![0; outer * k * inner];
    for lane in 0..outer * inner {
        let (outer, offset) = (lane / inner, lane % inner);
        let mut candidates: Vec<usize> =
            (0..extent).map(|index| (outer * extent + index) * inner + offset).collect();
        // A stable sort keeps equal elements in index order.
        candidates.sort_by(|a, b| {
            let order = compare(&elements[*a], &elements[*b]);
            if largest { order.reverse() } else { order }
        });
        for (rank, source) in candidates.into_iter().take(k).enumerate() {
            sources[(outer * k + rank) * inner + offset] = source;
        }
    }
    let values = sources.iter().map(|source| elements[*source]).collect();
    let indices = sources.iter().map(|source| (source / inner % extent) as i64).collect();
    (values, indices)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_elements_keep_their_order() {
        let options = TopK { axis: 0, k: 3, largest: true };
        let (values, indices) = best(&[1.0, 2.0, 1.0, 2.0], &[4], &options, f32::total_cmp);
        assert_eq!((values, indices), (vec![2.0, 2.0, 1.0], vec![1, 3, 0]));
    }

    #[test]
    fn lanes_run_along_any_axis() {
        let options = TopK { axis: 0, k: 1, largest: false };
        let (values, indices) = best(&[3, 1, 2, 5], &[2, 2], &options, i64::cmp);
        assert_eq!((values, indices), (vec![2, 1], vec![1, 0]));
    }
}
