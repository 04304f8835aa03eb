//! A camera's side of the sinks: turns its results into changes.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::Sinks;
use super::change::{Change, ChangeKind, now as time_now};
use super::presence::Presence;
use crate::stages::Detection;

/// Observes one camera.
#[derive(Debug)]
pub(in crate::watch) struct Observer {
    source: Arc<str>,
    sinks: Sinks,
    presence: Presence,
    /// The texts that are there.
    texts: Presence,
    is_up: bool,
}

impl Observer {
    pub(in crate::watch) fn new(source: &str, sinks: Sinks) -> Self {
        let source = source.into();
        let (presence, texts) = (Presence::default(), Presence::default());
        Self { source, sinks, presence, texts, is_up: false }
    }

    pub(in crate::watch) fn up(&mut self) {
        self.is_up = true;
        self.report(ChangeKind::Up);
    }

    pub(in crate::watch) fn down(&mut self) {
        if std::mem::take(&mut self.is_up) {
            self.report(ChangeKind::Down);
        }
    }

    pub(in crate::watch) fn detections(&mut self, detections: &[Detection], now: Instant) {
        if self.sinks.is_empty() {
            return;
        }
        // The highest score comes first.
        for detection in detections {
            if self.presence.see(&detection.label, now) {
                let (label, score) = (Arc::clone(&detection.label), detection.score);
                self.report(ChangeKind::Appeared { label, score });
            }
            let text = detection.text.as_deref().map(Arc::from);
            if let Some(text) = text.filter(|text| self.texts.see(text, now)) {
                let label = Arc::clone(&detection.label);
                self.report(ChangeKind::Read { label, text, format: detection.format });
            }
        }
    }

    /// When [`Observer::expire`] is to be called.
    pub(in crate::watch) fn next_expiry(&self) -> Option<Instant> {
        self.presence.next_expiry().into_iter().chain(self.texts.next_expiry()).min()
    }

    pub(in crate::watch) fn expire(&mut self, now: Instant) {
        self.texts.expire(now);
        let left = self.presence.expire(now);
        self.report_left(left);
    }

    /// The camera is not watched any more.
    pub(in crate::watch) fn end(&mut self) {
        let left = self.presence.end();
        self.report_left(left);
        self.down();
    }

    fn report_left(&self, left: Vec<(Arc<str>, Duration)>) {
        for (label, time) in left {
            let seconds = (time.as_secs_f64() * 1000.0).round() / 1000.0;
            self.report(ChangeKind::Left { label, seconds });
        }
    }

    fn report(&self, kind: ChangeKind) {
        if !self.sinks.is_empty() {
            let source = Arc::clone(&self.source);
            self.sinks.report(&Change { source, time: time_now(), kind });
        }
    }
}
