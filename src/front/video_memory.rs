//! Bytes of video files in memory, arriving or waiting: bounded, and apart from messages, so that no upload takes the
//! room of a live frame.
//!
//! When the budget is used up, or there is one upload too many, the address that has most of what is arriving gives up
//! the upload that it began first. Others wait until that is gone, so that no client ends an upload of another that
//! has less.

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
    /// Number of the next upload.
    next: u64,
    /// By number: what is arriving.
    arriving: BTreeMap<u64, Upload>,
}

/// A file that is arriving.
#[derive(Debug)]
struct Upload {
    address: IpAddr,
    bytes: usize,
    given_up: CancellationToken,
}

/// A file, whole or in part. Its bytes are given back when this is dropped.
#[derive(Debug)]
pub(super) struct HeldVideo {
    memory: Arc<VideoMemory>,
    number: u64,
    bytes: usize,
    given_up: CancellationToken,
}

/// A whole file.
struct Whole {
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
        let gives_way = match state.arriving.len() < MOST_ARRIVING {
            true => None,
            false => state.oldest_of_the_largest_holder(|_| 1),
        };
        let gives_way = gives_way.and_then(|number| state.arriving.remove(&number));
        let number = state.next;
        state.next += 1;
        state.arriving.insert(number, Upload { address, bytes: 0, given_up: given_up.clone() });
        drop(state);
        // Wakes its task.
        if let Some(upload) = gives_way {
            upload.given_up.cancel();
        }
        HeldVideo { memory: Arc::clone(self), number, bytes: 0, given_up }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        unpoisoned(self.state.lock())
    }
}

impl State {
    /// The upload that was begun first by the address that has most, by this measure of an upload.
    fn oldest_of_the_largest_holder(&self, measure: impl Fn(&Upload) -> usize) -> Option<u64> {
        let mut held: HashMap<IpAddr, usize> = HashMap::new();
        for upload in self.arriving.values() {
            *held.entry(upload.address).or_default() += measure(upload);
        }
        let by_size =
            |(number, upload): &(&u64, &Upload)| (Reverse(held[&upload.address]), **number);
        self.arriving.iter().min_by_key(by_size).map(|(number, _)| *number)
    }
}

impl HeldVideo {
    /// More of the file has arrived. Waits while another upload gives way to it; `false` if none does.
    pub(super) async fn grow(&mut self, bytes: usize) -> bool {
        let memory = Arc::clone(&self.memory);
        loop {
            let changed = memory.changed.notified();
            let gives_way = {
                let mut state = memory.lock();
                let taken = state.taken.checked_add(bytes);
                if let Some(taken) = taken.filter(|taken| *taken <= memory.budget) {
                    state.taken = taken;
                    self.bytes += bytes;
                    if let Some(upload) = state.arriving.get_mut(&self.number) {
                        upload.bytes = self.bytes;
                    }
                    return true;
                }
                let gives_way = state.oldest_of_the_largest_holder(|upload| upload.bytes);
                let Some(upload) = gives_way.and_then(|number| state.arriving.get(&number)) else {
                    return false;
                };
                if gives_way == Some(self.number) {
                    return false;
                }
                upload.given_up.clone()
            };
            // Wakes its task.
            gives_way.cancel();
            changed.await;
        }
    }

    /// Cancelled when the upload must give way.
    pub(super) fn given_up(&self) -> CancellationToken {
        self.given_up.clone()
    }

    /// The file has arrived, and counts until its last user has dropped it.
    pub(super) fn whole(self, file: Bytes) -> Bytes {
        self.memory.lock().arriving.remove(&self.number);
        self.memory.changed.notify_waiters();
        Bytes::from_owner(Whole { file, _held: self })
    }
}

impl AsRef<[u8]> for Whole {
    fn as_ref(&self) -> &[u8] {
        &self.file
    }
}

impl Drop for HeldVideo {
    fn drop(&mut self) {
        let mut state = self.memory.lock();
        state.taken -= self.bytes;
        state.arriving.remove(&self.number);
        drop(state);
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
        let file = arriving.whole(vec![0; 60].into());
        let part = file.slice(..10);
        drop(file);
        let mut other = begin(&memory, 1);
        assert!(!other.grow(41).await, "no whole file is given up");
        drop(part);
        assert!(other.grow(100).await);
        drop(other);
        assert_eq!(memory.lock().taken, 0);
        assert!(memory.lock().arriving.is_empty());
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
    async fn the_address_that_holds_most_gives_way_whoever_began_first() {
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
        assert_eq!(memory.lock().arriving.len(), MOST_ARRIVING);
        drop((single, uploads));
        assert!(memory.lock().arriving.is_empty());
    }
}
