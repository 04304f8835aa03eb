//! Bytes of video files in memory, arriving or waiting: bounded, and apart from messages, so that no upload takes the
//! room of a live frame.
//!
//! When the budget is used up, or there is one upload too many, the address that has most gives up the upload that it
//! began first, or else the newest of its jobs that wait, as long as another file of its own is left. Others wait until
//! that is gone, so that no client ends an upload of another that has less.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard};

use bytes::Bytes;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::locks::unpoisoned;

/// Most uploads at once.
const MOST_ARRIVING: usize = 64;

/// The budget of a server.
#[derive(Debug)]
pub(super) struct VideoMemory {
    budget: usize,
    state: Mutex<State>,
    /// Notified when there may be more room than before, or less to give up.
    changed: Notify,
}

#[derive(Debug, Default)]
struct State {
    taken: usize,
    /// Number of the next file.
    next: u64,
    /// By number.
    files: BTreeMap<u64, Entry>,
}

/// A file, whole or in part.
#[derive(Debug)]
struct Entry {
    address: IpAddr,
    bytes: usize,
    stage: Stage,
    given_up: CancellationToken,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Arriving,
    /// Of a job whose turn has not come.
    Waiting,
    /// Kept until it is of no more use.
    InUse,
    /// Asked to give way: its bytes are free soon.
    GivenUp,
}

/// A file that arrives. Its bytes are given back when this is dropped.
#[derive(Debug)]
pub(super) struct HeldVideo {
    memory: Arc<VideoMemory>,
    number: u64,
    bytes: usize,
    given_up: CancellationToken,
}

/// A whole file, as its user sees it.
#[derive(Debug)]
pub(super) struct WholeVideo {
    pub(super) bytes: Bytes,
    pub(super) waits: VideoWait,
}

/// A file that may wait for its use.
#[derive(Debug)]
pub(super) struct VideoWait {
    memory: Arc<VideoMemory>,
    number: u64,
    given_up: CancellationToken,
}

/// A whole file, counted as long as it is there.
struct Counted {
    file: Bytes,
    _held: HeldVideo,
}

impl VideoMemory {
    /// A budget of this many bytes.
    pub(super) fn new(budget: usize) -> Arc<Self> {
        Arc::new(Self { budget, state: Mutex::default(), changed: Notify::new() })
    }

    /// A file begins to arrive from this address.
    pub(super) fn begin(self: &Arc<Self>, address: IpAddr) -> HeldVideo {
        let given_up = CancellationToken::new();
        let mut state = self.lock();
        let gives_way = if state.arriving().count() == MOST_ARRIVING {
            let number = state.oldest_upload_of_the_largest_holder(|_| 1);
            number.and_then(|number| state.give_up(number))
        } else {
            None
        };
        let number = state.next;
        state.next += 1;
        let (bytes, stage) = (0, Stage::Arriving);
        state.files.insert(number, Entry { address, bytes, stage, given_up: given_up.clone() });
        drop(state);
        gives_way.inspect(CancellationToken::cancel);
        HeldVideo { memory: Arc::clone(self), number, bytes: 0, given_up }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        unpoisoned(self.state.lock())
    }
}

impl State {
    fn arriving(&self) -> impl Iterator<Item = (&u64, &Entry)> {
        self.files.iter().filter(|(_, file)| file.stage == Stage::Arriving)
    }

