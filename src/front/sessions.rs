//! How many sessions are open, and how many may be.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use tokio_util::task::TaskTracker;
use tokio_util::task::task_tracker::TaskTrackerToken;

use super::log_limit::LogLimit;

/// Lines about sessions beyond the recommended number.
static TOO_MANY: LogLimit = LogLimit::new(10);

/// How many sessions to serve at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionLimit {
    /// Number of sessions that the server is meant for.
    pub recommended: usize,
    /// Refuse sessions beyond that number, instead of only warning.
    pub enforced: bool,
}

/// The open sessions of a server.
#[derive(Debug)]
pub struct Sessions {
    limit: SessionLimit,
    active: Arc<AtomicUsize>,
    tracker: TaskTracker,
}

/// The right to one open session; returned when it is dropped.
#[derive(Debug)]
pub struct SessionPermit {
    active: Arc<AtomicUsize>,
    _running: TaskTrackerToken,
}

impl Sessions {
    pub fn new(limit: SessionLimit) -> Self {
        Self { limit, active: Arc::default(), tracker: TaskTracker::new() }
    }

    /// A permit for one more session, unless the limit is enforced and reached. Logs a warning for each
    /// session beyond the recommended number.
    pub fn try_acquire(&self) -> Option<SessionPermit> {
        let SessionLimit { recommended, enforced } = self.limit;
        let may_enter = |active: usize| (!enforced || active < recommended).then_some(active + 1);
        let before =
            self.active.fetch_update(Ordering::SeqCst, Ordering::SeqCst, may_enter).ok()?;
        if before >= recommended
            && let Some(unmentioned) = TOO_MANY.mention(Instant::now())
        {
            tracing::warn!(
                sessions = before + 1,
                recommended,
                unmentioned,
                "more sessions than recommended; see STREAM_MAX_SESSIONS"
            );
        }
        Some(SessionPermit { active: Arc::clone(&self.active), _running: self.tracker.token() })
    }

    /// Number of open sessions.
    pub fn active(&self) -> usize {
        self.active.load(Ordering::SeqCst)
    }

    /// Whether there are as many as recommended.
    pub fn is_full(&self) -> bool {
        self.active() >= self.limit.recommended
    }

    pub fn limit(&self) -> SessionLimit {
        self.limit
    }

    /// Returns when the last session has ended.
    pub async fn all_ended(&self) {
        self.tracker.close();
        self.tracker.wait().await;
    }
}

impl Drop for SessionPermit {
    fn drop(&mut self) {
        self.active.fetch_sub(1, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_recommended_number_is_a_limit_only_if_it_is_enforced() {
        let recommended = Sessions::new(SessionLimit { recommended: 2, enforced: false });
        let permits: Vec<_> = (0..3).map(|_| recommended.try_acquire()).collect();
        assert!(permits.iter().all(Option::is_some));
        assert_eq!(recommended.active(), 3);

        let enforced = Sessions::new(SessionLimit { recommended: 2, enforced: true });
        let [first, second] = [(); 2].map(|()| enforced.try_acquire());
        assert!(first.is_some() && second.is_some() && enforced.try_acquire().is_none());
        drop(first);
        assert_eq!(enforced.active(), 1);
        assert!(enforced.try_acquire().is_some());
    }

    #[tokio::test]
    async fn all_ended_waits_for_the_last_session() {
        let sessions = Sessions::new(SessionLimit { recommended: 2, enforced: false });
        let permit = sessions.try_acquire();
        let mut ended = std::pin::pin!(sessions.all_ended());
        assert!(futures_util::poll!(&mut ended).is_pending());
        drop(permit);
        ended.await;
        assert_eq!(sessions.active(), 0);
    }
}
