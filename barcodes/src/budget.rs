//! How long reading may take. The decoders cannot be stopped, so what will not end in time is not begun.

use std::sync::atomic::AtomicU32;
#[cfg(feature = "decoders")]
use std::sync::atomic::Ordering;
#[cfg(feature = "decoders")]
use std::time::Duration;
use std::time::Instant;

use crate::kind::Kind;

/// The cost of attempts to decode on this machine so far, by kind of code. Shared by all who read.
#[derive(Debug, Default)]
pub struct Pace {
    /// Picoseconds per pixel; 0 where there was no attempt yet.
    #[cfg_attr(
        not(feature = "decoders"),
        expect(dead_code, reason = "nothing is read without decoders")
    )]
    per_pixel: [AtomicU32; Kind::ALL.len()],
}

/// The time until a deadline.
#[derive(Debug, Clone, Copy)]
pub struct Budget<'a> {
    deadline: Instant,
    #[cfg_attr(
        not(feature = "decoders"),
        expect(dead_code, reason = "nothing is read without decoders")
    )]
    pace: &'a Pace,
}

#[cfg(feature = "decoders")]
impl Pace {
    /// The time that an attempt on this many pixels is expected to take.
    fn expected(&self, kind: Kind, pixels: usize) -> Duration {
        let per_pixel = self.per_pixel[kind as usize].load(Ordering::Relaxed);
        Duration::from_nanos(u64::from(per_pixel).saturating_mul(pixels as u64) / 1000)
    }

    /// Counts the time of an attempt on this many pixels, as a moving average: one attempt that was interrupted
    /// changes little.
    fn count(&self, kind: Kind, pixels: usize, taken: Duration) {
        let new = (taken.as_secs_f64() * 1e12 / pixels.max(1) as f64).clamp(1.0, 1e9);
        let place = &self.per_pixel[kind as usize];
        let old = f64::from(place.load(Ordering::Relaxed));
        let average = if old == 0.0 { new } else { 0.8 * old + 0.2 * new };
        // Of two that count at the same time, one may be lost.
        place.store(average.round() as u32, Ordering::Relaxed);
    }
}

impl<'a> Budget<'a> {
    /// All the time until the deadline.
    pub fn until(deadline: Instant, pace: &'a Pace) -> Self {
        Self { deadline, pace }
    }

    /// Whether the deadline has passed.
    pub fn is_spent(&self) -> bool {
        Instant::now() >= self.deadline
    }
}

#[cfg(feature = "decoders")]
impl Budget<'_> {
    /// Whether an attempt on this many pixels is expected to end in time.
    pub(crate) fn allows(&self, kind: Kind, pixels: usize) -> bool {
        self.pace.expected(kind, pixels) < self.left()
    }

    /// By how much each side of an image of this many pixels is to shrink for an attempt to take half of the time that is
    /// left, at most 1.
    pub(crate) fn scale(&self, kind: Kind, pixels: usize) -> f32 {
        scale(self.left(), self.pace.expected(kind, pixels))
    }

    /// Makes an attempt on this many pixels.
    pub(crate) fn measure<T>(&self, kind: Kind, pixels: usize, attempt: impl FnOnce() -> T) -> T {
        let start = Instant::now();
        let result = attempt();
        self.pace.count(kind, pixels, start.elapsed());
        result
    }

    fn left(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }
}

#[cfg(feature = "decoders")]
fn scale(left: Duration, expected: Duration) -> f32 {
    let share = left.as_secs_f32() / 2.0 / expected.as_secs_f32().max(f32::MIN_POSITIVE);
    share.sqrt().min(1.0)
}

#[cfg(all(test, feature = "decoders"))]
mod tests {
    use super::*;

    #[test]
    fn attempts_are_expected_to_take_as_long_as_those_before() {
        let pace = Pace::default();
        let [none, short, long] = [0, 4, 8].map(Duration::from_millis);
        assert_eq!(pace.expected(Kind::QrCode, 1000), none);
        pace.count(Kind::QrCode, 1000, short);
        assert_eq!(pace.expected(Kind::QrCode, 2000), long);
        assert_eq!(pace.expected(Kind::Aztec, 2000), none, "each kind has its own");
        pace.count(Kind::QrCode, 1000, 6 * short);
        assert_eq!(pace.expected(Kind::QrCode, 1000), 2 * short);
        // What takes no time is known too.
        pace.count(Kind::Aztec, 1000, none);
        assert!(pace.per_pixel[Kind::Aztec as usize].load(Ordering::Relaxed) > 0);
    }

    #[test]
    fn images_shrink_to_what_half_of_the_time_is_enough_for() {
        let [none, short, long] = [0, 5, 40].map(Duration::from_millis);
        assert_eq!(scale(short, none), 1.0);
        assert_eq!(scale(long, short), 1.0);
        assert_eq!(scale(2 * short, 4 * short), 0.5);
        assert_eq!(scale(none, short), 0.0);
    }

    #[test]
    fn what_will_not_end_in_time_is_not_begun() {
        let pace = Pace::default();
        let hour = Duration::from_secs(3600);
        let budget = Budget::until(Instant::now() + hour, &pace);
        assert!(!budget.is_spent() && budget.allows(Kind::Linear, usize::MAX));
        pace.count(Kind::Linear, 1, Duration::from_millis(1));
        assert!(budget.allows(Kind::Linear, 1000));
        assert!(!budget.allows(Kind::Linear, 10_000_000));
        let spent = Budget::until(Instant::now(), &pace);
        assert!(spent.is_spent() && !spent.allows(Kind::QrCode, 1));
    }
}