    /// The sum of a measure of files, by address.
    fn held<'a>(
        files: impl Iterator<Item = &'a Entry>,
        measure: impl Fn(&Entry) -> usize,
    ) -> HashMap<IpAddr, usize> {
        let mut held = HashMap::new();
        for file in files {
            *held.entry(file.address).or_default() += measure(file);
        }
        held
    }

    /// The upload that was begun first by the address that has most, by this measure of an upload.
    fn oldest_upload_of_the_largest_holder(
        &self,
        measure: impl Fn(&Entry) -> usize,
    ) -> Option<u64> {
        let held = Self::held(self.arriving().map(|(_, file)| file), measure);
        let by_size = |(number, file): &(&u64, &Entry)| (Reverse(held[&file.address]), **number);
        self.arriving().min_by_key(by_size).map(|(number, _)| *number)
    }

    /// The file that gives way to this upload: of the address that has most and can give something up.
    fn gives_way(&self, number: u64) -> Option<u64> {
        let own = self.files.get(&number)?.address;
        let bytes = Self::held(self.files.values(), |file| file.bytes);
        let count = Self::held(self.files.values(), |_| 1);
        let can_give_way = |file: &Entry| match file.stage {
            Stage::Arriving => true,
            // An accepted job gives way to one who has less alone.
            Stage::Waiting => count[&file.address] > 1 && bytes[&file.address] > bytes[&own],
            Stage::InUse | Stage::GivenUp => false,
        };
        let order = |(number, file): &(&u64, &Entry)| {
            let waits = file.stage == Stage::Waiting;
            let by_age = if waits { u64::MAX - **number } else { **number };
            (Reverse(bytes[&file.address]), waits, by_age)
        };
        let files = self.files.iter().filter(|(_, file)| can_give_way(file));
        let gives_way = files.min_by_key(order).map(|(number, _)| *number);
        gives_way.filter(|gives_way| *gives_way != number)
    }

    /// Whether a file that was asked to give way is still there.
    fn is_giving_way(&self) -> bool {
        self.files.values().any(|file| file.stage == Stage::GivenUp)
    }

    /// Marks a file; returns the token that asks its user to give it up.
    fn give_up(&mut self, number: u64) -> Option<CancellationToken> {
        let file = self.files.get_mut(&number)?;
        file.stage = Stage::GivenUp;
        Some(file.given_up.clone())
    }
}

impl HeldVideo {
    /// More of the file has arrived. Waits while another gives way to it; `false` if none does.
    pub(super) async fn grow(&mut self, bytes: usize) -> bool {
        let memory = Arc::clone(&self.memory);
        loop {
            let changed = memory.changed.notified();
            let given_up = {
                let mut state = memory.lock();
                let taken = state.taken.checked_add(bytes);
                if let Some(taken) = taken.filter(|taken| *taken <= memory.budget) {
                    state.taken = taken;
                    self.bytes += bytes;
                    if let Some(file) = state.files.get_mut(&self.number) {
                        file.bytes = self.bytes;
                    }
                    return true;
                }
                match state.is_giving_way() {
                    true => None,
                    false => {
                        let gives_way = state.gives_way(self.number);
                        let Some(token) = gives_way.and_then(|number| state.give_up(number)) else {
                            return false;
                        };
                        Some(token)
                    }
                }
            };
            given_up.inspect(CancellationToken::cancel);
            changed.await;
        }
    }

    /// Cancelled when the upload must give way.
    pub(super) fn given_up(&self) -> CancellationToken {
        self.given_up.clone()
    }

    /// The file has arrived, and counts until its last user has dropped it.
    pub(super) fn whole(self, file: Bytes) -> WholeVideo {
        let (memory, number) = (Arc::clone(&self.memory), self.number);
        let waits = VideoWait { memory, number, given_up: self.given_up.clone() };
        waits.set(Stage::InUse);
        self.memory.changed.notify_waiters();
        WholeVideo { bytes: Bytes::from_owner(Counted { file, _held: self }), waits }
    }
}

impl VideoWait {
    /// From now on the file may be given up.
    pub(super) fn begin(&self) {
        self.set(Stage::Waiting);
    }

    /// The wait is over. `false` if the file has been given up.
    pub(super) fn end(&self) -> bool {
        self.set(Stage::InUse)
    }

    /// Returns when the file must be dropped for those of others.
    pub(super) async fn given_up(&self) {
        self.given_up.cancelled().await;
    }

    /// `false` if the file has been given up.
    fn set(&self, stage: Stage) -> bool {
        let mut state = self.memory.lock();
        let file = state.files.get_mut(&self.number);
        let file = file.filter(|file| file.stage != Stage::GivenUp);
        file.map(|file| file.stage = stage).is_some()
    }
}

impl AsRef<[u8]> for Counted {
    fn as_ref(&self) -> &[u8] {
        &self.file
    }
}

