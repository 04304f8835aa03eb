//! The server's counters and histograms, for Prometheus. Labels come from closed sets and never name a
//! session.

use std::sync::atomic::AtomicU64;
use std::time::Duration;

use prometheus_client::encoding::{EncodeLabelSet, prometheus_text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets, linear_buckets};
use prometheus_client::registry::Registry;

use super::refusal_reason::RefusalReason;
use crate::engine::DropReason;
use crate::stages::StageTimes;

/// Content type of what [`Metrics::encode`] writes.
pub use prometheus_client::encoding::prometheus_text::CONTENT_TYPE;

/// Values of the label `outcome`.
const RESULT: &str = "result";
const DROPPED: &str = "dropped";
const INVALID: &str = "invalid";
const FAILED: &str = "failed";

/// Every series of a server.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    sessions: Gauge,
    capacity: Gauge,
    load: Gauge<f64, AtomicU64>,
    frames: Family<FrameLabels, Counter>,
    drops: Family<DropLabels, Counter>,
    slow_downs: Counter,
    device_failures: Counter,
    backend_changes: Counter,
    refused: Family<RefusalLabels, Counter>,
    stages: Family<StageLabels, Histogram>,
    ages: Histogram,
    batches: Histogram,
    build: Family<BuildLabels, Gauge>,
}

