//! Adds up where the time of a session goes, by step.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

/// Times from several threads.
#[derive(Debug)]
pub(crate) struct Recorder {
    is_on: AtomicBool,
    nanoseconds: Vec<AtomicU64>,
    images: AtomicU64,
}

impl Recorder {
    pub(crate) fn new(steps: usize) -> Self {
        Self {
            is_on: AtomicBool::new(false),
            nanoseconds: (0..steps).map(|_| AtomicU64::new(0)).collect(),
            images: AtomicU64::new(0),
        }
    }

    pub(crate) fn is_on(&self) -> bool {
        self.is_on.load(Ordering::Relaxed)
    }

    /// Switches recording on, starting from zero, or off.
    pub(crate) fn set(&self, is_on: bool) {
        if is_on {
            self.nanoseconds.iter().for_each(|step| step.store(0, Ordering::Relaxed));
            self.images.store(0, Ordering::Relaxed);
        }
        self.is_on.store(is_on, Ordering::Relaxed);
    }

    pub(crate) fn add(&self, step: usize, time: Duration) {
        self.nanoseconds[step].fetch_add(time.as_nanos() as u64, Ordering::Relaxed);
    }

    pub(crate) fn add_images(&self, images: usize) {
        if self.is_on() {
            self.images.fetch_add(images as u64, Ordering::Relaxed);
        }
    }

    pub(crate) fn images(&self) -> u64 {
        self.images.load(Ordering::Relaxed)
    }

    /// Mean time per image of a step.
    pub(crate) fn time(&self, step: usize) -> Duration {
        let total = self.nanoseconds[step].load(Ordering::Relaxed);
        Duration::from_nanos(total / self.images().max(1))
    }
}
