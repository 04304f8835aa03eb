//! Bytes of the results of all jobs: bounded.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;

/// Bytes that a line takes besides its text.
const AROUND: usize = size_of::<Bytes>() + 32;

/// The budget of a server.
#[derive(Debug)]
pub(in crate::front) struct ResultMemory {
    limit: usize,
    held: AtomicUsize,
}

/// The bytes that the lines of one job take. Given back when this is dropped.
#[derive(Debug)]
pub(in crate::front) struct HeldResults {
    memory: Arc<ResultMemory>,
    bytes: AtomicUsize,
}

impl ResultMemory {
    pub(in crate::front) fn new(limit: usize) -> Arc<Self> {
        Arc::new(Self { limit, held: AtomicUsize::new(0) })
    }

    /// Whether there is room for a line of this many bytes.
    pub(in crate::front) fn has_room(&self, line: usize) -> bool {
        self.held.load(Ordering::Relaxed) + line + AROUND <= self.limit
    }
}

impl HeldResults {
    pub(in crate::front) fn of(memory: &Arc<ResultMemory>) -> Self {
        Self { memory: Arc::clone(memory), bytes: AtomicUsize::new(0) }
    }

    pub(in crate::front) fn bytes(&self) -> usize {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Counts one more line.
    pub(in crate::front) fn add(&self, line: usize) {
        self.bytes.fetch_add(line + AROUND, Ordering::Relaxed);
        self.memory.held.fetch_add(line + AROUND, Ordering::Relaxed);
    }
}

impl Drop for HeldResults {
    fn drop(&mut self) {
        self.memory.held.fetch_sub(self.bytes(), Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lines_of_a_job_count_until_it_is_dropped() {
        let memory = ResultMemory::new(10 * (100 + AROUND));
        let [one, two] = [(); 2].map(|()| HeldResults::of(&memory));
        for _ in 0..5 {
            one.add(100);
            two.add(100);
        }
        assert!(!memory.has_room(1));
        drop(one);
        assert!(memory.has_room(5 * 100));
        assert_eq!(memory.held.load(Ordering::Relaxed), 5 * (100 + AROUND));
    }
}
