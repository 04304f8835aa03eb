//! The workers of a lane, and how many of them decode a frame.
//!
//! A large JPEG with restart intervals is decoded by several threads at once: by as many as the lane has workers that
//! are idle at the moment when it begins. It is charged for all of them, whether the decoder could use each or not,
//! so sharing makes a frame faster and not cheaper. Expensive frames have none of the fast lane's; a frame that comes
//! meanwhile gets one worker, even if all are taken.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::engine::frame::FramePayload;
use crate::stages::can_be_shared;

/// The workers of a lane, each a thread.
#[derive(Debug)]
pub(super) struct DecodeThreads {
    workers: usize,
    /// Those that frames have.
    taken: AtomicUsize,
}

/// The workers of a frame; free again when this is dropped.
#[derive(Debug)]
pub(super) struct ThreadShare {
    lane: Arc<DecodeThreads>,
    threads: usize,
    since: Instant,
}

impl DecodeThreads {
    pub(super) fn new(workers: usize) -> Arc<Self> {
        Arc::new(Self { workers, taken: AtomicUsize::new(0) })
    }

    /// One worker for a frame whose turn it is, or all that are idle if they can share its decoding.
    pub(super) fn acquire(self: &Arc<Self>, payload: Option<&FramePayload>) -> ThreadShare {
        let can_share = matches!(payload, Some(FramePayload::Jpeg(jpeg)) if can_be_shared(jpeg));
        let threads = |taken: usize| match can_share {
            true => self.workers.saturating_sub(taken).max(1),
            false => 1,
        };
        let acquire = |taken: usize| Some(taken + threads(taken));
        let before = self.taken.fetch_update(Ordering::Relaxed, Ordering::Relaxed, acquire);
        // It has not failed, since `acquire` never refuses.
        let threads = before.map_or(1, threads);
        ThreadShare { lane: Arc::clone(self), threads, since: Instant::now() }
    }
}

impl ThreadShare {
    /// How many may work on the frame.
    pub(super) fn threads(&self) -> usize {
        self.threads
    }

    /// The time of one worker that the frame has taken so far: of all that it has, together.
    pub(super) fn worker_time(&self) -> Duration {
        self.since.elapsed().saturating_mul(u32::try_from(self.threads).unwrap_or(u32::MAX))
    }
}

impl Drop for ThreadShare {
    fn drop(&mut self) {
        self.lane.taken.fetch_sub(self.threads, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    /// The head of a JPEG; an interval of 0 stands for none.
    fn jpeg(frame: u8, [width, height]: [u16; 2], interval: u16) -> FramePayload {
        let [[w1, w0], [h1, h0]] = [width, height].map(u16::to_be_bytes);
        let [i1, i0] = interval.to_be_bytes();
        let mut jpeg = vec![0xFF, 0xD8, 0xFF, 0xE0, 0, 4, 0xFF, 0xD9];
        jpeg.extend([0xFF, frame, 0, 11, 8, h1, h0, w1, w0, 1, 1, 0x11, 0]);
        jpeg.extend([0xFF, 0xFF, 0xDD, 0, 4, i1, i0, 0xFF, 0xDA, 0, 8, 1, 1, 0, 0, 63, 0]);
        FramePayload::Jpeg(Bytes::from(jpeg))
    }

    fn acquire(lane: &Arc<DecodeThreads>, payload: &FramePayload) -> ThreadShare {
        lane.acquire(Some(payload))
    }

    #[test]
    fn a_frame_that_is_shared_has_the_idle_workers_of_its_lane_and_pays_for_each() {
        let lane = DecodeThreads::new(8);
        let plain = acquire(&lane, &jpeg(0xC0, [4096, 4096], 0));
        let shared = acquire(&lane, &jpeg(0xC0, [4096, 4096], 16));
        assert_eq!((plain.threads(), shared.threads()), (1, 7));
        let late = acquire(&lane, &jpeg(0xC0, [4096, 4096], 16));
        assert_eq!(late.threads(), 1, "its own worker, since no other is idle");
        let alone = shared.since.elapsed();
        assert!(shared.worker_time() >= 7 * alone);
        drop((plain, shared, late));
        assert_eq!(acquire(&lane, &jpeg(0xC1, [2048, 1024], 1)).threads(), 8);
        assert_eq!(acquire(&DecodeThreads::new(1), &jpeg(0xC0, [4096, 4096], 16)).threads(), 1);
    }

    #[test]
    fn what_the_decoder_does_not_share_has_one_worker() {
        let lane = DecodeThreads::new(8);
        let truncated = match jpeg(0xC0, [4096, 4096], 16) {
            FramePayload::Jpeg(jpeg) => FramePayload::Jpeg(jpeg.slice(..12)),
            other => other,
        };
        for payload in [
            jpeg(0xC0, [1920, 1080], 16),
            jpeg(0xC2, [4096, 4096], 16),
            FramePayload::Jpeg(Bytes::new()),
            truncated,
        ] {
            assert_eq!(acquire(&lane, &payload).threads(), 1, "{payload:?}");
        }
    }
}
