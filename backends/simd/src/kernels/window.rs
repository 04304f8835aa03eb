//! Where a sliding window is: the geometry that all kernels with taps share.

use std::ops::Range;

/// One axis of a sliding window: tap `t` of window `w` is at `w · stride + t · dilation − padding`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Axis {
    /// Elements of the input.
    pub(crate) extent: usize,
    /// The number of windows, which is that of results.
    pub(crate) windows: usize,
    /// Per window.
    pub(crate) taps: usize,
    /// Distance between windows.
    pub(crate) stride: usize,
    /// Distance between taps.
    pub(crate) dilation: usize,
    /// Elements before the first one of the input.
    pub(crate) padding: usize,
}

impl Axis {
    /// The taps of a window that are inside the input.
    pub(crate) fn taps_inside(&self, window: usize) -> Range<usize> {
        // A division takes as long as dozens of multiply-adds, and this is asked for each result at an edge.
        let taps_of = |elements: usize| match self.dilation {
            1 => elements,
            dilation => elements.div_ceil(dilation),
        };
        let before = taps_of(self.padding.saturating_sub(window * self.stride));
        let reach = (self.padding + self.extent).saturating_sub(window * self.stride);
        let end = taps_of(reach).min(self.taps);
        before.min(end)..end
    }

    /// The windows whose taps are all inside the input.
    pub(crate) fn windows_inside(&self) -> Range<usize> {
        let first = self.padding.div_ceil(self.stride).min(self.windows);
        let last_tap = (self.taps - 1) * self.dilation;
        let end = (self.padding + self.extent).saturating_sub(last_tap).div_ceil(self.stride);
        first..end.clamp(first, self.windows)
    }

    /// Elements from the first tap of a window to the last one of this many windows, both included.
    pub(crate) fn reach(&self, windows: usize) -> usize {
        (windows - 1) * self.stride + (self.taps - 1) * self.dilation + 1
    }

    /// The position of the first tap of a window, which may be before the input.
    pub(crate) fn start(&self, window: usize) -> isize {
        (window * self.stride) as isize - self.padding as isize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn taps_and_windows_inside_agree_with_a_search() {
        let mut random = fastrand::Rng::with_seed(7);
        for _ in 0..2000 {
            let axis = Axis {
                extent: random.usize(1..12),
                windows: random.usize(1..12),
                taps: random.usize(1..6),
                stride: random.usize(1..4),
                dilation: random.usize(1..4),
                padding: random.usize(0..6),
            };
            let lies_inside = |window: usize, tap: usize| {
                let at = axis.start(window) + (tap * axis.dilation) as isize;
                (0..axis.extent as isize).contains(&at)
            };
            for window in 0..axis.windows {
                let found: Vec<usize> =
                    (0..axis.taps).filter(|tap| lies_inside(window, *tap)).collect();
                assert_eq!(axis.taps_inside(window).collect::<Vec<_>>(), found, "{axis:?}");
            }
            let found: Vec<usize> = (0..axis.windows)
                .filter(|window| (0..axis.taps).all(|tap| lies_inside(*window, tap)))
                .collect();
            assert_eq!(axis.windows_inside().collect::<Vec<_>>(), found, "{axis:?}");
        }
    }
}
