//! Decides which coded frames of a live stream are decoded, and which of the images are worth analysing.

use std::mem;

use super::coded::Coded;

/// Most frames that are held back for those that may refer to them.
const MOST_HELD: usize = 128;
/// While the decoder is behind, one image of this many is analysed.
const BEHIND: u32 = 4;

/// The frames since the last key frame that have not been decoded.
#[derive(Debug)]
pub(super) struct HeldBack {
    max_bytes: usize,
    frames: Vec<Coded>,
    bytes: usize,
    /// Some were dropped: nothing can be decoded before the next key frame.
    is_broken: bool,
}

impl HeldBack {
    /// Holds back at most `max_bytes`.
    pub(super) fn new(max_bytes: usize) -> Self {
        Self { max_bytes, frames: Vec::new(), bytes: 0, is_broken: false }
    }

    /// The frames to decode now that this one is here, the last of them itself. Without `wants_all` a frame is held
    /// back unless it is a key frame.
    pub(super) fn next(&mut self, coded: Coded, wants_all: bool) -> Vec<Coded> {
        if coded.is_key {
            self.clear(false);
            return vec![coded];
        }
        if wants_all && !self.is_broken {
            self.bytes = 0;
            let mut frames = mem::take(&mut self.frames);
            frames.push(coded);
            return frames;
        }
        self.bytes += coded.data.len();
        if self.is_broken || self.frames.len() == MOST_HELD || self.bytes > self.max_bytes {
            self.break_off();
        } else {
            self.frames.push(coded);
        }
        Vec::new()
    }

    /// Leaves out what follows until the next key frame.
    pub(super) fn break_off(&mut self) {
        self.clear(true);
    }

    fn clear(&mut self, is_broken: bool) {
        self.is_broken = is_broken;
        self.frames.clear();
        self.bytes = 0;
    }
}

/// Chooses images.
#[derive(Debug, Default)]
pub(super) struct Choice {
    /// When the last chosen image is shown.
    shown: Option<i64>,
    passed_over: u32,
}

impl Choice {
    /// Whether to analyse an image, which is shown at `time`. While newer frames wait for the decoder, most are
    /// passed over.
    pub(super) fn takes(&mut self, coded: &Coded, newer_wait: bool) -> bool {
        // Time runs backwards where a camera begins again, which it does with a key frame.
        if !coded.is_key && self.shown.is_some_and(|shown| coded.time <= shown) {
            return false;
        }
        if newer_wait && self.passed_over + 1 < BEHIND {
            self.passed_over += 1;
            return false;
        }
        self.passed_over = 0;
        self.shown = Some(coded.time);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn coded(time: i64) -> Coded {
        Coded::new(vec![0; 10], time % 100 == 0, time, 0)
    }

    fn times(frames: &[Coded]) -> Vec<i64> {
        frames.iter().map(|frame| frame.time).collect()
    }

    #[test]
    fn what_was_held_back_is_decoded_once_all_are_wanted() {
        let mut held = HeldBack::new(1000);
        assert_eq!(times(&held.next(coded(0), false)), [0]);
        assert!(held.next(coded(1), false).is_empty() && held.next(coded(2), false).is_empty());
        assert_eq!(times(&held.next(coded(3), true)), [1, 2, 3]);
        assert_eq!(times(&held.next(coded(4), true)), [4]);
        assert!(held.next(coded(5), false).is_empty());
        assert_eq!(times(&held.next(coded(100), false)), [100]);
        assert_eq!(times(&held.next(coded(101), true)), [101]);
    }

    #[test]
    fn too_much_to_hold_back_waits_for_the_next_key_frame() {
        for (max_bytes, count) in [(50, 6), (1 << 20, MOST_HELD + 1)] {
            let mut held = HeldBack::new(max_bytes);
            held.next(coded(0), false);
            for _ in 0..count {
                assert!(held.next(coded(1), false).is_empty());
            }
            assert!(held.next(coded(2), true).is_empty());
            assert_eq!(held.frames.len(), 0);
            assert_eq!(times(&held.next(coded(100), true)), [100]);
            assert_eq!(times(&held.next(coded(101), true)), [101]);
        }
    }

    #[test]
    fn images_are_taken_in_the_order_in_which_they_are_shown() {
        let mut choice = Choice::default();
        let order = [500, 503, 501, 502, 506, 504, 400, 401];
        let taken: Vec<_> =
            order.into_iter().filter(|time| choice.takes(&coded(*time), false)).collect();
        assert_eq!(taken, [500, 503, 506, 400, 401]);
    }

    #[test]
    fn a_decoder_that_is_behind_still_yields_images() {
        let mut choice = Choice::default();
        let taken: Vec<_> = (1..13).filter(|time| choice.takes(&coded(*time), true)).collect();
        assert_eq!(taken, [4, 8, 12]);
        assert!(choice.takes(&coded(13), false));
    }
}
