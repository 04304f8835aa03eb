//! Which cameras are up, for Prometheus.

use prometheus_client::encoding::{EncodeLabelSet, prometheus_text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

/// The series of the cameras that are watched. Their names are labels: they come from the command line.
#[derive(Debug)]
pub struct WatchMetrics {
    registry: Registry,
    up: Family<SourceLabels, Gauge>,
    reconnects: Family<SourceLabels, Counter>,
    frames: Family<FrameLabels, Counter>,
}

/// Whether a camera's frame was answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    Result,
    Dropped,
    Failed,
}

impl Outcome {
    const ALL: [Self; 3] = [Self::Result, Self::Dropped, Self::Failed];

    fn name(self) -> &'static str {
        match self {
            Self::Result => "result",
            Self::Dropped => "dropped",
            Self::Failed => "failed",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct SourceLabels {
    source: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct FrameLabels {
    source: String,
    outcome: &'static str,
}

impl WatchMetrics {
    /// The series of these cameras, at zero.
    pub fn of<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        let mut registry = Registry::with_prefix("framegate");
        let up: Family<SourceLabels, Gauge> = Family::default();
        let reconnects: Family<SourceLabels, Counter> = Family::default();
        let frames: Family<FrameLabels, Counter> = Family::default();
        registry.register("source_up", "1 while the camera delivers", up.clone());
        registry.register(
            "source_reconnects",
            "Lost connections to the camera",
            reconnects.clone(),
        );
        registry.register("source_frames", "The camera's frames by outcome", frames.clone());
        for name in names {
            let labels = SourceLabels { source: name.to_owned() };
            drop(up.get_or_create(&labels));
            drop(reconnects.get_or_create(&labels));
            for outcome in Outcome::ALL {
                let source = name.to_owned();
                drop(frames.get_or_create(&FrameLabels { source, outcome: outcome.name() }));
            }
        }
        Self { registry, up, reconnects, frames }
    }

    pub(super) fn set_up(&self, source: &str, up: bool) {
        self.up.get_or_create(&SourceLabels { source: source.to_owned() }).set(up.into());
    }

    pub(super) fn count_reconnect(&self, source: &str) {
        self.reconnects.get_or_create(&SourceLabels { source: source.to_owned() }).inc();
    }

    pub(super) fn count(&self, source: &str, outcome: Outcome) {
        let source = source.to_owned();
        self.frames.get_or_create(&FrameLabels { source, outcome: outcome.name() }).inc();
    }

    /// The text that Prometheus reads.
    pub fn encode(&self) -> String {
        let mut text = String::new();
        prometheus_text::encode(&mut text, &self.registry).expect("a string takes everything");
        text
    }
}
