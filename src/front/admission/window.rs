//! Measures the drop rate, dropped ÷ valid frames, over a sliding window.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::{WINDOW, WINDOW_FRAMES};

/// Frames that arrive within this time of each other are counted together, so that a fast sender cannot
/// make the window grow: it never holds more than `WINDOW / BUCKET + WINDOW_FRAMES + 1` buckets.
const BUCKET: Duration = Duration::from_millis(100);

/// Frames and drops of the last [`WINDOW`], and at least of the last [`WINDOW_FRAMES`] frames.
#[derive(Debug, Default)]
pub(super) struct DropWindow {
    /// Oldest first; each holds at least one frame.
    buckets: VecDeque<Bucket>,
}

#[derive(Debug)]
struct Bucket {
    start: Instant,
    frames: u32,
    dropped: u32,
}

impl DropWindow {
    /// Counts a frame that has arrived.
    pub(super) fn count_frame(&mut self, now: Instant) {
        match self.buckets.back_mut() {
            Some(last) if now.duration_since(last.start) < BUCKET => last.frames += 1,
            _ => {
                self.buckets.push_back(Bucket { start: now, frames: 1, dropped: 0 });
                self.forget(now);
            }
        }
    }

    /// Counts the drop of an earlier frame, in the bucket of the latest arrival.
    pub(super) fn count_drop(&mut self) {
        // Just after the window was cleared there is no frame to count it against.
        if let Some(last) = self.buckets.back_mut() {
            last.dropped += 1;
        }
    }

    /// Forgets everything.
    pub(super) fn clear(&mut self) {
        self.buckets.clear();
    }

    /// Share of frames dropped within the last `span`, and within at least the last `at_least` frames; 0 to
    /// 1. `None` if there were fewer.
    pub(super) fn rate(&self, now: Instant, span: Duration, at_least: u32) -> Option<f64> {
        let (mut frames, mut dropped) = (0, 0);
        for bucket in self.buckets.iter().rev() {
            if frames >= at_least && now.duration_since(bucket.start) > span {
                break;
            }
            frames += bucket.frames;
            dropped += bucket.dropped;
        }
        // Drops are counted when they happen, so a bucket can hold more drops than frames.
        (frames >= at_least).then(|| (f64::from(dropped) / f64::from(frames)).min(1.0))
    }

    fn forget(&mut self, now: Instant) {
        let mut frames: u32 = self.buckets.iter().map(|bucket| bucket.frames).sum();
        while let Some(oldest) = self.buckets.front()
            && now.duration_since(oldest.start) > WINDOW
            && frames - oldest.frames >= WINDOW_FRAMES
        {
            frames -= oldest.frames;
            self.buckets.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A window after frames this far apart, of which some are dropped.
    fn window(
        start: Instant,
        frames: u32,
        apart: Duration,
        is_dropped: impl Fn(u32) -> bool,
    ) -> DropWindow {
        let mut window = DropWindow::default();
        for index in 0..frames {
            window.count_frame(start + apart * index);
            if is_dropped(index) {
                window.count_drop();
            }
        }
        window
    }

    #[test]
    fn there_is_no_rate_of_too_few_frames() {
        let start = Instant::now();
        let nine = window(start, 9, BUCKET, |_| true);
        assert_eq!(nine.rate(start + BUCKET * 9, WINDOW, WINDOW_FRAMES), None);
        let ten = window(start, 10, BUCKET, |_| true);
        assert_eq!(ten.rate(start + BUCKET * 9, WINDOW, WINDOW_FRAMES), Some(1.0));
    }

    #[test]
    fn the_past_is_forgotten() {
        let start = Instant::now();
        let apart = Duration::from_millis(50);
        // Everything is dropped for 10 seconds, then nothing for 4.
        let window = window(start, 280, apart, |index| index < 200);
        let now = start + apart * 279;
        assert_eq!(window.rate(now, WINDOW, WINDOW_FRAMES), Some(0.0));
    }

    #[test]
    fn a_slow_sender_is_judged_by_its_last_frames() {
        let start = Instant::now();
        let apart = Duration::from_secs(5);
        let window = window(start, 20, apart, |index| index % 2 == 0);
        assert_eq!(window.rate(start + apart * 19, WINDOW, WINDOW_FRAMES), Some(0.5));
    }

    #[test]
    fn a_flood_does_not_make_it_larger() {
        let start = Instant::now();
        let window = window(start, 100_000, Duration::from_micros(100), |_| true);
        assert!(window.buckets.len() <= 32, "{}", window.buckets.len());
        let now = start + Duration::from_secs(10);
        assert_eq!(window.rate(now, WINDOW, WINDOW_FRAMES), Some(1.0));
    }

    /// Mutant: `frames -= …` deleted in `forget`. It would go on forgetting below [`WINDOW_FRAMES`], and the
    /// drop rate of a sender that slows down would be unknown.
    #[test]
    fn forgetting_keeps_enough_frames_for_a_rate() {
        let start = Instant::now();
        // A second at 10 fps, then one frame every ten seconds.
        let mut window = window(start, 10, BUCKET, |_| true);
        for frame in 1..=30 {
            let now = start + Duration::from_secs(10) * frame;
            window.count_frame(now);
            let frames: u32 = window.buckets.iter().map(|bucket| bucket.frames).sum();
            assert_eq!(frames, WINDOW_FRAMES, "after {frame} slow frames");
            assert!(window.rate(now, WINDOW, WINDOW_FRAMES).is_some());
        }
    }

    #[test]
    fn the_present_is_part_of_the_window() {
        let start = Instant::now();
        let apart = Duration::from_millis(100);
        let window = window(start, 30, apart, |index| index < 15);
        let now = start + apart * 29;
        assert_eq!(window.rate(now, WINDOW, 10), Some(0.5));
        assert_eq!(window.rate(now, Duration::from_secs(1), 5), Some(0.0));
    }
}
