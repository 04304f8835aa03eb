//! Picking elements by index, and finding the indices of extreme ones.

use std::cmp::Ordering;

use framegate_backend_api::graph::TopK;
use framegate_backend_api::{HostTensor, TensorData};

use super::indexing::{Lines, offsets, strides, take, with_extent};
use super::integers;
use super::movement::select;

pub(super) fn gather(axis: usize, x: &HostTensor, indices: &HostTensor) -> HostTensor {
    let extents = x.shape();
    let shape = [&extents[..axis], indices.shape(), &extents[axis + 1..]].concat();
    let positions: Vec<Vec<usize>> = extents
        .iter()
        .enumerate()
        .map(|(other, extent)| {
            if other == axis {
                integers(indices).iter().map(|index| position(*index, *extent)).collect()
            } else {
                (0..*extent).collect()
            }
        })
        .collect();
    select(x, &positions).reshaped(shape)
}

pub(super) fn gather_elements(axis: usize, x: &HostTensor, indices: &HostTensor) -> HostTensor {
    let mut strides = strides(x.shape());
    let axis_stride = std::mem::take(&mut strides[axis]);
    let sources: Vec<usize> = offsets(indices.shape(), &strides)
        .into_iter()
        .zip(integers(indices))
        .map(|(offset, index)| offset + position(*index, x.shape()[axis]) * axis_stride)
        .collect();
    take(x, indices.shape(), &sources)
}

/// The element an index means: negative ones count from the end, and what is out of range is taken
/// for the nearest.
fn position(index: i64, extent: usize) -> usize {
    let extent = extent as i64;
    let from_start = if index < 0 { index.saturating_add(extent) } else { index };
    from_start.clamp(0, extent - 1) as usize
}

pub(super) fn arg_extremum(axis: usize, largest: bool, x: &HostTensor) -> HostTensor {
    let lines = Lines::along(axis, x.shape());
    let first = |start: &usize| sorted(x, &lines, *start, largest).first().copied();
    let indices = lines.starts.iter().map(|start| first(start).unwrap_or(0) as i64).collect();
    HostTensor::from_i64(with_extent(x.shape(), axis, 1), indices)
}

pub(super) fn top_k(top_k: &TopK, x: &HostTensor) -> Vec<HostTensor> {
    let TopK { axis, k, largest } = *top_k;
    let lines = Lines::along(axis, x.shape());
    let shape = with_extent(x.shape(), axis, k);
    let result_lines = Lines::along(axis, &shape);
    let len = shape.iter().product();
    let mut sources = vec![0; len];
    let mut indices = vec![0; len];
    for (start, result_start) in lines.starts.iter().zip(&result_lines.starts) {
        let order = sorted(x, &lines, *start, largest);
        for (target, index) in result_lines.offsets(*result_start).zip(order) {
            sources[target] = start + index * lines.stride;
            indices[target] = index as i64;
        }
    }
    vec![take(x, shape.as_slice(), &sources), HostTensor::from_i64(shape, indices)]
}

/// The indices along one line from most to least extreme, the lower first of equals.
fn sorted(x: &HostTensor, lines: &Lines, start: usize, largest: bool) -> Vec<usize> {
    let element = |index: usize| start + index * lines.stride;
    let ascending = |a: &usize, b: &usize| match x.data() {
        TensorData::F32(x) => compare_floats(x[element(*a)], x[element(*b)]),
        TensorData::I64(x) => x[element(*a)].cmp(&x[element(*b)]),
        TensorData::Bool(_) => unreachable!("operand was checked to be a number"),
    };
    let mut indices: Vec<usize> = (0..lines.extent).collect();
    indices.sort_by(|a, b| if largest { ascending(b, a) } else { ascending(a, b) });
    indices
}

/// Numeric order with what is no number above everything.
fn compare_floats(a: f32, b: f32) -> Ordering {
    a.partial_cmp(&b).unwrap_or_else(|| a.is_nan().cmp(&b.is_nan()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn x() -> HostTensor {
        HostTensor::from_f32([2, 3], vec![5.0, 7.0, 5.0, 1.0, 0.0, 1.0])
    }

    #[test]
    fn gathers_with_negative_and_nested_indices() {
        let indices = HostTensor::from_i64([2, 2], vec![0, -1, 1, 99]);
        let expected =
            HostTensor::from_f32([2, 2, 2], vec![5.0, 5.0, 7.0, 5.0, 1.0, 1.0, 0.0, 1.0]);
        assert_eq!(gather(1, &x(), &indices), expected);
        let scalar = HostTensor::from_i64([], vec![-1]);
        assert_eq!(gather(0, &x(), &scalar), HostTensor::from_f32([3], vec![1.0, 0.0, 1.0]));
    }

    #[test]
    fn gathers_an_element_for_each_index() {
        let indices = HostTensor::from_i64([1, 3], vec![1, 0, -1]);
        assert_eq!(
            gather_elements(0, &x(), &indices),
            HostTensor::from_f32([1, 3], vec![1.0, 7.0, 1.0])
        );
    }

    #[test]
    fn the_first_of_equals_is_the_extremum() {
        assert_eq!(arg_extremum(1, true, &x()), HostTensor::from_i64([2, 1], vec![1, 0]));
        assert_eq!(arg_extremum(1, false, &x()), HostTensor::from_i64([2, 1], vec![0, 1]));
        assert_eq!(arg_extremum(0, true, &x()), HostTensor::from_i64([1, 3], vec![0, 0, 0]));
    }

    #[test]
    fn top_k_is_sorted_and_stable() {
        let largest = top_k(&TopK { axis: 1, k: 2, largest: true }, &x());
        assert_eq!(largest[0], HostTensor::from_f32([2, 2], vec![7.0, 5.0, 1.0, 1.0]));
        assert_eq!(largest[1], HostTensor::from_i64([2, 2], vec![1, 0, 0, 2]));
        let smallest = top_k(&TopK { axis: 0, k: 2, largest: false }, &x());
        assert_eq!(smallest[0], HostTensor::from_f32([2, 3], vec![1.0, 0.0, 1.0, 5.0, 7.0, 5.0]));
        assert_eq!(smallest[1], HostTensor::from_i64([2, 3], vec![1, 1, 1, 0, 0, 0]));
    }
}