/// The outcome of a message that should have been a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MessageOutcome {
    /// Its result was handed to the socket.
    Result,
    /// It was dropped, for this reason.
    Dropped(DropReason),
    /// It was not a frame.
    Invalid,
    /// It could not be processed.
    Failed,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct FrameLabels {
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct DropLabels {
    reason: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RefusalLabels {
    reason: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct StageLabels {
    stage: &'static str,
}

/// Labels of the series `framegate_build_info`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct BuildLabels {
    pub version: &'static str,
    pub backend: &'static str,
    pub device: String,
    pub model: String,
}

impl Default for Metrics {
    /// Every series at zero.
    fn default() -> Self {
        // From half a millisecond to 16 seconds.
        let seconds = || Histogram::new(exponential_buckets(0.0005, 2.0, 16));
        let mut metrics = Self {
            registry: Registry::with_prefix("framegate"),
            sessions: Gauge::default(),
            capacity: Gauge::default(),
            load: Gauge::default(),
            frames: Family::default(),
            drops: Family::default(),
            slow_downs: Counter::default(),
            device_failures: Counter::default(),
            backend_changes: Counter::default(),
            refused: Family::default(),
            stages: Family::new_with_constructor(|| {
                // A stage can be much shorter than a frame's age.
                Histogram::new(exponential_buckets(0.000_062_5, 2.0, 18))
            }),
            ages: seconds(),
            batches: Histogram::new(linear_buckets(1.0, 1.0, 16)),
            build: Family::default(),
        };
        metrics.register();
        // A series that exists before its first event can be distinguished from one that is missing.
        for outcome in [RESULT, DROPPED, INVALID, FAILED] {
            drop(metrics.frames.get_or_create(&FrameLabels { outcome }));
        }
        for reason in DropReason::ALL {
            drop(metrics.drops.get_or_create(&DropLabels { reason: reason.name() }));
        }
        for reason in RefusalReason::ALL {
            drop(metrics.refused.get_or_create(&RefusalLabels { reason: reason.name() }));
        }
        metrics
    }
}

impl Metrics {
    fn register(&mut self) {
        let registry = &mut self.registry;
        registry.register("sessions_active", "Sessions that are connected", self.sessions.clone());
        registry.register(
            "capacity_sessions",
            "Sessions that the server is meant for",
            self.capacity.clone(),
        );
        registry.register(
            "load_ratio",
            "What the sessions ask for in relation to what there is; above 1 frames are dropped",
            self.load.clone(),
        );
        registry.register("frames", "Frames by what became of them", self.frames.clone());
        registry.register("drops", "Frames dropped, by reason", self.drops.clone());
        registry.register("slow_downs", "Warnings to slow down", self.slow_downs.clone());
        registry.register(
            "device_failures",
            "Times that a device failed or was found to compute wrong numbers",
            self.device_failures.clone(),
        );
        registry.register(
            "backend_changes",
            "Pipelines that moved to another backend",
            self.backend_changes.clone(),
        );
        registry.register(
            "refused",
            "Connections, sessions and requests refused, by reason",
            self.refused.clone(),
        );
        registry.register(
            "stage_seconds",
            "Seconds that a frame spent in each stage",
            self.stages.clone(),
        );
        registry.register(
            "frame_age_seconds",
            "From a frame's last byte read to its result handed to the socket",
            self.ages.clone(),
        );
        registry.register("batch_size", "Frames run through a model at once", self.batches.clone());
        registry.register("build_info", "What runs here", self.build.clone());
    }

    /// Counts a session that has begun.
    pub fn session_began(&self) {
        self.sessions.inc();
    }

    /// Number of sessions that are connected.
    pub fn sessions(&self) -> usize {
        usize::try_from(self.sessions.get()).unwrap_or(0)
    }

    /// Counts a session that has ended.
    pub fn session_ended(&self) {
        self.sessions.dec();
    }

    /// Notes the number of sessions that the server is meant for.
    pub fn set_capacity(&self, sessions: usize) {
        self.capacity.set(i64::try_from(sessions).unwrap_or(i64::MAX));
    }

    /// Notes the load.
    pub fn set_load(&self, ratio: f64) {
        self.load.set(ratio);
    }

    /// Counts a frame by what became of it.
    pub fn count(&self, outcome: MessageOutcome) {
        let outcome = match outcome {
            MessageOutcome::Result => RESULT,
            MessageOutcome::Invalid => INVALID,
            MessageOutcome::Failed => FAILED,
            MessageOutcome::Dropped(reason) => {
                self.drops.get_or_create(&DropLabels { reason: reason.name() }).inc();
                DROPPED
            }
        };
        self.frames.get_or_create(&FrameLabels { outcome }).inc();
    }

    /// Counts a warning to slow down.
    pub fn count_slow_down(&self) {
        self.slow_downs.inc();
    }

    /// Counts a refusal.
    pub fn count_refusal(&self, reason: RefusalReason) {
        self.refused.get_or_create(&RefusalLabels { reason: reason.name() }).inc();
    }

    /// Records how long a frame spent in each stage.
    pub fn observe_stages(&self, times: &StageTimes) {
        for (stage, duration) in times.iter() {
            let labels = StageLabels { stage: stage.name() };
            self.stages.get_or_create(&labels).observe(duration.as_secs_f64());
        }
    }

    /// Records how old a frame was when its result was handed to the socket.
    pub fn observe_age(&self, age: Duration) {
        self.ages.observe(age.as_secs_f64());
    }

    /// A function that records the size of a batch.
    pub fn batch_observer(&self) -> impl Fn(usize) + Send + 'static {
        let batches = self.batches.clone();
        move |frames| batches.observe(frames as f64)
    }

    /// Records what runs here now.
    pub fn describe(&self, builds: impl Iterator<Item = BuildLabels>) {
        self.build.clear();
        for build in builds {
            self.build.get_or_create(&build).set(1);
        }
    }

    /// A function that counts a failure of a device.
    pub fn device_failure_observer(&self) -> impl Fn() + Send + use<> {
        let failures = self.device_failures.clone();
        move || {
            failures.inc();
        }
    }

    /// A function that counts a pipeline that moved to another backend.
    pub fn backend_change_observer(&self) -> impl Fn() + Send + use<> {
        let changes = self.backend_changes.clone();
        move || {
            changes.inc();
        }
    }

    /// Everything as Prometheus text.
    pub fn encode(&self) -> String {
        let mut text = String::new();
        prometheus_text::encode(&mut text, &self.registry)
            .expect("writing to a string cannot fail");
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_series_have_the_names_of_the_protocol() {
        let metrics = Metrics::default();
        metrics.session_began();
        metrics.set_capacity(10);
        metrics.set_load(0.25);
        metrics.count(MessageOutcome::Result);
        metrics.count(MessageOutcome::Dropped(DropReason::Busy));
        metrics.count_slow_down();
        metrics.observe_age(Duration::from_millis(20));
        metrics.batch_observer()(4);
        let build = BuildLabels {
            version: "1",
            backend: "flex",
            device: "a \"quoted\" name".to_owned(),
            model: "m".to_owned(),
        };
        metrics.describe([build].into_iter());
        let text = metrics.encode();
        for line in [
            "framegate_sessions_active 1",
            "framegate_capacity_sessions 10",
            "framegate_load_ratio 0.25",
            "framegate_frames_total{outcome=\"result\"} 1",
            "framegate_frames_total{outcome=\"dropped\"} 1",
            "framegate_frames_total{outcome=\"invalid\"} 0",
            "framegate_frames_total{outcome=\"failed\"} 0",
            "framegate_drops_total{reason=\"stale\"} 0",
            "framegate_drops_total{reason=\"busy\"} 1",
            "framegate_slow_downs_total 1",
            "framegate_frame_age_seconds_count 1",
            "framegate_batch_size_bucket{le=\"4\"} 1",
            "framegate_build_info{version=\"1\",backend=\"flex\",device=\"a \\\"quoted\\\" name\",model=\"m\"} 1",
        ] {
            assert!(text.lines().any(|found| found == line), "no `{line}` in:\n{text}");
        }
    }
}
