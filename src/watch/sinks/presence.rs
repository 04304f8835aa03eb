//! Which classes are before a camera. Detectors lose an object for a frame or two: a class has left when it was not
//! seen for a while.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long a class must not be seen to have left.
pub(super) const GONE_AFTER: Duration = Duration::from_secs(3);

/// The classes that are there.
#[derive(Debug, Default)]
pub(super) struct Presence {
    seen: BTreeMap<Arc<str>, Seen>,
}

#[derive(Debug)]
struct Seen {
    first: Instant,
    last: Instant,
}

impl Presence {
    /// A class is in a frame. Whether it has just appeared.
    pub(super) fn see(&mut self, label: &Arc<str>, now: Instant) -> bool {
        if let Some(seen) = self.seen.get_mut(label) {
            seen.last = now;
            return false;
        }
        self.seen.insert(Arc::clone(label), Seen { first: now, last: now });
        true
    }

    /// When the next class leaves unless it is seen again.
    pub(super) fn next_expiry(&self) -> Option<Instant> {
        self.seen.values().map(|seen| seen.last + GONE_AFTER).min()
    }

    /// The classes that have left by now, with how long they were there.
    pub(super) fn expire(&mut self, now: Instant) -> Vec<(Arc<str>, Duration)> {
        self.take(|seen| seen.last + GONE_AFTER <= now)
    }

    /// All classes, with how long they were there, when the camera is not watched any more.
    pub(super) fn end(&mut self) -> Vec<(Arc<str>, Duration)> {
        self.take(|_| true)
    }

    fn take(&mut self, has_left: impl Fn(&Seen) -> bool) -> Vec<(Arc<str>, Duration)> {
        let left = self.seen.extract_if(.., |_, seen| has_left(seen));
        left.map(|(label, seen)| (label, seen.last - seen.first)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_class_that_flickers_appears_and_leaves_once() {
        let begin = Instant::now();
        let at = |ms| begin + Duration::from_millis(ms);
        let (cat, dog) = (Arc::from("cat"), Arc::from("dog"));
        let mut presence = Presence::default();
        assert_eq!(presence.next_expiry(), None);
        assert!(presence.see(&cat, at(0)));
        for ms in (0..10_000).step_by(2900) {
            assert!(!presence.see(&cat, at(ms)), "{ms}");
            assert!(presence.expire(at(ms)).is_empty());
        }
        assert!(presence.see(&dog, at(8000)));
        assert_eq!(presence.next_expiry(), Some(at(11_000)));
        assert_eq!(presence.expire(at(11_000)), [(dog, Duration::ZERO)]);
        assert_eq!(presence.next_expiry(), Some(at(11_700)));
        assert_eq!(presence.end(), [(cat, Duration::from_millis(8700))]);
        assert!(presence.end().is_empty());
    }
}
