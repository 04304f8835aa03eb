//! Turns of video files: how many are processed at once, how addresses share that, and how long a client that hardly
//! reads its answer may keep a turn while others wait.
//!
//! A video is held up in the middle once it has had its turn for a while and one of another address waits. It keeps its
//! decoder meanwhile, so there may be few of them.

use std::collections::BTreeMap;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use tokio::time::{Instant, timeout};

use super::fair_turns::{FairTurn, FairTurns};
use super::jobs::Owner;
use super::link::Link;
use crate::locks::unpoisoned;

/// A video may be held up by its reader for this time, and as long again as it has taken to compute. Once another
/// waits, a reader that takes longer loses its answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// How often one that waits looks for such readers.
const CHECK_INTERVAL: Duration = Duration::from_secs(1);
/// How long a video has its turn before one of another address gets it.
const SLICE: Duration = Duration::from_secs(10);
/// How long a request waits for those of other addresses to make room.
const SOON: Duration = Duration::from_secs(15);
/// Videos that are held up in the middle at once.
const MOST_HELD_UP: usize = 2;

/// The turns of a server.
#[derive(Debug)]
pub(super) struct VideoTurns {
    turns: Arc<FairTurns<Owner>>,
    held: Mutex<Held>,
}

#[derive(Debug, Default)]
struct Held {
    /// Number of the next turn.
    next: u64,
    /// By number: turns whose results are read while they are computed.
    read: BTreeMap<u64, Read>,
    /// Videos that are held up in the middle.
    held_up: usize,
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
    owner: Owner,
    number: Option<u64>,
    running: Mutex<Running>,
}

#[derive(Debug)]
struct Running {
    since: Instant,
    /// `None` while it is held up.
    turn: Option<FairTurn<Owner>>,
}

/// A video that is held up, until this is dropped.
struct HeldUp<'a>(&'a VideoTurns);

impl VideoTurns {
    /// This many turns at once.
    pub(super) fn new(turns: usize) -> Arc<Self> {
        Arc::new(Self { turns: FairTurns::new(turns, turns), held: Mutex::default() })
    }

    /// Whether there is a turn for a video from this connection, or will be one soon because those of other addresses
    /// make room. If not, there may be one at the next attempt.
    pub(super) fn comes_soon(&self, link: &Link) -> bool {
        let owner = Owner::Address(link.address());
        let is_free = self.turns.is_free(owner);
        if !is_free {
            self.end_slowest();
        }
        is_free || self.turns.others_hold(owner)
    }

    /// A turn for a video whose results are read over this connection while they are computed, if there is one now.
    pub(super) fn try_take(self: &Arc<Self>, link: &Arc<Link>) -> Option<VideoTurn> {
        let owner = Owner::Address(link.address());
        match self.turns.try_take(owner) {
            Some(turn) => Some(self.read_over(link, owner, turn)),
            None => {
                self.end_slowest();
                None
            }
        }
    }

    /// The same, once those of other addresses have made room.
    pub(super) async fn take_soon(self: &Arc<Self>, link: &Arc<Link>) -> Option<VideoTurn> {
        let owner = Owner::Address(link.address());
        let turn = self.try_take(link);
        if turn.is_some() || !self.turns.others_hold(owner) {
            return turn;
        }
        let turn = timeout(SOON, self.next_turn(owner)).await.ok()?;
        Some(self.read_over(link, owner, turn))
    }

    fn read_over(
        self: &Arc<Self>,
        link: &Arc<Link>,
        owner: Owner,
        turn: FairTurn<Owner>,
    ) -> VideoTurn {
        let mut held = self.lock();
        let number = held.next;
        held.next += 1;
        let (computing, held_up, since) = (Duration::ZERO, Duration::ZERO, Instant::now());
        let link = Arc::clone(link);
        let read = Read { link, computing, held_up, waits_for_reader: false, since };
        held.read.insert(number, read);
        drop(held);
        VideoTurn::new(self, owner, Some(number), turn)
    }

    /// The next turn for a video whose results are stored.
    pub(super) async fn take(self: &Arc<Self>, owner: Owner) -> VideoTurn {
        let turn = self.next_turn(owner).await;
        VideoTurn::new(self, owner, None, turn)
    }

    async fn next_turn(&self, owner: Owner) -> FairTurn<Owner> {
        let mut turn = pin!(self.turns.take(owner));
        loop {
            if let Ok(turn) = timeout(CHECK_INTERVAL, turn.as_mut()).await {
                return turn;
            }
            self.end_slowest();
        }
    }

    /// Breaks off the answer that has been held up longest by its reader, if that is too long.
    fn end_slowest(&self) {
        let slowest = {
            let held = self.lock();
            let held_up = held.read.values().map(|read| (read.excess(), read));
            let slowest = held_up.max_by_key(|(excess, _)| *excess);
            slowest.filter(|(excess, _)| excess.is_some()).map(|(_, read)| Arc::clone(&read.link))
        };
        if let Some(link) = slowest {
            link.give_up_answer();
        }
    }

