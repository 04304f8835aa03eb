//! Turns that are shared between owners, such as addresses: the next is for the owner who holds fewest, and among those
//! for the one whose last was longest ago, however many of another wait.

use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard};

use tokio::sync::oneshot;

use crate::locks::unpoisoned;

/// A number of turns at once, of which one owner has a bounded number.
#[derive(Debug)]
pub(super) struct FairTurns<O: OwnerKey> {
    most: usize,
    most_of_one: usize,
    state: Mutex<State<O>>,
}

/// Distinguishes one owner from another: an address, or a job and its address.
pub(super) trait OwnerKey: Copy + Eq + Hash {}

impl<T: Copy + Eq + Hash> OwnerKey for T {}

#[derive(Debug)]
struct State<O: OwnerKey> {
    /// Number of the next turn, and of the next that waits.
    next: u64,
    held: BTreeMap<u64, O>,
    /// In the order of their coming.
    waiting: BTreeMap<u64, Waiting<O>>,
    /// Of owners who hold or wait: the number of the last turn.
    last: HashMap<O, u64>,
}

#[derive(Debug)]
struct Waiting<O: OwnerKey> {
    owner: O,
    /// Whether it has had a turn before, and comes before others of its owner.
    resumes: bool,
    granted: oneshot::Sender<FairTurn<O>>,
}

/// A turn; the next one's when this is dropped.
#[derive(Debug)]
pub(super) struct FairTurn<O: OwnerKey> {
    turns: Arc<FairTurns<O>>,
    number: u64,
}

/// One that waits no more when this is dropped.
struct Wait<'a, O: OwnerKey> {
    turns: &'a FairTurns<O>,
    number: u64,
}

impl<O: OwnerKey> FairTurns<O> {
    pub(super) fn new(most: usize, most_of_one: usize) -> Arc<Self> {
        let state = State {
            next: 0,
            held: BTreeMap::new(),
            waiting: BTreeMap::new(),
            last: HashMap::new(),
        };
        Arc::new(Self { most, most_of_one, state: Mutex::new(state) })
    }

    /// A turn, if there is one now.
    pub(super) fn try_take(self: &Arc<Self>, owner: O) -> Option<FairTurn<O>> {
        let mut state = self.lock();
        // Those that wait have as many as they may, as long as there is one.
        let is_free = self.has_one_for(&state, owner);
        is_free.then(|| FairTurn { turns: Arc::clone(self), number: state.hold(owner) })
    }

    /// Whether there is a turn now.
    pub(super) fn is_free(&self, owner: O) -> bool {
        self.has_one_for(&self.lock(), owner)
    }

    /// The next turn of this owner.
    pub(super) async fn take(self: &Arc<Self>, owner: O) -> FairTurn<O> {
        self.wait(owner, None).await
    }

    /// Leaves this turn of the owner to the next, and waits for another: before all else of this owner.
    pub(super) async fn take_again(self: &Arc<Self>, owner: O, turn: FairTurn<O>) -> FairTurn<O> {
        self.wait(owner, Some(turn)).await
    }

    async fn wait(self: &Arc<Self>, owner: O, before: Option<FairTurn<O>>) -> FairTurn<O> {
        let (granted, turn) = oneshot::channel();
        let resumes = before.is_some();
        let number = {
            let mut state = self.lock();
            state.next += 1;
            let number = state.next;
            state.waiting.insert(number, Waiting { owner, resumes, granted });
            number
        };
        let _wait = Wait { turns: self, number };
        // Not earlier: an owner who neither holds nor waits is a new one.
        drop(before);
        self.grant();
        turn.await.expect("who waits is kept until the turn comes")
    }

    /// If owners other than this one wait, whether what comes next of theirs has had a turn before.
    pub(super) fn next_of_others(&self, owner: O) -> Option<bool> {
        let state = self.lock();
        let others = state.waiting.iter().filter(|(_, one)| one.owner != owner);
        others.min_by_key(|(number, one)| state.order(**number, one)).map(|(_, one)| one.resumes)
    }

    /// Whether an owner other than this one holds a turn.
    pub(super) fn others_hold(&self, owner: O) -> bool {
        self.lock().held.values().any(|holder| *holder != owner)
    }

    fn has_one_for(&self, state: &State<O>, owner: O) -> bool {
        state.held.len() < self.most && state.held_by(owner) < self.most_of_one
    }

    /// Gives those that wait what turns there are.
    fn grant(self: &Arc<Self>) {
        while let Some((granted, turn)) = self.next_granted() {
            // One that waits no more leaves the turn to the next.
            let _ = granted.send(turn);
        }
    }

    fn next_granted(self: &Arc<Self>) -> Option<(oneshot::Sender<FairTurn<O>>, FairTurn<O>)> {
        let mut state = self.lock();
        let may = state.waiting.iter().filter(|(_, one)| self.has_one_for(&state, one.owner));
        let number = *may.min_by_key(|(number, one)| state.order(**number, one))?.0;
        let Waiting { owner, granted, .. } = state.waiting.remove(&number)?;
        let number = state.hold(owner);
        Some((granted, FairTurn { turns: Arc::clone(self), number }))
    }

    fn lock(&self) -> MutexGuard<'_, State<O>> {
        unpoisoned(self.state.lock())
    }
}

