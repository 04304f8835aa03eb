//! Where a session's time goes, operator by operator.

use std::time::Duration;

/// Time spent in each step since profiling started.
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
    /// Name of the node that it computes, including the nodes fused into it.
    pub node: String,
    /// The kernel: `"pointwise"`, `"depthwise"`, `"scalar"`, ….
    pub kernel: &'static str,
    /// Multiply-adds per image; 0 where that is not a useful measure.
    pub multiply_adds: u64,
    /// Processor time per image, summed over threads, without waiting.
    pub time: Duration,
}

impl StepProfile {
    /// Billions of floating-point operations per second and thread; a multiply-add counts as two.
    pub fn gigaflops(&self) -> f64 {
        let nanoseconds = self.time.as_nanos() as f64;
        if nanoseconds == 0.0 { 0.0 } else { 2.0 * self.multiply_adds as f64 / nanoseconds }
    }
}

impl Profile {
    /// Processor time per image of all steps.
    pub fn total(&self) -> Duration {
        self.steps.iter().map(|step| step.time).sum()
    }
}
