//! When the frames of a session are due. A pure calculation: the time is passed in.

use tokio::time::{Duration, Instant};

/// Evenly spaced due times, whatever becomes of the frames.
#[derive(Debug, Clone)]
pub(super) struct SendSchedule {
    /// Frames are counted from this one, so that rounding errors do not add up.
    first: Instant,
    frames: u32,
    interval: Duration,
}

impl SendSchedule {
    /// The schedule of session `number` of `sessions` that start together: their first frames are evenly
    /// spread over one interval.
    pub(super) fn spread(start: Instant, fps: f64, number: usize, sessions: usize) -> Self {
        let interval = Duration::from_secs_f64(1.0 / fps);
        let phase = interval.mul_f64(number as f64 / sessions as f64);
        Self { first: start + phase, frames: 0, interval }
    }

    /// When the next frame is due.
    pub(super) fn next(&self) -> Instant {
        self.first + self.interval * self.frames
    }

    /// Skips the frames that are older than the latest one that is due, and returns when they were due.
    pub(super) fn skip_old(&mut self, now: Instant) -> Vec<Instant> {
        let mut skipped = Vec::new();
        while self.next() + self.interval <= now {
            skipped.push(self.next());
            self.advance();
        }
        skipped
    }

    /// Moves on to the frame after it.
    pub(super) fn advance(&mut self) {
        self.frames += 1;
    }

    /// Changes the rate: the next frame is due one new interval after the last one, or now if that is in
    /// the past.
    pub(super) fn change_rate(&mut self, fps: f64, now: Instant) {
        let interval = Duration::from_secs_f64(1.0 / fps);
        let next = match self.frames {
            0 => self.first,
            frames => (self.first + self.interval * (frames - 1) + interval).max(now),
        };
        *self = Self { first: next, frames: 0, interval };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn due_times(schedule: &mut SendSchedule, start: Instant, frames: usize) -> Vec<u128> {
        let mut times = Vec::new();
        for _ in 0..frames {
            times.push((schedule.next() - start).as_millis());
            schedule.advance();
        }
        times
    }

    #[test]
    fn sessions_are_spread_over_one_interval() {
        let start = Instant::now();
        let times = |number| due_times(&mut SendSchedule::spread(start, 10.0, number, 4), start, 3);
        assert_eq!(times(0), [0, 100, 200]);
        assert_eq!(times(1), [25, 125, 225]);
        assert_eq!(times(3), [75, 175, 275]);
    }

    #[test]
    fn rounding_errors_do_not_add_up() {
        let start = Instant::now();
        let mut schedule = SendSchedule::spread(start, 30.0, 0, 1);
        (0..30 * 3600).for_each(|_| schedule.advance());
        let end = (schedule.next() - start).as_secs_f64();
        assert!((end - 3600.0).abs() < 0.001, "{end}");
    }

    #[test]
    fn after_a_pause_only_the_latest_frame_is_still_due() {
        let start = Instant::now();
        let mut schedule = SendSchedule::spread(start, 10.0, 0, 1);
        schedule.advance();
        let skipped = schedule.skip_old(start + Duration::from_millis(350));
        assert_eq!(skipped, [100, 200].map(|ms| start + Duration::from_millis(ms)));
        assert_eq!(due_times(&mut schedule, start, 2), [300, 400]);
        assert_eq!(schedule.skip_old(start + Duration::from_millis(450)), []);
    }

    #[test]
    fn a_new_rate_counts_from_the_last_frame() {
        let start = Instant::now();
        let mut schedule = SendSchedule::spread(start, 10.0, 0, 1);
        assert_eq!(due_times(&mut schedule, start, 2), [0, 100]);
        let now = start + Duration::from_millis(150);
        schedule.change_rate(5.0, now);
        assert_eq!(due_times(&mut schedule, start, 2), [300, 500]);
        let now = start + Duration::from_millis(640);
        schedule.change_rate(20.0, now);
        assert_eq!(
            due_times(&mut schedule, start, 2),
            [640, 690],
            "missed frames are not sent in a burst"
        );
        let mut untouched = SendSchedule::spread(start, 10.0, 0, 1);
        untouched.change_rate(5.0, start);
        assert_eq!(due_times(&mut untouched, start, 2), [0, 200]);
    }
}
