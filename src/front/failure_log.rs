//! Logs failed frames without a line for each: a broken sender causes thirty per second.

use std::time::{Duration, Instant};

use uuid::Uuid;

use crate::engine::FrameError;

/// Shortest time between two lines of a session.
const INTERVAL: Duration = Duration::from_secs(10);

/// When a session's last failure was logged, and how many were not.
#[derive(Debug, Default)]
pub(super) struct FailureLog {
    last: Option<Instant>,
    unmentioned: u64,
}

impl FailureLog {
    /// Logs a failure now and then, with the number of those in between. A `POST /infer` has no session.
    pub(super) fn log(
        &mut self,
        session: Option<Uuid>,
        frame_index: u64,
        error: &FrameError,
        now: Instant,
    ) {
        let Some(unmentioned) = self.mention(now) else { return };
        let FrameError { code, detail, cause } = error;
        tracing::warn!(
            session_id = session.map(tracing::field::display),
            frame_index,
            ?code,
            detail,
            cause = cause.as_deref(),
            unmentioned,
            "stream_frame_failed"
        );
    }

    /// The number of failures before this one that were not logged, if this one is to be.
    fn mention(&mut self, now: Instant) -> Option<u64> {
        if self.last.is_some_and(|last| now.duration_since(last) < INTERVAL) {
            self.unmentioned += 1;
            return None;
        }
        self.last = Some(now);
        Some(std::mem::take(&mut self.unmentioned))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_of_failures_makes_few_lines() {
        let start = Instant::now();
        let mut log = FailureLog::default();
        let mentioned: Vec<_> =
            (0..=600).filter_map(|n| log.mention(start + Duration::from_millis(n * 33))).collect();
        assert_eq!(mentioned, [0, 303]);
    }
}
