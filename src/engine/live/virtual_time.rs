//! Virtual time: the clock by which turns are shared (start-time fair queueing; Goyal, Vin and Cheng, 1996).
//!
//! A frame's turn comes at its *start*: now, or when what its stream has been charged so far is paid off,
//! whichever is later. Virtual time is the start of the latest frame that was taken, so it goes by as
//! frames are served, and the faster the fewer streams compete.

use std::time::Duration;

/// A moment of virtual time, in nanoseconds of the server's work.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Moment(u64);

impl Moment {
    /// The moment at which this much more has been paid off.
    pub(super) fn plus(self, cost: Duration) -> Self {
        Self(self.0.saturating_add(nanoseconds(cost)))
    }

    /// The moment if this much had not been charged.
    pub(super) fn minus(self, cost: Duration) -> Self {
        Self(self.0.saturating_sub(nanoseconds(cost)))
    }
}

fn nanoseconds(cost: Duration) -> u64 {
    u64::try_from(cost.as_nanos()).unwrap_or(u64::MAX)
}
