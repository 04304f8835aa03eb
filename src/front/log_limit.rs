//! Log lines that clients can cause: a few per minute of each kind, and a count of the rest.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use crate::locks::unpoisoned;

/// Time in which lines are counted.
const MINUTE: Duration = Duration::from_secs(60);

/// The lines of one kind.
#[derive(Debug)]
pub(super) struct LogLimit {
    per_minute: u32,
    state: Mutex<Written>,
}

#[derive(Debug)]
struct Written {
    since: Option<Instant>,
    lines: u32,
    unmentioned: u64,
}

impl LogLimit {
    pub(super) const fn new(per_minute: u32) -> Self {
        let written = Written { since: None, lines: 0, unmentioned: 0 };
        Self { per_minute, state: Mutex::new(written) }
    }

    /// The number of lines of this kind that were left out before this one; `None` if this one is too.
    pub(super) fn mention(&self, now: Instant) -> Option<u64> {
        let mut written = unpoisoned(self.state.lock());
        if written.since.is_none_or(|since| now.saturating_duration_since(since) >= MINUTE) {
            written.since = Some(now);
            written.lines = 0;
        }
        if written.lines >= self.per_minute {
            written.unmentioned += 1;
            return None;
        }
        written.lines += 1;
        Some(std::mem::take(&mut written.unmentioned))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_makes_few_lines_and_they_say_how_many_were_left_out() {
        let limit = LogLimit::new(3);
        let start = Instant::now();
        let at = |second: u64| limit.mention(start + Duration::from_secs(second));
        assert_eq!([at(0), at(1), at(2)], [Some(0); 3]);
        assert_eq!([at(3), at(59)], [None; 2]);
        assert_eq!([at(60), at(61)], [Some(2), Some(0)]);
    }
}
