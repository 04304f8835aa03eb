//! Two lanes to the device, so that expensive frames cannot occupy every worker.

use crate::stages::DecodeWork;

/// Units of decoding work above which a frame is expensive: about 40 ms, a baseline JPEG of four megapixels.
const EXPENSIVE: u64 = 20_000_000;

/// Which workers decode a frame. Decided by its header alone, so that neither a busy machine nor a stream's past
/// changes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Lane {
    /// The workers of the pool.
    Fast,
    /// Workers for expensive frames, one fewer than the pool has and at least one. They are not part of the
    /// pool, so a frame of the fast lane never waits behind an expensive one.
    Slow,
}

impl Lane {
    pub(super) const ALL: [Self; 2] = [Self::Fast, Self::Slow];

    /// The lane of a frame with this much work.
    pub(super) fn of(work: DecodeWork) -> Self {
        if work.units() > EXPENSIVE { Self::Slow } else { Self::Fast }
    }

    /// Its number of workers, beside a pool of this many.
    pub(super) fn workers(self, pool: usize) -> usize {
        match self {
            Self::Fast => pool.max(1),
            Self::Slow => pool.saturating_sub(1).max(1),
        }
    }
}