impl<O: OwnerKey> State<O> {
    fn held_by(&self, owner: O) -> usize {
        self.held.values().filter(|holder| **holder == owner).count()
    }

    /// The order in which those that wait get turns.
    fn order(&self, number: u64, one: &Waiting<O>) -> (usize, Option<u64>, bool, u64) {
        (self.held_by(one.owner), self.last.get(&one.owner).copied(), !one.resumes, number)
    }

    fn hold(&mut self, owner: O) -> u64 {
        self.next += 1;
        self.held.insert(self.next, owner);
        self.last.insert(owner, self.next);
        self.next
    }

    /// Forgets an owner who neither holds nor waits.
    fn forget_if_gone(&mut self, owner: O) {
        let waits = self.waiting.values().any(|waiting| waiting.owner == owner);
        if !waits && self.held_by(owner) == 0 {
            self.last.remove(&owner);
        }
    }
}

impl<O: OwnerKey> Drop for FairTurn<O> {
    fn drop(&mut self) {
        let mut state = self.turns.lock();
        if let Some(owner) = state.held.remove(&self.number) {
            state.forget_if_gone(owner);
        }
        drop(state);
        self.turns.grant();
    }
}

impl<O: OwnerKey> Drop for Wait<'_, O> {
    fn drop(&mut self) {
        let mut state = self.turns.lock();
        let gone = state.waiting.remove(&self.number);
        if let Some(Waiting { owner, .. }) = &gone {
            state.forget_if_gone(*owner);
        }
        // What it was waited for with is dropped without the lock.
        drop(state);
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;
    use tokio::task::{JoinHandle, yield_now};

    use super::*;

    type Turns = Arc<FairTurns<char>>;

    /// One that waits, and has been seen to.
    async fn waiting(turns: &Turns, owner: char) -> JoinHandle<FairTurn<char>> {
        let turns = Arc::clone(turns);
        let task = tokio::spawn(async move { turns.take(owner).await });
        yield_now().await;
        task
    }

    /// Of those that wait, the one that has its turn now.
    async fn granted(
        waiting: &mut Vec<(char, JoinHandle<FairTurn<char>>)>,
    ) -> Option<(char, FairTurn<char>)> {
        yield_now().await;
        let place = waiting.iter().position(|(_, task)| task.is_finished())?;
        let (owner, task) = waiting.remove(place);
        Some((owner, task.await.unwrap()))
    }

    #[tokio::test]
    async fn owners_take_turns_however_many_of_one_wait() {
        let turns = FairTurns::new(1, 1);
        let mut turn = turns.try_take('a').unwrap();
        let mut tasks = Vec::new();
        for owner in ['a', 'a', 'a', 'b', 'b', 'c'] {
            tasks.push((owner, waiting(&turns, owner).await));
        }
        assert!(turns.try_take('d').is_none() && turns.next_of_others('a').is_some());
        let mut order = String::new();
        while !tasks.is_empty() {
            drop(turn);
            let (owner, next) = granted(&mut tasks).await.expect("there is a turn");
            assert!(granted(&mut tasks).await.is_none(), "one at a time");
            order.push(owner);
            turn = next;
        }
        assert_eq!(order, "bcabaa");
        drop(turn);
        assert!(turns.is_free('a') && turns.lock().last.is_empty());
    }

    #[tokio::test]
    async fn one_owner_cannot_have_all() {
        let turns = FairTurns::new(2, 1);
        let first = turns.take('a').await;
        assert!(turns.try_take('a').is_none() && !turns.is_free('a'));
        let mut second = vec![('a', waiting(&turns, 'a').await)];
        assert!(turns.try_take('b').is_some(), "one that has all its turns does not count");
        assert!(granted(&mut second).await.is_none());
        drop(first);
        assert!(granted(&mut second).await.is_some());
    }

    #[tokio::test]
    async fn one_that_goes_on_comes_after_other_owners_and_before_others_of_its_own() {
        let turns = FairTurns::new(1, 1);
        let first = turns.take('a').await;
        let mut tasks = vec![('A', waiting(&turns, 'a').await), ('b', waiting(&turns, 'b').await)];
        let again = {
            let turns = Arc::clone(&turns);
            tokio::spawn(async move { turns.take_again('a', first).await })
        };
        let (owner, turn) = granted(&mut tasks).await.expect("the turn was left");
        assert_eq!(owner, 'b');
        tasks.push(('c', waiting(&turns, 'c').await));
        drop(turn);
        let (owner, turn) = granted(&mut tasks).await.expect("there is a turn");
        assert_eq!(owner, 'c', "it has had none");
        drop(turn);
        let turn = again.await.unwrap();
        assert!(granted(&mut tasks).await.is_none());
        drop(turn);
        assert_eq!(granted(&mut tasks).await.map(|(owner, _)| owner), Some('A'));
    }

    #[tokio::test]
    async fn who_waits_no_more_gets_none() {
        let turns = FairTurns::new(1, 1);
        let turn = turns.take('a').await;
        assert!(turns.take('b').now_or_never().is_none());
        assert!(turns.next_of_others('a').is_none());
        let task = waiting(&turns, 'b').await;
        drop(turn);
        // It has the turn already, and does not take it.
        task.abort();
        let _ = task.await;
        assert!(turns.is_free('c'));
    }
}
