//! From positions in a tensor to offsets in its elements, all worked out in advance.

/// Distance in elements between neighbours along each axis of a row-major tensor.
pub(crate) fn strides(shape: &[usize]) -> Vec<usize> {
    (0..shape.len()).map(|axis| shape[axis + 1..].iter().product()).collect()
}

/// Strides that walk a tensor of `shape` over the axes of a shape of `rank` axes that it broadcasts to:
/// 0 along the axes where it is repeated.
pub(crate) fn broadcast_strides(shape: &[usize], rank: usize) -> Vec<usize> {
    let own = strides(shape);
    let repeated_or_own =
        shape.iter().zip(own).map(|(extent, stride)| if *extent == 1 { 0 } else { stride });
    std::iter::repeat_n(0, rank - shape.len()).chain(repeated_or_own).collect()
}

/// The offset `Σ position · stride` of every position of `shape`, row-major.
pub(crate) fn offsets(shape: &[usize], strides: &[usize]) -> Vec<usize> {
    shape.iter().zip(strides).fold(vec![0], |outer, (extent, stride)| {
        outer
            .iter()
            .flat_map(|offset| (0..*extent).map(move |position| offset + position * stride))
            .collect()
    })
}

/// The offset of every combination of one of the given positions along each axis, row-major.
pub(crate) fn selected(positions: &[Vec<usize>], strides: &[usize]) -> Vec<usize> {
    positions.iter().zip(strides).fold(vec![0], |outer, (positions, stride)| {
        outer
            .iter()
            .flat_map(|offset| positions.iter().map(move |position| offset + position * stride))
            .collect()
    })
}

/// The shape that two shapes broadcast to, which they were checked to do.
pub(crate) fn broadcast_shape(a: &[usize], b: &[usize]) -> Vec<usize> {
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
pub(crate) fn with_extent(shape: &[usize], axis: usize, extent: usize) -> Vec<usize> {
    let mut shape = shape.to_vec();
    shape[axis] = extent;
    shape
}

/// Which element of a broadcast operand each result element reads.
pub(crate) enum Broadcast {
    /// The one at the same offset: operand and result have the same shape.
    Same,
    /// The one at this offset.
    At(Vec<usize>),
}

impl Broadcast {
    /// From an operand's shape to the result's.
    pub(crate) fn new(shape: &[usize], result: &[usize]) -> Self {
        if shape == result {
            return Self::Same;
        }
        Self::At(offsets(result, &broadcast_strides(shape, result.len())))
    }

    /// The operand's element for result element `index`.
    pub(crate) fn of<T: Copy>(&self, elements: &[T], index: usize) -> T {
        match self {
            Self::Same => elements[index],
            Self::At(sources) => elements[sources[index]],
        }
    }
}

/// A tensor's lines along an axis: the elements that differ in their position along that axis only.
pub(crate) struct Lines {
    /// Number of elements in a line.
    pub(crate) extent: usize,
    /// Distance between neighbours in a line.
    pub(crate) stride: usize,
    /// Offset of each line's first element; lines in row-major order.
    pub(crate) starts: Vec<usize>,
}

impl Lines {
    /// The lines of a tensor of `shape` along `axis`.
    pub(crate) fn along(axis: usize, shape: &[usize]) -> Self {
        let strides = strides(shape);
        let starts = offsets(&with_extent(shape, axis, 1), &strides);
        Self { extent: shape[axis], stride: strides[axis], starts }
    }

    /// Offsets of the elements of the line that starts at `start`.
    pub(crate) fn offsets(&self, start: usize) -> impl Iterator<Item = usize> + Clone + use<> {
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
