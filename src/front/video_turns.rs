//! Turns of video files: how many are processed at once, and how long a client that hardly reads its answer may keep
//! one while others wait.

use std::collections::BTreeMap;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout};

use super::link::Link;
use crate::locks::unpoisoned;

/// A video may be held up by its reader for this time, and as long again as it has taken to compute. Once another
/// waits, a reader that takes longer loses its answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// How often one that waits looks for such readers.
const CHECK_INTERVAL: Duration = Duration::from_secs(1);

/// The turns of a server.
#[derive(Debug)]
pub(super) struct VideoTurns {
    permits: Arc<Semaphore>,
    held: Mutex<Held>,
}

#[derive(Debug, Default)]
struct Held {
    /// Number of the next turn.
    next: u64,
    /// By number: turns whose results are read while they are computed.
    read: BTreeMap<u64, Read>,
}

/// A turn, and the connection that its results are read over.
#[derive(Debug)]
struct Read {
    link: Arc<Link>,
    computing: Duration,
    held_up: Duration,
    waits_for_reader: bool,
    since: Instant,
}

/// A turn of one video; the next one's when this is dropped.
#[derive(Debug)]
pub(super) struct VideoTurn {
    turns: Arc<VideoTurns>,
    number: Option<u64>,
    _permit: OwnedSemaphorePermit,
}

impl VideoTurns {
    /// This many turns at once.
    pub(super) fn new(turns: usize) -> Arc<Self> {
        Arc::new(Self { permits: Arc::new(Semaphore::new(turns)), held: Mutex::default() })
    }

    /// Whether there is a turn. If not, there may be one at the next attempt.
    pub(super) fn is_free(&self) -> bool {
        let is_free = self.permits.available_permits() > 0;
        if !is_free {
            self.end_slowest();
        }
        is_free
    }

    /// A turn for a video whose results are read over this connection while they are computed, if there is one now.
    pub(super) fn try_take(self: &Arc<Self>, link: &Arc<Link>) -> Option<VideoTurn> {
        let Ok(permit) = Arc::clone(&self.permits).try_acquire_owned() else {
            self.end_slowest();
            return None;
        };
        let mut held = self.lock();
        let number = held.next;
        held.next += 1;
        let (computing, held_up, since) = (Duration::ZERO, Duration::ZERO, Instant::now());
        let link = Arc::clone(link);
        let read = Read { link, computing, held_up, waits_for_reader: false, since };
        held.read.insert(number, read);
        drop(held);
        Some(VideoTurn { turns: Arc::clone(self), number: Some(number), _permit: permit })
    }

    /// The next turn for a video whose results are stored.
    pub(super) async fn take(self: &Arc<Self>) -> VideoTurn {
        // In the order of their coming.
        let mut permit = pin!(Arc::clone(&self.permits).acquire_owned());
        loop {
            if let Ok(permit) = timeout(CHECK_INTERVAL, permit.as_mut()).await {
                let permit = permit.expect("the semaphore is never closed");
                return VideoTurn { turns: Arc::clone(self), number: None, _permit: permit };
            }
            self.end_slowest();
        }
    }

    /// Breaks off the answer that has been held up longest by its reader, if that is too long.
    fn end_slowest(&self) {
        if let Some(link) = self.slowest() {
            // Wakes the task of its connection, so no lock may be held.
            link.give_up_answer();
        }
    }

    /// The connection of the answer that has been held up longest by its reader, if that is too long.
    fn slowest(&self) -> Option<Arc<Link>> {
        let held = self.lock();
        let too_slow = held.read.values().filter_map(|read| Some((read.excess()?, read)));
        let (_, slowest) = too_slow.max_by_key(|(excess, _)| *excess)?;
        Some(Arc::clone(&slowest.link))
    }

    fn lock(&self) -> MutexGuard<'_, Held> {
        unpoisoned(self.held.lock())
    }
}

impl Read {
    /// By how much the reader has held the video up for too long.
    fn excess(&self) -> Option<Duration> {
        let now = self.since.elapsed();
        let (computing, held_up) = match self.waits_for_reader {
            true => (self.computing, self.held_up + now),
            false => (self.computing + now, self.held_up),
        };
        held_up.checked_sub(computing + PATIENCE).filter(|excess| !excess.is_zero())
    }

    fn now_waits_for_reader(&mut self, waits: bool) {
        let past = if self.waits_for_reader { &mut self.held_up } else { &mut self.computing };
        *past += self.since.elapsed();
        self.since = Instant::now();
        self.waits_for_reader = waits;
    }
}

impl VideoTurn {
    /// A result is ready, and its reader can take it.
    pub(super) fn wait_for_reader(&self) {
        self.set_waiting(true);
    }

    /// The reader has taken what was ready.
    pub(super) fn go_on(&self) {
        self.set_waiting(false);
    }

    fn set_waiting(&self, waits: bool) {
        let Some(number) = self.number else { return };
        if let Some(read) = self.turns.lock().read.get_mut(&number) {
            read.now_waits_for_reader(waits);
        }
    }
}

impl Drop for VideoTurn {
    fn drop(&mut self) {
        if let Some(number) = self.number {
            self.turns.lock().read.remove(&number);
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::{advance, sleep};

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// Whether the answer over this connection is broken off.
    async fn is_broken_off(link: &Link) -> bool {
        timeout(Duration::ZERO, link.must_give_way()).await.is_ok()
    }

    #[tokio::test(start_paused = true)]
    async fn a_reader_that_takes_nothing_loses_its_turn_once_another_waits() {
        let turns = VideoTurns::new(1);
        let link = Link::alone();
        let turn = turns.try_take(&link).unwrap();
        turn.wait_for_reader();
        sleep(100 * PATIENCE).await;
        assert!(!is_broken_off(&link).await, "there is no other");
        assert!(!turns.is_free());
        assert!(is_broken_off(&link).await);
        drop(turn);
        assert!(turns.is_free());
    }

    #[tokio::test(start_paused = true)]
    async fn a_job_that_waits_ends_a_slow_reader_in_time() {
        let turns = VideoTurns::new(1);
        let link = Link::alone();
        let turn = turns.try_take(&link).unwrap();
        turn.wait_for_reader();
        let start = Instant::now();
        tokio::spawn(async move {
            link.must_give_way().await;
            drop(turn);
        });
        turns.take().await;
        assert!((PATIENCE..PATIENCE + 3 * SECOND).contains(&start.elapsed()), "{start:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_reader_that_keeps_up_half_the_time_keeps_its_turn() {
        for (reading, computing, kept) in [(2, 2, true), (1, 3, true), (3, 1, false)] {
            let turns = VideoTurns::new(1);
            let link = Link::alone();
            let turn = turns.try_take(&link).unwrap();
            for _ in 0..60 {
                advance(computing * SECOND).await;
                turn.wait_for_reader();
                advance(reading * SECOND).await;
                turn.go_on();
                assert!(turns.try_take(&Link::alone()).is_none());
            }
            assert_eq!(is_broken_off(&link).await, !kept, "{reading} s, {computing} s");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_job_is_no_reader() {
        let turns = VideoTurns::new(1);
        let turn = turns.take().await;
        turn.wait_for_reader();
        advance(100 * PATIENCE).await;
        assert!(!turns.is_free() && turns.try_take(&Link::alone()).is_none());
    }
}
