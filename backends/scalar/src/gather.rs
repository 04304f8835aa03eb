//! Picking elements by index.

use crate::Operation;
use crate::indexing::{offsets, strides};
use crate::operands::for_each_type;

pub(crate) fn gather(axis: usize, shape: &[usize], indices: &[usize]) -> Operation {
    let outer: usize = shape[..axis].iter().product();
    let inner: usize = shape[axis + 1..].iter().product();
    let extent = shape[axis];
    let count: usize = indices.iter().product();
    Operation::new(move |operands| {
        let indices = operands.integers(1);
        for_each_type!(operands.input(0), operands.result(), |from, to| {
            for block in 0..outer {
                for (at, index) in indices.iter().enumerate() {
                    let source = (block * extent + element_index(*index, extent)) * inner;
                    to[(block * count + at) * inner..][..inner]
                        .copy_from_slice(&from[source..][..inner]);
                }
            }
        });
    })
}

pub(crate) fn gather_elements(axis: usize, shape: &[usize], indices: &[usize]) -> Operation {
    let mut strides = strides(shape);
    let axis_stride = std::mem::take(&mut strides[axis]);
    let extent = shape[axis];
    // Where the line starts that each result element is picked from.
    let starts = offsets(indices, &strides);
    Operation::new(move |operands| {
        let indices = operands.integers(1);
        let sources = starts
            .iter()
            .zip(indices)
            .map(|(start, index)| start + element_index(*index, extent) * axis_stride);
        for_each_type!(operands.input(0), operands.result(), |from, to| {
            to.iter_mut().zip(sources).for_each(|(to, source)| *to = from[source]);
        });
    })
}

/// The element that an index selects from an axis of `extent` elements, at least 1: a negative index
/// counts from the end, and one that is out of range selects the nearest element.
pub fn element_index(index: i64, extent: usize) -> usize {
    let extent = extent as i64;
    let from_start = if index < 0 { index.saturating_add(extent) } else { index };
    from_start.clamp(0, extent - 1) as usize
}

#[cfg(test)]
mod tests {
    use framegate_backend_api::HostTensor;
    use framegate_backend_api::graph::Operator;

    use crate::evaluate::single;

    fn x() -> HostTensor {
        HostTensor::from_f32([2, 3], vec![5.0, 7.0, 5.0, 1.0, 0.0, 1.0])
    }

    #[test]
    fn gathers_with_negative_and_nested_indices() {
        let gather = |axis, indices| single(Operator::Gather { axis }, &[&x(), indices]);
        let indices = HostTensor::from_i64([2, 2], vec![0, -1, 1, 99]);
        let expected =
            HostTensor::from_f32([2, 2, 2], vec![5.0, 5.0, 7.0, 5.0, 1.0, 1.0, 0.0, 1.0]);
        assert_eq!(gather(1, &indices), expected);
        let scalar = HostTensor::from_i64([], vec![-1]);
        assert_eq!(gather(0, &scalar), HostTensor::from_f32([3], vec![1.0, 0.0, 1.0]));
    }

    #[test]
    fn gathers_an_element_for_each_index() {
        let indices = HostTensor::from_i64([1, 3], vec![1, 0, -1]);
        let gathered = single(Operator::GatherElements { axis: 0 }, &[&x(), &indices]);
        assert_eq!(gathered, HostTensor::from_f32([1, 3], vec![1.0, 7.0, 1.0]));
    }
}
