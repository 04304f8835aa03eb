//! Buffers that go back and forth between two threads, so that none is allocated while frames flow.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

/// Buffers between two threads: one is filled while the other is read.
pub(super) const BUFFERS: usize = 2;

/// Where used buffers are returned and where free ones are taken; all are free at first. A thread that
/// finds no free buffer waits for one.
pub(super) fn double_buffered<T>(buffer: impl Fn() -> T) -> (SyncSender<T>, Receiver<T>) {
    let (used, free) = sync_channel(BUFFERS);
    for _ in 0..BUFFERS {
        used.send(buffer()).expect("the channel has room for every buffer");
    }
    (used, free)
}
