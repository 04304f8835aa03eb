//! Who is connected: how many sessions there are, and how many there should be.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio_util::task::TaskTracker;
use tokio_util::task::task_tracker::TaskTrackerToken;

/// How many sessions there should be at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionLimit {
    /// Recommended at most.
    pub recommended: usize,
    /// Refuse what is beyond it, instead of only warning.
    pub enforced: bool,
}

/// The sessions of a server. Nothing is known of one that has ended.
#[derive(Debug)]
pub struct Sessions {
    limit: SessionLimit,
    active: Arc<AtomicUsize>,
    tracker: TaskTracker,
}

/// A session's place among the active ones, free again when this is dropped.
#[derive(Debug)]
pub struct Place {
    active: Arc<AtomicUsize>,
    _running: TaskTrackerToken,
}

impl Sessions {
    /// None yet.
    pub fn new(limit: SessionLimit) -> Self {
        Self { limit, active: Arc::default(), tracker: TaskTracker::new() }
    }

    /// A place for one more session, unless the limit is enforced and reached. A warning is logged
    /// for each beyond what is recommended.
    pub fn enter(&self) -> Option<Place> {
        let SessionLimit { recommended, enforced } = self.limit;
        let may_enter = |active: usize| (!enforced || active < recommended).then_some(active + 1);
        let before =
            self.active.fetch_update(Ordering::SeqCst, Ordering::SeqCst, may_enter).ok()?;
        if before >= recommended {
            tracing::warn!(
                sessions = before + 1,
                recommended,
                "more sessions than recommended; see STREAM_MAX_SESSIONS"
            );
        }
        Some(Place { active: Arc::clone(&self.active), _running: self.tracker.token() })
    }

    /// Number of active sessions.
    pub fn active(&self) -> usize {
        self.active.load(Ordering::SeqCst)
    }

    /// How many there should be.
    pub fn limit(&self) -> SessionLimit {
        self.limit
    }

    /// Returns when the last session has ended.
    pub async fn all_ended(&self) {
        self.tracker.close();
        self.tracker.wait().await;
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.active.fetch_sub(1, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recommendation_is_no_limit_unless_it_is_enforced() {
        let recommended = Sessions::new(SessionLimit { recommended: 2, enforced: false });
        let places: Vec<_> = (0..3).map(|_| recommended.enter()).collect();
        assert!(places.iter().all(Option::is_some));
        assert_eq!(recommended.active(), 3);

        let enforced = Sessions::new(SessionLimit { recommended: 2, enforced: true });
        let [first, second] = [(); 2].map(|()| enforced.enter());
        assert!(first.is_some() && second.is_some() && enforced.enter().is_none());
        drop(first);
        assert_eq!(enforced.active(), 1);
        assert!(enforced.enter().is_some());
    }

    #[tokio::test]
    async fn the_end_of_the_last_is_waited_for() {
        let sessions = Sessions::new(SessionLimit { recommended: 2, enforced: false });
        let place = sessions.enter();
        let mut ended = std::pin::pin!(sessions.all_ended());
        assert!(futures_util::poll!(&mut ended).is_pending());
        drop(place);
        ended.await;
        assert_eq!(sessions.active(), 0);
    }
}
