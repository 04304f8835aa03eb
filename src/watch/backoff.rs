//! How long to wait before a camera is tried again.

use std::time::Duration;

/// Waits in seconds after one failure, two, and so on; the last holds from then on.
const WAITS: [u64; 6] = [1, 2, 4, 8, 16, 30];
/// Share by which a wait may be shorter or longer, so that the cameras behind one switch are not all
/// tried at the same moment.
const JITTER: f64 = 0.2;

/// Counts the failures in a row.
#[derive(Debug, Default)]
pub(super) struct Backoff {
    failures: usize,
}

impl Backoff {
    /// The wait after one more failure; `random` is in 0..1.
    pub(super) fn wait(&mut self, random: f64) -> Duration {
        let wait = WAITS[self.failures.min(WAITS.len() - 1)];
        self.failures += 1;
        Duration::from_secs(wait).mul_f64(1.0 + JITTER * (2.0 * random - 1.0))
    }

    /// The camera delivers again.
    pub(super) fn reset(&mut self) {
        self.failures = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_half_a_minute() {
        let mut backoff = Backoff::default();
        let waits: Vec<_> = (0..8).map(|_| backoff.wait(0.5).as_secs_f64()).collect();
        assert_eq!(waits, [1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0, 30.0]);
        backoff.reset();
        assert_eq!(backoff.wait(0.0), Duration::from_millis(800));
        assert!(backoff.wait(1.0) <= Duration::from_millis(2400));
    }
}
