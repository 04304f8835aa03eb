//! Bytes of video files in memory, arriving or waiting: bounded, and apart from messages, so that no upload takes the
//! room of a live frame.
//!
//! When the budget is used up, the upload that has been arriving longest is given up, and the newer one is refused:
//! it has room at its next attempt. An upload too many takes the place of the oldest.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use bytes::Bytes;
use tokio_util::sync::CancellationToken;

use crate::locks::unpoisoned;

/// Most uploads at once.
const MOST_ARRIVING: usize = 64;

/// The budget of a server.
#[derive(Debug)]
pub(super) struct VideoMemory {
    budget: usize,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    taken: usize,
    /// Number of the next upload.
    next: u64,
    /// By number: what is arriving.
    arriving: BTreeMap<u64, CancellationToken>,
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
        Arc::new(Self { budget, state: Mutex::default() })
    }

    /// A file begins to arrive.
    pub(super) fn begin(self: &Arc<Self>) -> HeldVideo {
        let given_up = CancellationToken::new();
        let mut state = self.lock();
        if state.arriving.len() == MOST_ARRIVING
            && let Some((_, oldest)) = state.arriving.pop_first()
        {
            oldest.cancel();
        }
        let number = state.next;
        state.next += 1;
        state.arriving.insert(number, given_up.clone());
        drop(state);
        HeldVideo { memory: Arc::clone(self), number, bytes: 0, given_up }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        unpoisoned(self.state.lock())
    }
}

impl HeldVideo {
    /// More of the file has arrived. `false` if there is no room for it.
    pub(super) fn grow(&mut self, bytes: usize) -> bool {
        let mut state = self.memory.lock();
        let Some(taken) =
            state.taken.checked_add(bytes).filter(|taken| *taken <= self.memory.budget)
        else {
            if let Some((_, oldest)) = state.arriving.range(..self.number).next() {
                oldest.cancel();
            }
            return false;
        };
        state.taken = taken;
        self.bytes += bytes;
        true
    }

    /// Cancelled when the upload must give way.
    pub(super) fn given_up(&self) -> CancellationToken {
        self.given_up.clone()
    }

    /// The file has arrived, and counts until its last user has dropped it.
    pub(super) fn whole(self, file: Bytes) -> Bytes {
        self.memory.lock().arriving.remove(&self.number);
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
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_counts_until_its_last_user_has_dropped_it() {
        let memory = VideoMemory::new(100);
        let mut arriving = memory.begin();
        assert!(arriving.grow(40) && arriving.grow(20));
        let file = arriving.whole(vec![0; 60].into());
        let part = file.slice(..10);
        drop(file);
        let mut other = memory.begin();
        assert!(!other.grow(41));
        drop(part);
        assert!(other.grow(100));
        drop(other);
        assert_eq!(memory.lock().taken, 0);
        assert!(memory.lock().arriving.is_empty());
    }

    #[test]
    fn the_oldest_upload_gives_way_to_a_newer_one() {
        let memory = VideoMemory::new(100);
        let [mut old, mut new, mut newest] = [(); 3].map(|()| memory.begin());
        assert!(old.grow(50) && new.grow(50));
        assert!(!old.grow(1), "an upload is not given up for an older one");
        assert!(!old.given_up.is_cancelled() && !new.given_up.is_cancelled());
        assert!(!newest.grow(1));
        assert!(old.given_up.is_cancelled() && !new.given_up.is_cancelled());
        drop(old);
        assert!(newest.grow(50));
    }

    #[test]
    fn an_upload_too_many_takes_the_place_of_the_oldest() {
        let memory = VideoMemory::new(100);
        let uploads: Vec<_> = (0..=MOST_ARRIVING).map(|_| memory.begin()).collect();
        let given_up: Vec<_> =
            uploads.iter().map(|upload| upload.given_up.is_cancelled()).collect();
        assert!(given_up[0] && !given_up[1..].contains(&true));
        assert_eq!(memory.lock().arriving.len(), MOST_ARRIVING);
        drop(uploads);
        assert!(memory.lock().arriving.is_empty());
    }
}