    /// Holds up a video of this owner if one of another waits: one that is held up itself, or a further one if there
    /// may be.
    fn hold_up(&self, owner: Owner) -> Option<HeldUp<'_>> {
        let takes_its_place = self.turns.next_of_others(owner)?;
        let mut held = self.lock();
        if held.held_up >= MOST_HELD_UP && !takes_its_place {
            return None;
        }
        held.held_up += 1;
        Some(HeldUp(self))
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
    fn new(
        turns: &Arc<VideoTurns>,
        owner: Owner,
        number: Option<u64>,
        turn: FairTurn<Owner>,
    ) -> Self {
        let running = Mutex::new(Running { since: Instant::now(), turn: Some(turn) });
        Self { turns: Arc::clone(turns), owner, number, running }
    }

    /// Lets a video of another address go first if one waits, and this one has had its turn for a while.
    pub(super) async fn make_room(&self) {
        if self.lock().since.elapsed() < SLICE {
            return;
        }
        let Some(_held_up) = self.turns.hold_up(self.owner) else { return };
        let Some(turn) = self.lock().turn.take() else { return };
        let turn = self.turns.turns.take_again(self.owner, turn).await;
        *self.lock() = Running { since: Instant::now(), turn: Some(turn) };
    }

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

    fn lock(&self) -> MutexGuard<'_, Running> {
        unpoisoned(self.running.lock())
    }
}

impl Drop for VideoTurn {
    fn drop(&mut self) {
        let Some(number) = self.number else { return };
        let read = self.turns.lock().read.remove(&number);
        drop(read);
    }
}

impl Drop for HeldUp<'_> {
    fn drop(&mut self) {
        self.0.lock().held_up -= 1;
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::{advance, sleep};

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn job(address: u8) -> Owner {
        Owner::Address([10, 0, 0, address].into())
    }

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
        assert!(!turns.comes_soon(&link));
        assert!(is_broken_off(&link).await);
        drop(turn);
        assert!(turns.comes_soon(&link));
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
        turns.take(job(1)).await;
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
    async fn a_job_does_not_count_as_a_reader() {
        let turns = VideoTurns::new(1);
        let turn = turns.take(Owner::Address(Link::alone().address())).await;
        turn.wait_for_reader();
        advance(100 * PATIENCE).await;
        assert!(!turns.comes_soon(&Link::alone()) && turns.try_take(&Link::alone()).is_none());
    }

    /// Works on a video until it has been at it for this long, and asks each second whether another may go first.
    async fn work(turns: Arc<VideoTurns>, owner: Owner, seconds: u32) -> Instant {
        let turn = turns.take(owner).await;
        for _ in 0..seconds {
            turn.make_room().await;
            sleep(SECOND).await;
        }
        Instant::now()
    }

    #[tokio::test(start_paused = true)]
    async fn a_long_video_makes_room_for_one_of_another_address() {
        let turns = VideoTurns::new(1);
        let start = Instant::now();
        let ended = |owner, seconds| {
            let working = tokio::spawn(work(Arc::clone(&turns), owner, seconds));
            async move { (working.await.unwrap() - start).as_secs() }
        };
        let long = [ended(job(1), 3600), ended(job(1), 3600)];
        sleep(SECOND).await;
        let (short, other_long) = (ended(job(2), 5), ended(job(3), 1800));
        let link = Link::alone();
        sleep(20 * SECOND).await;
        assert!(turns.comes_soon(&link));
        let read = turns.take_soon(&link).await.expect("it waits for a slice");
        let waited = start.elapsed();
        drop(read);
        assert!(waited <= 40 * SECOND, "{waited:?}");
        assert!(short.await <= 16);
        let other_long = other_long.await;
        assert!((3500..=3700).contains(&other_long), "half of the time each: {other_long}");
        let [first, second] = long;
        let (first, second) = (first.await, second.await);
        // The one that was begun first goes on before the next of its address begins.
        assert!(first < 5500 && second > 8900, "{first} {second}");
        assert_eq!(turns.lock().held_up, 0);
    }

    #[tokio::test(start_paused = true)]
    async fn few_videos_are_held_up_in_the_middle() {
        let turns = VideoTurns::new(1);
        let tasks: Vec<_> =
            (0..6).map(|number| tokio::spawn(work(Arc::clone(&turns), job(number), 60))).collect();
        let mut most = 0;
        while tasks.iter().any(|task| !task.is_finished()) {
            sleep(SECOND / 2).await;
            most = most.max(turns.lock().held_up);
        }
        assert_eq!(most, MOST_HELD_UP);
    }
}
