//! Where a session's time goes, by operator.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

/// Time spent in each step since profiling was switched on.
#[derive(Debug, Clone, PartialEq)]
pub struct Profile {
    /// The steps, in an order in which they may run.
    pub steps: Vec<StepProfile>,
    /// Number of images run.
    pub images: u64,
}

/// One step of a plan.
#[derive(Debug, Clone, PartialEq)]
pub struct StepProfile {
    /// Name of the node that it computes, others fused into it included.
    pub node: String,
    /// The kernel: `"pointwise"`, `"depthwise"`, `"plain"`, ….
    pub kernel: &'static str,
    /// Multiply-adds for one image; 0 where that is no measure.
    pub multiply_adds: u64,
    /// Processor time an image, summed over threads, without waiting.
    pub time: Duration,
}

impl StepProfile {
    /// Billions of floating-point operations a second and thread; a multiply-add counts as two.
    pub fn gigaflops(&self) -> f64 {
        let nanoseconds = self.time.as_nanos() as f64;
        if nanoseconds == 0.0 { 0.0 } else { 2.0 * self.multiply_adds as f64 / nanoseconds }
    }
}

impl Profile {
    /// Processor time an image of all steps.
    pub fn total(&self) -> Duration {
        self.steps.iter().map(|step| step.time).sum()
    }
}

/// A table of the steps, the one that takes longest first.
impl fmt::Display for Profile {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let total = self.total().as_secs_f64();
        let mut steps: Vec<&StepProfile> = self.steps.iter().collect();
        steps.sort_by_key(|step| std::cmp::Reverse(step.time));
        writeln!(formatter, "{:>9} {:>7} {:>9}  kernel      node", "µs", "share", "GFLOP/s")?;
        for step in steps {
            let seconds = step.time.as_secs_f64();
            writeln!(
                formatter,
                "{:>9.1} {:>6.1}% {:>9.1}  {:<11} {}",
                seconds * 1e6,
                if total == 0.0 { 0.0 } else { 100.0 * seconds / total },
                step.gigaflops(),
                step.kernel,
                step.node,
            )?;
        }
        Ok(())
    }
}

/// Adds up times from several threads.
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

    /// Switches recording on, from zero, or off.
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

    /// Mean time an image of a step.
    pub(crate) fn time(&self, step: usize) -> Duration {
        let total = self.nanoseconds[step].load(Ordering::Relaxed);
        Duration::from_nanos(total / self.images().max(1))
    }
}
