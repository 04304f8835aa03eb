//! Which elements of an axis lie under the taps of a sliding window.

/// How windows lie along one axis: tap `t` of window `w` is at position
/// `w · stride + t · dilation − padding`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Windows {
    /// Number of taps.
    pub(crate) kernel: usize,
    pub(crate) stride: usize,
    pub(crate) dilation: usize,
    /// Positions before the first element.
    pub(crate) padding: usize,
}

/// A tap, and the element that meets it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tap {
    pub(crate) index: usize,
    pub(crate) element: usize,
}

impl Windows {
    /// For each of `count` windows over an axis of `extent` elements, the taps that are not in the
    /// padding, with the elements under them.
    pub(crate) fn gather(self, extent: usize, count: usize) -> Vec<Vec<Tap>> {
        let under = |window: usize, tap: usize| {
            let element = self.padded_position(window, tap).checked_sub(self.padding)?;
            (element < extent).then_some(Tap { index: tap, element })
        };
        let taps = |window| (0..self.kernel).filter_map(|tap| under(window, tap)).collect();
        (0..count).map(taps).collect()
    }

    /// The transpose of [`Windows::gather`]: each of `extent` elements is a window over an axis of
    /// `count` results. For each result, the taps that lie on it, with the elements that they belong to.
    pub(crate) fn scatter(self, extent: usize, count: usize) -> Vec<Vec<Tap>> {
        let on = |result: usize, tap: usize| {
            let distance = (result + self.padding).checked_sub(tap * self.dilation)?;
            let element = distance / self.stride;
            (distance.is_multiple_of(self.stride) && element < extent)
                .then_some(Tap { index: tap, element })
        };
        let taps = |result| (0..self.kernel).filter_map(|tap| on(result, tap)).collect();
        (0..count).map(taps).collect()
    }

    /// Position of a tap, counted from where the padding starts.
    pub(crate) fn padded_position(self, window: usize, tap: usize) -> usize {
        window * self.stride + tap * self.dilation
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WINDOWS: Windows = Windows { kernel: 3, stride: 2, dilation: 1, padding: 1 };

    fn pairs(taps: &[Vec<Tap>]) -> Vec<Vec<(usize, usize)>> {
        taps.iter().map(|taps| taps.iter().map(|tap| (tap.index, tap.element)).collect()).collect()
    }

    #[test]
    fn taps_in_the_padding_are_left_out() {
        // Windows over {pad, 0, 1}, {1, 2, 3} and {3, 4, pad}.
        assert_eq!(
            pairs(&WINDOWS.gather(5, 3)),
            [vec![(1, 0), (2, 1)], vec![(0, 1), (1, 2), (2, 3)], vec![(0, 3), (1, 4)]]
        );
    }

    /// An element and a result meet at a tap in one direction if and only if they do in the other.
    #[test]
    fn scattering_is_the_transpose_of_gathering() {
        for stride in 1..4 {
            for dilation in 1..3 {
                let windows = Windows { kernel: 3, stride, dilation, padding: 2 };
                let (many, few) = (11, 4);
                let flat = |taps: Vec<Vec<Tap>>| {
                    let of = |(at, taps): (usize, Vec<Tap>)| {
                        taps.into_iter().map(move |tap| (tap.index, at, tap.element))
                    };
                    taps.into_iter().enumerate().flat_map(of).collect::<Vec<_>>()
                };
                let mut gathered = flat(windows.gather(many, few));
                let scattered = flat(windows.scatter(few, many));
                let mut turned: Vec<_> = scattered
                    .into_iter()
                    .map(|(tap, result, window)| (tap, window, result))
                    .collect();
                gathered.sort_unstable();
                turned.sort_unstable();
                assert_eq!(gathered, turned, "stride {stride}, dilation {dilation}");
            }
        }
    }
}
