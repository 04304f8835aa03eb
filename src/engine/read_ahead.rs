//! Reads frames on a thread of its own, a bounded number of them ahead of their use.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use super::frame::SourceFrame;

/// `None` ends the stream: no frame follows, or none is wanted any more.
type NextFrame = Option<SourceFrame>;

/// The frames that have been read and not yet been taken.
pub(super) struct ReadAhead {
    frames: Receiver<NextFrame>,
    ended: bool,
    stopped: Arc<AtomicBool>,
}

/// When dropped, makes the next or current call of [`ReadAhead::next_batch`] the last.
pub(super) struct Stop {
    frames: SyncSender<NextFrame>,
    stopped: Arc<AtomicBool>,
}

impl ReadAhead {
    /// Starts reading, at most `capacity` frames ahead.
    ///
    /// The thread is not joined: a read from a pipe that is never written to does not end.
    ///
    /// # Panics
    /// If the system cannot start a thread.
    pub(super) fn start(
        source: impl Iterator<Item = SourceFrame> + Send + 'static,
        capacity: usize,
    ) -> (Self, Stop) {
        let (sender, frames) = sync_channel(capacity);
        let stopped = Arc::new(AtomicBool::new(false));
        let stop = Stop { frames: sender.clone(), stopped: Arc::clone(&stopped) };
        let reading = thread::Builder::new().name("read ahead".to_owned()).spawn(move || {
            let end = EndStreamOnDrop(sender);
            for frame in source {
                if end.0.send(Some(frame)).is_err() {
                    break;
                }
            }
        });
        reading.expect("the system can start a thread");
        (Self { frames, ended: false, stopped }, stop)
    }

    /// Waits for a frame and takes it together with those already read, `max` in all. Empty when the
    /// stream has ended.
    pub(super) fn next_batch(&mut self, max: usize) -> Vec<SourceFrame> {
        let mut batch = Vec::with_capacity(max);
        while batch.len() < max && !self.ended && !self.stopped.load(Ordering::Acquire) {
            let next = if batch.is_empty() {
                self.frames.recv().unwrap_or(None)
            } else {
                let Ok(next) = self.frames.try_recv() else { break };
                next
            };
            match next {
                Some(frame) => batch.push(frame),
                None => self.ended = true,
            }
        }
        batch
    }
}

impl Drop for Stop {
    fn drop(&mut self) {
        self.stopped.store(true, Ordering::Release);
        // Wakes a waiting `next_batch`. If there is no room, there are frames to wake it.
        let _ = self.frames.try_send(None);
    }
}

/// Ends the stream even if reading it panics.
struct EndStreamOnDrop(SyncSender<NextFrame>);

impl Drop for EndStreamOnDrop {
    fn drop(&mut self) {
        // Fails if the other side has gone, which then needs no message.
        let _ = self.0.send(None);
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::engine::frame::FrameOrigin;

    fn frame(number: usize) -> SourceFrame {
        SourceFrame::new(FrameOrigin::Stream { number }, Ok(Bytes::new()))
    }

    #[test]
    fn every_frame_is_read_once_and_in_order() {
        let (mut read_ahead, _stop) = ReadAhead::start((0..100).map(frame), 3);
        let mut tags = Vec::new();
        loop {
            let batch = read_ahead.next_batch(7);
            assert!(batch.len() <= 7);
            if batch.is_empty() {
                break;
            }
            tags.extend(batch.into_iter().map(|frame| frame.tag));
        }
        assert_eq!(tags, (0..100).map(|number| frame(number).tag).collect::<Vec<_>>());
        assert!(read_ahead.next_batch(7).is_empty(), "the end stays the end");
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "the thread ends with the test")]
    fn a_stalled_stream_can_be_abandoned() {
        let (never, stalled) = sync_channel::<SourceFrame>(0);
        let (mut read_ahead, stop) = ReadAhead::start(stalled.into_iter(), 2);
        let waiting = thread::spawn(move || read_ahead.next_batch(2).len());
        drop(stop);
        assert_eq!(waiting.join().expect("no panic"), 0);
        drop(never);
    }

    #[test]
    fn a_panic_while_reading_ends_the_stream() {
        let source = (0..2).map(|number| match number {
            0 => frame(number),
            _ => panic!("scripted"),
        });
        let (mut read_ahead, _stop) = ReadAhead::start(source, 1);
        assert_eq!(read_ahead.next_batch(1).len(), 1);
        assert!(read_ahead.next_batch(1).is_empty());
    }
}
