//! Dropped ÷ valid frames over a sliding window.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::{WINDOW, WINDOW_FRAMES};

/// Frames that arrive within this time of each other are counted together, so that no sender can make
/// the window grow: it never holds more than `WINDOW / BUCKET + WINDOW_FRAMES + 1` buckets.
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

    /// Counts the drop of a frame that arrived before, together with the latest that arrived.
    pub(super) fn count_drop(&mut self) {
        // Just after the window was cleared there is nothing to set a drop against.
        if let Some(last) = self.buckets.back_mut() {
            last.dropped += 1;
        }
    }

    /// Starts anew.
    pub(super) fn clear(&mut self) {
        self.buckets.clear();
    }

    /// Share of frames dropped within the last `span`, and at least within the last `at_least` frames;
    /// 0 to 1. `None` if there were fewer.
    pub(super) fn rate(&self, now: Instant, span: Duration, at_least: u32) -> Option<f64> {
        let (mut frames, mut dropped) = (0, 0);
        for bucket in self.buckets.iter().rev() {
            if frames >= at_least && now.duration_since(bucket.start) > span {
                break;
            }
            frames += bucket.frames;
            dropped += bucket.dropped;
        }
        // Drops are counted when they happen, so a bucket can hold more of them than frames.
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

    /// A window after frames this far apart, of which those that are told are dropped.
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
    fn a_flood_makes_it_no_larger() {
        let start = Instant::now();
        let window = window(start, 100_000, Duration::from_micros(100), |_| true);
        assert!(window.buckets.len() <= 32, "{}", window.buckets.len());
        let now = start + Duration::from_secs(10);
        assert_eq!(window.rate(now, WINDOW, WINDOW_FRAMES), Some(1.0));
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
