//! From positions in a tensor to offsets in its elements.

use framegate_backend_api::{HostTensor, TensorData};

/// Distance in elements between neighbours along each axis of a row-major tensor.
pub(super) fn strides(shape: &[usize]) -> Vec<usize> {
    (0..shape.len()).map(|axis| shape[axis + 1..].iter().product()).collect()
}

/// Strides that walk a tensor of `shape` over the axes of a shape it broadcasts to: 0 where it
/// repeats itself.
pub(super) fn broadcast_strides(shape: &[usize], rank: usize) -> Vec<usize> {
    let own = strides(shape);
    let repeated_or_own =
        shape.iter().zip(own).map(|(extent, stride)| if *extent == 1 { 0 } else { stride });
    std::iter::repeat_n(0, rank - shape.len()).chain(repeated_or_own).collect()
}

/// The offset `Σ position · stride` of every position of `shape`, row-major.
pub(super) fn offsets(shape: &[usize], strides: &[usize]) -> Vec<usize> {
    shape.iter().zip(strides).fold(vec![0], |outer, (extent, stride)| {
        outer
            .iter()
            .flat_map(|offset| (0..*extent).map(move |position| offset + position * stride))
            .collect()
    })
}

/// The shape that two shapes broadcast to, which they were checked to do.
pub(super) fn broadcast_shape(a: &[usize], b: &[usize]) -> Vec<usize> {
    let rank = a.len().max(b.len());
    let extent = |shape: &[usize], axis: usize| {
        (axis + shape.len()).checked_sub(rank).map_or(1, |axis| shape[axis])
    };
    (0..rank)
        .map(|axis| match (extent(a, axis), extent(b, axis)) {
            (1, other) => other,
            (own, _) => own,
        })
        .collect()
}

/// `shape` with another extent along one axis.
pub(super) fn with_extent(shape: &[usize], axis: usize, extent: usize) -> Vec<usize> {
    let mut shape = shape.to_vec();
    shape[axis] = extent;
    shape
}

/// A tensor of the elements of `x` at these offsets.
pub(super) fn take(x: &HostTensor, shape: impl Into<Vec<usize>>, offsets: &[usize]) -> HostTensor {
    fn taken<T: Copy>(elements: &[T], offsets: &[usize]) -> Vec<T> {
        offsets.iter().map(|offset| elements[*offset]).collect()
    }
    let data = match x.data() {
        TensorData::F32(elements) => TensorData::F32(taken(elements, offsets)),
        TensorData::I64(elements) => TensorData::I64(taken(elements, offsets)),
        TensorData::Bool(elements) => TensorData::Bool(taken(elements, offsets)),
    };
    HostTensor::new(shape, data)
}

/// One tensor's lines along an axis: the elements that differ in that axis only.
pub(super) struct Lines {
    /// Number of elements in a line.
    pub(super) extent: usize,
    /// Distance between neighbours in a line.
    pub(super) stride: usize,
    /// Offset of each line's first element; lines in row-major order.
    pub(super) starts: Vec<usize>,
}

impl Lines {
    /// The lines of a tensor of `shape` along `axis`.
    pub(super) fn along(axis: usize, shape: &[usize]) -> Self {
        let strides = strides(shape);
        let starts = offsets(&with_extent(shape, axis, 1), &strides);
        Self { extent: shape[axis], stride: strides[axis], starts }
    }

    /// Offsets of the elements of the line that starts at `start`.
    pub(super) fn offsets(&self, start: usize) -> impl Iterator<Item = usize> + Clone + use<> {
        let stride = self.stride;
        (0..self.extent).map(move |position| start + position * stride)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_walk_row_major() {
        assert_eq!(strides(&[2, 3, 4]), [12, 4, 1]);
        assert_eq!(offsets(&[2, 3], &[3, 1]), [0, 1, 2, 3, 4, 5]);
        assert_eq!(offsets(&[2, 3], &[1, 2]), [0, 2, 4, 1, 3, 5]);
        assert_eq!(offsets(&[], &[]), [0]);
        assert_eq!(offsets(&[2, 0], &[0, 1]), [0; 0]);
    }

    #[test]
    fn broadcasting_aligns_the_innermost_axes() {
        assert_eq!(broadcast_shape(&[3, 1], &[2, 1, 4]), [2, 3, 4]);
        assert_eq!(broadcast_shape(&[1], &[0]), [0]);
        assert_eq!(broadcast_strides(&[3, 1], 3), [0, 1, 0]);
    }

    #[test]
    fn lines_start_where_their_axis_is_zero() {
        let lines = Lines::along(1, &[2, 3, 2]);
        assert_eq!(lines.starts, [0, 1, 6, 7]);
        assert_eq!(lines.offsets(7).collect::<Vec<_>>(), [7, 9, 11]);
    }
}
