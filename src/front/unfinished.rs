//! Bytes of messages that have begun to arrive and are not complete: bounded over all connections, so that
//! many of them cannot take all memory.
//!
//! The first [`FREE`] bytes of a message are the connection's own. What is more is taken from a common
//! budget. When that is used up, the address that holds most of it gives up the message that it began first, and a
//! connection that needs room waits until that is gone. Many large messages of one client end none of another.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::locks::unpoisoned;

/// Bytes of a message that each connection has to itself: most frames need no more.
const FREE: usize = 64 << 10;
/// Bytes taken from the budget at a time.
const STEP: usize = 64 << 10;

/// The budget that the connections of a server share.
#[derive(Debug)]
pub(super) struct Unfinished {
    budget: usize,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    taken: usize,
    /// Number of the next connection, and of the next message.
    next: u64,
    /// By connection: messages larger than [`FREE`].
    messages: BTreeMap<u64, Message>,
    /// By connection: who waits for room.
    waiting: BTreeMap<u64, Waker>,
}

#[derive(Debug)]
struct Message {
    address: IpAddr,
    /// Its place in the order of beginning.
    order: u64,
    taken: usize,
    given_up: bool,
    cut: CancellationToken,
}

/// Measures what arrives on one connection.
#[derive(Debug)]
pub(super) struct Meter {
    all: Arc<Unfinished>,
    address: IpAddr,
    connection: u64,
    cut: CancellationToken,
    arriving: Mutex<Arriving>,
}

/// The message that is arriving.
#[derive(Debug, Default)]
struct Arriving {
    bytes: usize,
    since: Option<Instant>,
}

impl Unfinished {
    /// A budget of this many bytes, at least one step.
    pub(super) fn new(budget: usize) -> Arc<Self> {
        Arc::new(Self { budget: budget.max(STEP), state: Mutex::default() })
    }

    /// A meter for a connection from this address that is cut off by `cut`.
    pub(super) fn meter(self: &Arc<Self>, address: IpAddr, cut: CancellationToken) -> Meter {
        let mut state = self.lock();
        state.next += 1;
        let connection = state.next;
        drop(state);
        Meter { all: Arc::clone(self), address, connection, cut, arriving: Mutex::default() }
    }

    /// Waits until there is room for what follows the first `bytes` of a message.
    fn poll_room(&self, meter: &Meter, bytes: usize, context: &Context<'_>) -> Poll<()> {
        let mut state = self.lock();
        let taken = state.messages.get(&meter.connection).map_or(0, |message| message.taken);
        if bytes < FREE + taken {
            return Poll::Ready(());
        }
        if state.taken + STEP <= self.budget {
            state.taken += STEP;
            state.next += 1;
            let (order, cut) = (state.next, meter.cut.clone());
            let address = meter.address;
            let begun = Message { address, order, taken: 0, given_up: false, cut };
            state.messages.entry(meter.connection).or_insert(begun).taken += STEP;
            return Poll::Ready(());
        }
        state.waiting.insert(meter.connection, context.waker().clone());
        let given_up = state.give_one_up();
        drop(state);
        // Wakes the task of its connection.
        if let Some(cut) = given_up {
            cut.cancel();
        }
        Poll::Pending
    }

    fn give_back(&self, connection: u64) {
        let mut state = self.lock();
        state.waiting.remove(&connection);
        let Some(message) = state.messages.remove(&connection) else { return };
        state.taken -= message.taken;
        let waiting = std::mem::take(&mut state.waiting);
        drop(state);
        waiting.into_values().for_each(Waker::wake);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        unpoisoned(self.state.lock())
    }
}

impl State {
    /// Gives up a message, unless one is on its way out already.
    fn give_one_up(&mut self) -> Option<CancellationToken> {
        if self.messages.values().any(|message| message.given_up) {
            return None;
        }
        let message = self.oldest_of_the_largest_holder()?;
        message.given_up = true;
        Some(message.cut.clone())
    }

    /// The message that was begun first by the address that holds most.
    fn oldest_of_the_largest_holder(&mut self) -> Option<&mut Message> {
        let mut held: HashMap<IpAddr, usize> = HashMap::new();
        for message in self.messages.values() {
            *held.entry(message.address).or_default() += message.taken;
        }
        let by_size = |message: &&mut Message| (Reverse(held[&message.address]), message.order);
        self.messages.values_mut().min_by_key(by_size)
    }
}

impl Meter {
    /// Waits for room for what is read next.
    pub(super) fn poll_room(&self, context: &Context<'_>) -> Poll<()> {
        let bytes = self.lock().bytes;
        match bytes < FREE {
            true => Poll::Ready(()),
            false => self.all.poll_room(self, bytes, context),
        }
    }

    /// This many bytes have been read.
    pub(super) fn read(&self, bytes: usize) {
        let mut arriving = self.lock();
        arriving.bytes += bytes;
        arriving.since.get_or_insert_with(Instant::now);
    }

