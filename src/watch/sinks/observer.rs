//! A camera's side of the sinks: turns its results into changes. Without results it is unknown what is before the
//! camera, and nothing changes.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::Sinks;
use super::change::{Change, ChangeKind, DownReason, now as time_now};
use super::presence::{GONE_AFTER, Presence};
use crate::stages::Detection;

/// Observes one camera.
#[derive(Debug)]
pub(in crate::watch) struct Observer {
    source: Arc<str>,
    sinks: Sinks,
    presence: Presence,
    /// The texts that are there.
    texts: Presence,
    /// Whether the camera delivers.
    camera: bool,
    /// Whether there is something to analyse its frames.
    analyser: bool,
    /// Whether results come, as it was reported.
    reported: Option<bool>,
    /// Since when results have been coming.
    since: Option<Instant>,
    /// Whether they have come for long enough to know what is not there.
    is_known: bool,
}

impl Observer {
    /// `analyser` is whether there is something to analyse frames from the start.
    pub(in crate::watch) fn new(source: &str, sinks: Sinks, analyser: bool) -> Self {
        Self {
            source: source.into(),
            sinks,
            presence: Presence::default(),
            texts: Presence::default(),
            camera: false,
            analyser,
            reported: None,
            since: None,
            is_known: false,
        }
    }

    /// The camera delivers, or does not.
    pub(in crate::watch) fn camera(&mut self, is_up: bool) {
        self.camera = is_up;
        self.part(is_up, DownReason::CameraLost);
    }

    /// The server that analyses frames is there, or is not.
    pub(in crate::watch) fn analyser(&mut self, is_up: bool) {
        self.analyser = is_up;
        self.part(is_up, DownReason::ServerLost);
    }

    fn part(&mut self, is_up: bool, reason: DownReason) {
        // Also when it is back: results of frames that were under way may have come after the loss.
        self.pause();
        if !is_up {
            if self.reported != Some(false) {
                self.reported = Some(false);
                self.report(ChangeKind::Down { reason });
            }
        } else if self.camera && self.analyser && self.reported != Some(true) {
            self.reported = Some(true);
            self.report(ChangeKind::Up);
        }
    }

    /// There are no results for now: later ones show afresh what is there.
    fn pause(&mut self) {
        self.presence.pause();
        self.texts.pause();
        self.since = None;
    }

    /// A result of the camera.
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
        self.texts.complete(now);
        let left = self.presence.complete(now);
        self.report_left(left);
        let since = *self.since.get_or_insert(now);
        if now - since >= GONE_AFTER {
            self.report_known();
        }
    }

    /// The camera is not watched any more.
    pub(in crate::watch) fn end(&mut self) {
        let left = self.presence.end();
        self.report_left(left);
        self.report_known();
        if self.reported == Some(true) {
            self.report(ChangeKind::Down { reason: DownReason::Ended });
        }
    }

    fn report_known(&mut self) {
        if !std::mem::replace(&mut self.is_known, true) {
            self.report(ChangeKind::Known);
        }
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

#[cfg(test)]
mod tests {
    use prometheus_client::metrics::counter::Counter;
    use tokio::sync::mpsc;

    use super::*;

    fn observer(analyser: bool) -> (Observer, mpsc::Receiver<Change>) {
        let (sender, changes) = mpsc::channel(100);
        let sinks = Sinks { queues: vec![sender], lost: Counter::default() };
        (Observer::new("yard", sinks, analyser), changes)
    }

    fn reported(changes: &mut mpsc::Receiver<Change>) -> Vec<ChangeKind> {
        std::iter::from_fn(|| changes.try_recv().ok().map(|change| change.kind)).collect()
    }

    #[test]
    fn a_camera_is_up_while_it_and_its_analyser_are() {
        let (mut observer, mut changes) = observer(false);
        observer.camera(true);
        assert!(reported(&mut changes).is_empty(), "nothing is lost yet");
        observer.analyser(true);
        assert_eq!(reported(&mut changes), [ChangeKind::Up]);
        observer.analyser(false);
        let lost = |reason| ChangeKind::Down { reason };
        assert_eq!(reported(&mut changes), [lost(DownReason::ServerLost)]);
        observer.camera(false);
        observer.analyser(true);
        assert!(reported(&mut changes).is_empty(), "it is down already");
        observer.camera(true);
        assert_eq!(reported(&mut changes), [ChangeKind::Up]);
        observer.end();
        assert_eq!(reported(&mut changes), [ChangeKind::Known, lost(DownReason::Ended)]);
    }

    #[test]
    fn a_camera_that_has_never_delivered_is_reported_once() {
        let (mut observer, mut changes) = observer(true);
        observer.camera(false);
        observer.camera(false);
        let reason = DownReason::CameraLost;
        assert_eq!(reported(&mut changes), [ChangeKind::Down { reason }]);
    }

    #[test]
    fn what_is_not_there_is_known_after_a_while_of_results() {
        let (mut observer, mut changes) = observer(true);
        let begin = Instant::now();
        observer.camera(true);
        observer.detections(&[], begin);
        observer.camera(false);
        observer.camera(true);
        reported(&mut changes);
        observer.detections(&[], begin + GONE_AFTER);
        assert!(reported(&mut changes).is_empty(), "there were no results meanwhile");
        observer.detections(&[], begin + 2 * GONE_AFTER);
        observer.detections(&[], begin + 3 * GONE_AFTER);
        assert_eq!(reported(&mut changes), [ChangeKind::Known]);
    }

    #[test]
    fn a_result_that_was_under_way_at_a_loss_shows_nothing_later() {
        let (mut observer, mut changes) = observer(true);
        let begin = Instant::now();
        observer.camera(true);
        observer.presence.see(&"cat".into(), begin);
        observer.camera(false);
        observer.detections(&[], begin + Duration::from_millis(100));
        observer.camera(true);
        reported(&mut changes);
        observer.detections(&[], begin + Duration::from_secs(3600));
        assert!(reported(&mut changes).is_empty(), "one result without it is not enough");
    }
}
