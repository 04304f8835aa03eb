//! The backend that runs a pipeline at present: when a device is lost, another takes its place.

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
        let observe = move |event| match event {
            DeviceEvent::Failed => count_failure(),
            DeviceEvent::MovedTo(selected) => {
                count_change();
                now.send_replace(Self::of(&selected, true));
            }
        };
        (observe, watch)
    }

    fn of(selected: &Selected, is_degraded: bool) -> Self {
        let device = selected.device.name.clone();
        Self { backend: selected.backend.name(), device, is_degraded }
    }
}
