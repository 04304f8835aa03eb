//! The backend that runs a pipeline at present: when a device is lost, another takes its place.

use std::time::{Duration, Instant};

use tokio::sync::watch;

use super::metrics::Metrics;
use crate::backends::{DeviceEvent, Selected};

/// The backend and the device that run a pipeline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunsOn {
    /// Name of the backend.
    pub backend: &'static str,
    /// Name of the device that the backend runs on.
    pub device: String,
    /// It is not the backend that was chosen: that one was lost.
    pub is_degraded: bool,
    /// How it does.
    pub batches: Batches,
}

/// How the batches of a pipeline go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Batches {
    /// When the one that is under way began.
    since: Option<Instant>,
    /// How long they take of late, on average.
    average: Duration,
    /// No device ran the last one.
    failed: bool,
}

impl Batches {
    /// No batch takes this long, however short they are on average.
    const LEAST: Duration = Duration::from_secs(10);
    /// Times the average that are too long.
    const TIMES: u32 = 20;

    /// Whether frames are not answered: no device is left, or the one there is hangs.
    pub fn fail(&self, now: Instant) -> bool {
        let limit = Self::LEAST.max(Self::TIMES * self.average);
        self.failed || self.since.is_some_and(|since| now.duration_since(since) >= limit)
    }

    fn begin(&mut self, now: Instant) {
        self.since = Some(now);
    }

    fn end(&mut self, now: Instant, works: bool) {
        let Some(since) = self.since.take() else { return };
        self.failed = !works;
        if works {
            // Of the last ten or so.
            self.average = (9 * self.average + now.duration_since(since)) / 10;
        }
    }
}

/// The backend of a pipeline, now and after every change.
pub type RunsOnWatch = watch::Receiver<RunsOn>;

impl RunsOn {
    /// Follows a pipeline that starts on `selected`: the function is to be called with what becomes of its device.
    pub fn observe(
        selected: &Selected,
        metrics: &Metrics,
    ) -> (impl Fn(DeviceEvent) + Send + 'static, RunsOnWatch) {
        let (now, watch) = watch::channel(Self::of(selected, false));
        let (count_failure, count_change) =
            (metrics.device_failure_observer(), metrics.backend_change_observer());
        // These changes are looked at, not waited for.
        let note = |now: &watch::Sender<Self>, change: &dyn Fn(&mut Batches)| {
            now.send_if_modified(|runs_on| {
                change(&mut runs_on.batches);
                false
            });
        };
        let observe = move |event| match event {
            DeviceEvent::Began => note(&now, &|batches| batches.begin(Instant::now())),
            DeviceEvent::Ended { works } => {
                note(&now, &|batches| batches.end(Instant::now(), works));
            }
            DeviceEvent::Failed => count_failure(),
            DeviceEvent::MovedTo(selected) => {
                count_change();
                now.send_modify(|runs_on| {
                    let batches = runs_on.batches;
                    *runs_on = Self { batches, ..Self::of(&selected, true) };
                });
            }
        };
        (observe, watch)
    }

    fn of(selected: &Selected, is_degraded: bool) -> Self {
        let device = selected.device.name.clone();
        let batches = Batches::default();
        Self { backend: selected.backend.name(), device, is_degraded, batches }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_that_takes_far_longer_than_the_average_and_one_that_no_device_runs_are_failures() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut batches = Batches::default();
        batches.begin(start);
        assert!(!batches.fail(at(9)) && batches.fail(at(10)));
        batches.end(at(10), true);
        assert!(!batches.fail(at(100)), "it has nothing to do");
        // The average is a second by now.
        batches.begin(at(100));
        assert!(!batches.fail(at(119)) && batches.fail(at(120)));
        batches.end(at(101), false);
        assert!(batches.fail(at(101)));
        batches.begin(at(200));
        batches.end(at(200), true);
        assert!(!batches.fail(at(200)), "it works again");
    }
}
