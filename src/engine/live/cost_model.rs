//! The cost of a frame, in seconds of the server: those of the workers of its lane or those of the device,
//! whichever is more.

use std::time::Duration;

use super::fairness::OfferedLoad;
use super::ids::{Client, PipelineId};
use super::lanes::Lane;
use super::service_times::ServiceTimes;

/// Least that any frame is charged, one that is refused for its header included: handing it from thread to
/// thread, and answering it.
pub(super) const LEAST_COST: Duration = Duration::from_micros(50);

/// The present cost of frames.
#[derive(Debug, Clone, Copy)]
pub(super) struct CostModel<'a> {
    pub(super) service: &'a [ServiceTimes],
    pub(super) offered: &'a OfferedLoad,
    /// Workers of the fast lane.
    pub(super) pool: usize,
}

impl CostModel<'_> {
    /// The charge for a frame that takes a worker this long and may reach the device.
    pub(super) fn charge(
        &self,
        client: Client,
        pipeline: PipelineId,
        lane: Lane,
        worker: Duration,
        reaches_device: bool,
    ) -> Duration {
        let device = match reaches_device {
            true => {
                let streams = self.offered.streams(pipeline.index());
                let seconds = self.service[pipeline.index()].seconds_per_frame(streams);
                Duration::try_from_secs_f64(seconds).unwrap_or(LEAST_COST)
            }
            false => LEAST_COST,
        };
        let cost = self.share(lane, worker).max(device).max(LEAST_COST);
        cost.saturating_mul(self.times_charged(client))
    }

    /// The charge for the codes of a frame that take a worker this long to read.
    pub(super) fn charge_reading(&self, client: Client, worker: Duration) -> Duration {
        self.share(Lane::Slow, worker).saturating_mul(self.times_charged(client))
    }

    fn times_charged(&self, client: Client) -> u32 {
        u32::try_from(self.offered.times_charged(client)).unwrap_or(u32::MAX)
    }

    /// The part of a lane's time that a frame takes which keeps one worker busy this long.
    pub(super) fn share(&self, lane: Lane, worker: Duration) -> Duration {
        worker / u32::try_from(lane.workers(self.pool)).unwrap_or(u32::MAX)
    }
}
