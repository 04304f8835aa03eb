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
    analyser_up: Family<SourceLabels, Gauge>,
    reconnects: Family<SourceLabels, Counter>,
    frames: Family<FrameLabels, Counter>,
    lost_changes: Counter,
}

/// The series of one camera.
#[derive(Debug)]
pub(super) struct CameraMetrics {
    pub(super) up: Gauge,
    pub(super) analyser_up: Gauge,
    pub(super) reconnects: Counter,
    pub(super) results: Counter,
    pub(super) dropped: Counter,
    pub(super) failed: Counter,
    /// Results that standard output had no room for.
    pub(super) unread: Counter,
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
        let analyser_up: Family<SourceLabels, Gauge> = Family::default();
        let reconnects: Family<SourceLabels, Counter> = Family::default();
        let frames: Family<FrameLabels, Counter> = Family::default();
        registry.register("source_up", "1 while the camera delivers", up.clone());
        registry.register(
            "analyser_up",
            "1 while the engine or server that analyses the camera's frames is there",
            analyser_up.clone(),
        );
        registry.register(
            "source_reconnects",
            "Lost connections to the camera",
            reconnects.clone(),
        );
        registry.register("source_frames", "The camera's frames by outcome", frames.clone());
        let lost_changes = Counter::default();
        registry.register(
            "changes_lost",
            "Changes that a webhook or broker did not take",
            lost_changes.clone(),
        );
        let metrics = Self { registry, up, analyser_up, reconnects, frames, lost_changes };
        for name in names {
            // A series that exists before its first event can be distinguished from one that is missing.
            drop(metrics.camera(name));
        }
        metrics
    }

    /// The series of the camera of this name.
    pub(super) fn camera(&self, name: &str) -> CameraMetrics {
        let source = || SourceLabels { source: name.to_owned() };
        let frames = |outcome| {
            self.frames.get_or_create_owned(&FrameLabels { source: name.to_owned(), outcome })
        };
        CameraMetrics {
            up: self.up.get_or_create_owned(&source()),
            analyser_up: self.analyser_up.get_or_create_owned(&source()),
            reconnects: self.reconnects.get_or_create_owned(&source()),
            results: frames("result"),
            dropped: frames("dropped"),
            failed: frames("failed"),
            unread: frames("unread"),
        }
    }

    /// Counts changes that were not passed on.
    pub(super) fn lost_changes(&self) -> Counter {
        self.lost_changes.clone()
    }

    /// The text that Prometheus reads.
    pub fn encode(&self) -> String {
        let mut text = String::new();
        prometheus_text::encode(&mut text, &self.registry).expect("a string takes everything");
        text
    }
}
