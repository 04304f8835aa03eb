//! Whether anything is seen by a camera, for `--keyframes`: frames in between are decoded while it is.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use crate::locks::unpoisoned;

/// How long after the last detection every frame is still decoded.
const QUIET_TIME: Duration = Duration::from_secs(10);

/// Shared by a camera's session and its decoder.
#[derive(Debug)]
pub(super) struct Attention {
    key_frames: bool,
    seen: Mutex<Option<Instant>>,
}

impl Attention {
    /// With `key_frames` only these are wanted while nothing is seen.
    pub(super) fn new(key_frames: bool) -> Self {
        Self { key_frames, seen: Mutex::default() }
    }

    /// Something was detected.
    pub(super) fn notice(&self, now: Instant) {
        *unpoisoned(self.seen.lock()) = Some(now);
    }

    /// Whether all frames are wanted.
    pub(super) fn wants_all(&self, now: Instant) -> bool {
        let is_recent = |seen: Instant| now.saturating_duration_since(seen) < QUIET_TIME;
        !self.key_frames || unpoisoned(self.seen.lock()).is_some_and(is_recent)
    }

    /// Whether there are times in which only key frames are wanted.
    pub(super) fn may_rest(&self) -> bool {
        self.key_frames
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_frames_are_wanted_until_nothing_has_been_seen_for_a_while() {
        let begin = Instant::now();
        let at = |seconds| begin + Duration::from_secs(seconds);
        let attention = Attention::new(true);
        assert!(!attention.wants_all(at(0)));
        attention.notice(at(1));
        attention.notice(at(5));
        assert!(attention.wants_all(at(5)) && attention.wants_all(at(14)));
        assert!(!attention.wants_all(at(15)));
        assert!(Attention::new(false).wants_all(at(15)));
    }
}
