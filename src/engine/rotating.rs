//! Buffers that go back and forth between two steps.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

/// Buffers between two steps: one being filled, one being read.
pub(super) const ROTATING_BUFFERS: usize = 2;

/// Where used buffers are given back, and where free ones are taken; all are free at first. A step
/// without a free buffer waits.
pub(super) fn rotating<T>(buffer: impl Fn() -> T) -> (SyncSender<T>, Receiver<T>) {
    let (give_back, free) = sync_channel(ROTATING_BUFFERS);
    for _ in 0..ROTATING_BUFFERS {
        give_back.send(buffer()).expect("the channel has room for every buffer");
    }
    (give_back, free)
}