    /// Among them was a message without content, of this many bytes.
    pub(super) fn discount(&self, bytes: usize) {
        let mut arriving = self.lock();
        arriving.bytes = arriving.bytes.saturating_sub(bytes);
        if arriving.bytes == 0 {
            arriving.since = None;
        }
    }

    /// The message is complete, or its bytes are of no more use.
    pub(super) fn finish(&self) {
        *self.lock() = Arriving::default();
        self.all.give_back(self.connection);
    }

    /// How long the message has been arriving.
    pub(super) fn age(&self) -> Option<Duration> {
        self.lock().since.map(|since| since.elapsed())
    }

    fn lock(&self) -> MutexGuard<'_, Arriving> {
        unpoisoned(self.arriving.lock())
    }
}

impl Drop for Meter {
    fn drop(&mut self) {
        self.all.give_back(self.connection);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meter(all: &Arc<Unfinished>) -> (Meter, CancellationToken) {
        meter_of(all, 1)
    }

    /// A meter for a connection from one of several addresses.
    fn meter_of(all: &Arc<Unfinished>, address: u8) -> (Meter, CancellationToken) {
        let cut = CancellationToken::new();
        (all.meter([10, 0, 0, address].into(), cut.clone()), cut)
    }

    /// Reads until there is no room; returns the bytes read.
    fn fill(meter: &Meter, at_most: usize) -> usize {
        let context = Context::from_waker(Waker::noop());
        let mut read = 0;
        while read < at_most && meter.poll_room(&context).is_ready() {
            meter.read(16 << 10);
            read += 16 << 10;
        }
        read
    }

    #[test]
    fn the_sum_of_unfinished_messages_is_bounded() {
        let all = Unfinished::new(10 * STEP);
        let meters: Vec<_> = (0..100).map(|_| meter(&all)).collect();
        let read: usize = meters.iter().map(|(meter, _)| fill(meter, 1 << 20)).sum();
        assert_eq!(read, 100 * FREE + 10 * STEP);
        assert_eq!(meters.iter().filter(|(_, cut)| cut.is_cancelled()).count(), 1);
        assert!(
            meters[0].1.is_cancelled(),
            "the oldest is given up, and no other before it is gone"
        );
    }

    #[test]
    fn what_is_given_up_makes_room_for_who_waits() {
        let all = Unfinished::new(4 * STEP);
        let (old, cut) = meter(&all);
        fill(&old, FREE + 4 * STEP);
        let (new, _) = meter(&all);
        assert_eq!(fill(&new, 1 << 20), FREE);
        assert!(cut.is_cancelled());
        drop(old);
        assert_eq!(fill(&new, FREE + STEP), FREE + STEP);
    }

    #[test]
    fn the_address_that_holds_most_gives_way() {
        let all = Unfinished::new(10 * STEP);
        let (slow, slow_cut) = meter_of(&all, 1);
        fill(&slow, FREE + STEP);
        let many: Vec<_> = (0..4).map(|_| meter_of(&all, 2)).collect();
        for (meter, _) in &many {
            fill(meter, FREE + 3 * STEP);
        }
        assert!(!slow_cut.is_cancelled());
        let given_up: Vec<_> = many.iter().map(|(_, cut)| cut.is_cancelled()).collect();
        assert_eq!(given_up, [true, false, false, false], "its oldest");
        // A single large message gives way to many small ones of others.
        drop(many);
        let (large, large_cut) = meter_of(&all, 3);
        fill(&large, FREE + 8 * STEP);
        let (next, next_cut) = meter_of(&all, 4);
        assert_eq!(fill(&next, FREE + 2 * STEP), FREE + STEP);
        assert!(large_cut.is_cancelled() && !next_cut.is_cancelled() && !slow_cut.is_cancelled());
    }

    #[test]
    fn a_finished_message_gives_everything_back() {
        let all = Unfinished::new(2 * STEP);
        let (one, _) = meter(&all);
        for _ in 0..10 {
            assert_eq!(fill(&one, FREE + 2 * STEP), FREE + 2 * STEP);
            one.finish();
        }
        assert_eq!(all.lock().taken, 0);
    }

    #[tokio::test(start_paused = true)]
    async fn a_message_ages_from_its_first_byte_whatever_arrives_in_between() {
        let all = Unfinished::new(STEP);
        let (meter, _) = meter(&all);
        let second = Duration::from_secs(1);
        assert_eq!(meter.age(), None);
        meter.read(6);
        meter.discount(6);
        assert_eq!(meter.age(), None, "a ping is not a message");
        meter.read(100);
        for _ in 0..3 {
            tokio::time::advance(second).await;
            meter.read(6);
            meter.discount(6);
        }
        assert_eq!(meter.age(), Some(3 * second));
        meter.finish();
        assert_eq!(meter.age(), None);
    }
}
