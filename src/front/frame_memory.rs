//! Bytes of complete frames that wait for an answer: bounded over all sessions.
//!
//! Half of the budget is shared equally: a frame within its session's share of it always
//! has room, whatever others send. Larger frames share the other half, first come, first served.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;

/// Frames that a session can have unanswered: one that waits, three in the steps of the engine.
const FRAMES_PER_SESSION: usize = 4;

/// The budget of a server.
#[derive(Debug)]
pub struct FrameMemory {
    half: usize,
    small: AtomicUsize,
    large: AtomicUsize,
}

/// A frame that gives its bytes back when its last user has dropped it.
struct Held {
    jpeg: Bytes,
    memory: Arc<FrameMemory>,
    is_small: bool,
}

impl FrameMemory {
    /// A budget of this many bytes.
    pub fn new(budget: usize) -> Arc<Self> {
        Arc::new(Self { half: budget / 2, small: 0.into(), large: 0.into() })
    }

    /// Counts a frame of one of `sessions` until it is dropped; `None` if there is no room.
    pub fn hold(self: &Arc<Self>, jpeg: Bytes, sessions: usize) -> Option<Bytes> {
        let is_small = jpeg.len() <= self.half / (FRAMES_PER_SESSION * sessions.max(1));
        let bytes = jpeg.len();
        let fits = |held: usize| held.checked_add(bytes).filter(|sum| *sum <= self.half);
        let held = self.pool(is_small);
        held.fetch_update(Ordering::Relaxed, Ordering::Relaxed, fits).ok()?;
        Some(Bytes::from_owner(Held { jpeg, memory: Arc::clone(self), is_small }))
    }

    fn pool(&self, is_small: bool) -> &AtomicUsize {
        if is_small { &self.small } else { &self.large }
    }
}

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        &self.jpeg
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.memory.pool(self.is_small).fetch_sub(self.jpeg.len(), Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(bytes: usize) -> Bytes {
        vec![0; bytes].into()
    }

    #[test]
    fn large_frames_leave_room_for_small_ones() {
        let memory = FrameMemory::new(2000);
        let large: Vec<_> = (0..10).map_while(|_| memory.hold(frame(300), 10)).collect();
        assert_eq!(large.len(), 3);
        // Every session has four frames of its share.
        let small: Vec<_> = (0..40).map_while(|_| memory.hold(frame(25), 10)).collect();
        assert_eq!(small.len(), 40);
        assert!(memory.hold(frame(300), 10).is_none());
        drop(large);
        assert!(memory.hold(frame(300), 10).is_some());
    }

    #[test]
    fn a_frame_counts_until_its_last_user_has_dropped_it() {
        let memory = FrameMemory::new(200);
        let held = memory.hold(frame(100), 1).unwrap();
        let other = held.clone();
        drop(held);
        assert!(memory.hold(frame(100), 1).is_none());
        assert_eq!(other.len(), 100);
        drop(other);
        assert!(memory.hold(frame(100), 1).is_some());
    }
}