impl Drop for HeldVideo {
    fn drop(&mut self) {
        let gone = {
            let mut state = self.memory.lock();
            state.taken -= self.bytes;
            state.files.remove(&self.number)
        };
        drop(gone);
        self.memory.changed.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;

    fn begin(memory: &Arc<VideoMemory>, address: u8) -> HeldVideo {
        memory.begin([10, 0, 0, address].into())
    }

    /// Whether there is room for more without waiting.
    async fn grows(upload: &mut HeldVideo, bytes: usize) -> Option<bool> {
        timeout(Duration::ZERO, upload.grow(bytes)).await.ok()
    }

    #[tokio::test]
    async fn a_file_counts_until_its_last_user_has_dropped_it() {
        let memory = VideoMemory::new(100);
        let mut arriving = begin(&memory, 1);
        assert!(arriving.grow(40).await && arriving.grow(20).await);
        let file = arriving.whole(vec![0; 60].into()).bytes;
        let part = file.slice(..10);
        drop(file);
        let mut other = begin(&memory, 1);
        assert!(!other.grow(41).await, "no file in use is given up");
        drop(part);
        assert!(other.grow(100).await);
        drop(other);
        assert_eq!(memory.lock().taken, 0);
        assert!(memory.lock().files.is_empty());
    }

    #[tokio::test]
    async fn the_oldest_upload_of_an_address_gives_way_to_a_newer_one() {
        let memory = VideoMemory::new(100);
        let [mut old, mut new, mut newest] = [(); 3].map(|()| begin(&memory, 1));
        assert!(old.grow(50).await && new.grow(50).await);
        assert!(!old.grow(1).await, "an upload is not given up for an older one");
        assert!(!old.given_up.is_cancelled() && !new.given_up.is_cancelled());
        assert_eq!(grows(&mut newest, 1).await, None, "it waits");
        assert!(old.given_up.is_cancelled() && !new.given_up.is_cancelled());
        let growing = tokio::spawn(async move { newest.grow(50).await });
        drop(old);
        assert!(growing.await.unwrap());
    }

    #[tokio::test]
    async fn the_address_that_holds_most_gives_way() {
        let memory = VideoMemory::new(100);
        let mut small = begin(&memory, 1);
        assert!(small.grow(30).await);
        let [mut first, mut second] = [(); 2].map(|()| begin(&memory, 2));
        assert!(first.grow(10).await && second.grow(60).await);
        assert_eq!(grows(&mut small, 10).await, None);
        assert!(first.given_up.is_cancelled() && !second.given_up.is_cancelled());
        drop(first);
        assert!(small.grow(10).await && !small.given_up.is_cancelled());
        assert!(!second.grow(10).await, "an address makes no room at the cost of one with less");
        assert!(!small.given_up.is_cancelled());
    }

    #[test]
    fn an_upload_too_many_takes_the_place_of_the_oldest_of_the_address_with_most() {
        let memory = VideoMemory::new(100);
        let single = begin(&memory, 1);
        let uploads: Vec<_> = (0..MOST_ARRIVING).map(|_| begin(&memory, 2)).collect();
        let given_up: Vec<_> =
            uploads.iter().map(|upload| upload.given_up.is_cancelled()).collect();
        assert!(given_up[0] && !given_up[1..].contains(&true));
        assert!(!single.given_up.is_cancelled());
        assert_eq!(memory.lock().arriving().count(), MOST_ARRIVING);
        drop((single, uploads));
        assert!(memory.lock().files.is_empty());
    }

    /// A whole file that waits for its turn.
    async fn waiting(memory: &Arc<VideoMemory>, address: u8, bytes: usize) -> WholeVideo {
        let mut upload = begin(memory, address);
        assert!(upload.grow(bytes).await);
        let whole = upload.whole(vec![0; bytes].into());
        whole.waits.begin();
        whole
    }

    #[tokio::test]
    async fn the_newest_job_of_the_address_that_has_most_gives_way() {
        let memory = VideoMemory::new(100);
        let [first, second] = [waiting(&memory, 1, 50).await, waiting(&memory, 1, 50).await];
        let mut own = begin(&memory, 1);
        assert!(!own.grow(10).await, "no job gives way to an upload of its own address");
        drop(own);
        let mut other = begin(&memory, 2);
        let growing = tokio::spawn(async move { other.grow(50).await.then_some(other) });
        second.waits.given_up().await;
        assert!(!second.waits.end() && first.waits.end());
        drop(second);
        let other = growing.await.unwrap().expect("it has the room");
        // Each has one by now, and a third address must wait.
        let _other = other.whole(vec![0; 50].into());
        first.waits.begin();
        assert!(!begin(&memory, 3).grow(1).await);
    }

    #[tokio::test]
    async fn what_is_in_use_does_not_give_way() {
        let memory = VideoMemory::new(100);
        let [first, second] = [waiting(&memory, 1, 50).await, waiting(&memory, 1, 50).await];
        assert!(first.waits.end() && second.waits.end());
        assert!(!begin(&memory, 2).grow(1).await);
    }
}
