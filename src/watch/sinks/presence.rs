//! Which classes are before a camera. Detectors lose an object for a frame or two: a class has left when results have
//! been without it for a while. Time in which there are no results shows nothing.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long results must be without a class for it to have left.
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
    /// The first result without it since then.
    missed: Option<Instant>,
}

impl Presence {
    /// A class is in a result. Whether it has just appeared.
    pub(super) fn see(&mut self, label: &Arc<str>, now: Instant) -> bool {
        if let Some(seen) = self.seen.get_mut(label) {
            (seen.last, seen.missed) = (now, None);
            return false;
        }
        self.seen.insert(Arc::clone(label), Seen { first: now, last: now, missed: None });
        true
    }

    /// All that is in the result of `now` has been seen. The classes that have left, with how long they were there.
    pub(super) fn complete(&mut self, now: Instant) -> Vec<(Arc<str>, Duration)> {
        self.take(|seen| {
            let missed =
                if seen.last < now { seen.missed.get_or_insert(now) } else { return false };
            now - *missed >= GONE_AFTER
        })
    }

    /// There are no results for now: later ones show afresh what has left.
    pub(super) fn pause(&mut self) {
        self.seen.values_mut().for_each(|seen| seen.missed = None);
    }

    /// All classes, with how long they were there, when the camera is not watched any more.
    pub(super) fn end(&mut self) -> Vec<(Arc<str>, Duration)> {
        self.take(|_| true)
    }

    fn take(&mut self, mut has_left: impl FnMut(&mut Seen) -> bool) -> Vec<(Arc<str>, Duration)> {
        let left = self.seen.extract_if(.., |_, seen| has_left(seen));
        left.map(|(label, seen)| (label, seen.last - seen.first)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The classes that have left after a result at `now` in which `labels` are.
    fn result(
        presence: &mut Presence,
        labels: &[&Arc<str>],
        now: Instant,
    ) -> Vec<(Arc<str>, Duration)> {
        for label in labels {
            presence.see(label, now);
        }
        presence.complete(now)
    }

    #[test]
    fn a_class_that_flickers_appears_and_leaves_once() {
        let begin = Instant::now();
        let at = |ms| begin + Duration::from_millis(ms);
        let (cat, dog) = (Arc::from("cat"), Arc::from("dog"));
        let mut presence = Presence::default();
        assert!(presence.see(&cat, at(0)) && presence.see(&dog, at(0)));
        for ms in (100..=9000).step_by(100) {
            let labels: &[_] = if ms % 2900 == 0 { &[&cat, &dog] } else { &[] };
            assert!(result(&mut presence, labels, at(ms)).is_empty(), "{ms}");
        }
        assert!(!presence.see(&cat, at(9100)));
        for ms in (9100..11_800).step_by(100) {
            assert!(result(&mut presence, &[&cat], at(ms)).is_empty(), "{ms}");
        }
        let left = result(&mut presence, &[&cat], at(11_800));
        assert_eq!(left, [(dog, Duration::from_millis(8700))]);
        assert_eq!(presence.end(), [(cat, Duration::from_millis(11_800))]);
        assert!(presence.end().is_empty());
    }

    #[test]
    fn nothing_leaves_while_there_are_no_results() {
        let begin = Instant::now();
        let at = |seconds| begin + Duration::from_secs(seconds);
        let (cat, dog) = (Arc::from("cat"), Arc::from("dog"));
        let mut presence = Presence::default();
        assert!(result(&mut presence, &[&cat, &dog], at(0)).is_empty());
        assert!(result(&mut presence, &[&cat], at(2)).is_empty());
        // An hour later the cat is still there, and whether the dog is must be seen.
        presence.pause();
        assert!(result(&mut presence, &[&cat], at(3600)).is_empty());
        assert!(result(&mut presence, &[&cat], at(3602)).is_empty());
        assert_eq!(result(&mut presence, &[&cat], at(3603)), [(dog, Duration::ZERO)]);
        assert!(!presence.see(&cat, at(3604)), "it did not appear again");
    }

    #[test]
    fn a_slow_camera_must_show_twice_that_something_has_left() {
        let begin = Instant::now();
        let at = |seconds| begin + Duration::from_secs(seconds);
        let cat = Arc::from("cat");
        let mut presence = Presence::default();
        for (seconds, labels) in [(0, &[&cat][..]), (10, &[]), (20, &[&cat]), (30, &[])] {
            assert!(result(&mut presence, labels, at(seconds)).is_empty(), "{seconds}");
        }
        assert_eq!(result(&mut presence, &[], at(40)), [(cat, Duration::from_secs(20))]);
    }
}
