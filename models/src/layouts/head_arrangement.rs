//! Where the numbers of a box are in the raw head of a model with anchors.

/// Where the numbers of a box are in a head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum HeadArrangement {
    /// `[1, A · (5 + C), H, W]`
    Channels,
    /// `[1, A, H, W, 5 + C]`
    Anchors,
    /// `[1, H, W, A, 5 + C]` or `[1, H, W, A · (5 + C)]`, as TensorFlow has them.
    Cells,
}

impl HeadArrangement {
    /// The arrangement of a head for this many anchors, rows and columns, and the numbers of a box.
    pub(super) fn of(shape: &[usize], [count, rows, columns]: [usize; 3]) -> Option<(Self, usize)> {
        let is_grid = |h: usize, w: usize| [h, w] == [rows, columns];
        match *shape {
            [1, anchors, h, w, numbers] if anchors == count && is_grid(h, w) => {
                Some((Self::Anchors, numbers))
            }
            [1, h, w, anchors, numbers] if anchors == count && is_grid(h, w) => {
                Some((Self::Cells, numbers))
            }
            [1, channels, h, w] if channels.is_multiple_of(count) && is_grid(h, w) => {
                Some((Self::Channels, channels / count))
            }
            [1, h, w, channels] if channels.is_multiple_of(count) && is_grid(h, w) => {
                Some((Self::Cells, channels / count))
            }
            _ => None,
        }
    }

    /// The place of the first number of the box at an anchor of a cell, and the distance to the next; how many of both
    /// there are goes with them.
    pub(super) fn place(
        self,
        [anchor, cell]: [usize; 2],
        [anchors, cells]: [usize; 2],
        numbers: usize,
    ) -> (usize, usize) {
        match self {
            Self::Channels => (anchor * numbers * cells + cell, cells),
            Self::Anchors => ((anchor * cells + cell) * numbers, 1),
            Self::Cells => ((cell * anchors + anchor) * numbers, 1),
        }
    }

    /// The axis that the numbers of a box lie along, in a head with this many axes.
    pub(super) fn axis(self, axes: usize) -> usize {
        if self == Self::Channels { 1 } else { axes - 1 }
    }
}
