//! From positions in a tensor to offsets in its elements, all worked out at load time.

/// Distance in elements between neighbours along each axis of a row-major tensor.
pub(super) fn strides(shape: &[usize]) -> Vec<usize> {
    (0..shape.len()).map(|axis| shape[axis + 1..].iter().product()).collect()
}

/// Strides that walk a tensor of `shape` over the axes of a shape of `rank` axes that it broadcasts
/// to: 0 where it repeats itself.
pub(super) fn broadcast_strides(shape: &[usize], rank: usize) -> Vec<usize> {
    let own = strides(shape);
    let repeated_or_own =
        shape.iter().zip(own).map(|(extent, stride)| if *extent == 1 { 0 } else { stride });
    std::iter::repeat_n(0, rank - shape.len()).chain(repeated_or_own).collect()
}

/// The offset `Σ position · stride` of every position of `shape`, row-major.
pub(super) fn offsets(shape: &[usize], strides: &[usize]) -> Vec<usize> {
    let positions: Vec<Vec<usize>> = shape.iter().map(|extent| (0..*extent).collect()).collect();
    selected(&positions, strides)
}

/// The offset of every combination of one of the positions along each axis, row-major.
pub(super) fn selected(positions: &[Vec<usize>], strides: &[usize]) -> Vec<usize> {
    positions.iter().zip(strides).fold(vec![0], |outer, (positions, stride)| {
        outer
            .iter()
            .flat_map(|offset| positions.iter().map(move |position| offset + position * stride))
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

/// A tensor's lines along an axis: the elements that differ in that axis only.
#[derive(Debug)]
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
