//! A camera's session: its frames into the engine, the results out.

use std::time::{Duration, Instant};

use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use super::address::CameraAddress;
use super::camera::{AddressedCamera, CameraLimits};
use super::keep_up::{Event, keep_up};
use super::line::line;
use super::metrics::{CameraMetrics, WatchMetrics};
use crate::engine::{Client, Engine, FrameOutcome, FramePayload, PipelineId, Reply, StreamHandle};
use crate::error_chain::error_chain;

/// Watches cameras until `stop` is cancelled or every one was a file that has ended. Every result is sent
/// to `lines` as a line of JSON; results are dropped while these are full.
pub async fn watch(
    cameras: Vec<CameraAddress>,
    limits: CameraLimits,
    (engine, pipeline): (&Engine, PipelineId),
    metrics: &WatchMetrics,
    lines: mpsc::Sender<String>,
    stop: CancellationToken,
) {
    let mut sessions = JoinSet::new();
    for address in cameras {
        let handle = match engine.open(pipeline, Client::Own) {
            Ok(handle) => handle,
            Err(error) => return tracing::error!(%error, "no session"),
        };
        let session = CameraSession {
            name: address.name().to_owned(),
            handle,
            metrics: metrics.camera(address.name()),
            lines: lines.clone(),
            pace: Pace::new(limits.fps),
            frame_index: 0,
            in_flight: 0,
        };
        sessions.spawn(session.run(AddressedCamera { address, limits }, stop.clone()));
    }
    drop(lines);
    while sessions.join_next().await.is_some() {}
}

struct CameraSession {
    name: String,
    handle: StreamHandle,
    metrics: CameraMetrics,
    lines: mpsc::Sender<String>,
    pace: Pace,
    frame_index: u64,
    in_flight: u64,
}

impl CameraSession {
    async fn run(mut self, camera: AddressedCamera, stop: CancellationToken) {
        // Room for one: a frame that waits grows old.
        let (sender, mut events) = mpsc::channel(1);
        let _keeping_up = AbortOnDropHandle::new(tokio::spawn(keep_up(camera, sender)));
        let mut ended = false;
        while !ended || self.in_flight > 0 {
            tokio::select! {
                () = stop.cancelled() => return,
                event = events.recv(), if !ended => match event {
                    Some(event) => ended = self.on_event(event),
                    None => ended = true,
                },
                reply = self.handle.next_reply() => self.on_reply(reply),
            }
        }
    }

    /// Whether that was the last event.
    fn on_event(&mut self, event: Event) -> bool {
        let source = &self.name;
        match event {
            Event::Up => {
                self.metrics.up.set(1);
                tracing::info!(%source, "source_up");
            }
            Event::Frame(payload) => self.on_frame(payload),
            Event::Down(error, wait) => {
                self.metrics.up.set(0);
                self.metrics.reconnects.inc();
                let wait_s = wait.as_secs_f64();
                tracing::warn!(%source, error = error_chain(&error), wait_s, "source_down");
            }
            Event::Ended => {
                self.metrics.up.set(0);
                tracing::info!(%source, "source_ended");
                return true;
            }
        }
        false
    }

    fn on_frame(&mut self, payload: FramePayload) {
        let received = Instant::now();
        if !self.pace.admits(received) {
            return;
        }
        self.frame_index += 1;
        match self.handle.offer(self.frame_index, received, payload) {
            Ok(()) => self.in_flight += 1,
            Err(_) => {
                self.metrics.dropped.inc();
            }
        }
    }

    fn on_reply(&mut self, reply: Reply) {
        self.in_flight -= 1;
        let Reply { frame_index, received, outcome } = reply;
        let CameraMetrics { results, dropped, failed, .. } = &self.metrics;
        let (count, result) = match outcome {
            FrameOutcome::Dropped(_) => {
                dropped.inc();
                return;
            }
            FrameOutcome::Result(result) => (results, Ok(result)),
            FrameOutcome::Failed(error) => {
                if let Some(cause) = &error.cause {
                    tracing::warn!(source = %self.name, frame_index, %cause, "frame_failed");
                }
                (failed, Err(error))
            }
        };
        // Counted first: the reader of a line finds its frame in the metrics.
        match self.lines.try_reserve() {
            Ok(place) => {
                count.inc();
                place.send(line(&self.name, frame_index, received, result));
            }
            Err(_) => {
                dropped.inc();
            }
        }
    }
}

/// Thins frames out to a rate, evenly over time.
#[derive(Debug)]
struct Pace {
    interval: Duration,
    due: Option<Instant>,
}

impl Pace {
    fn new(fps: Option<f64>) -> Self {
        Self {
            interval: fps.map_or(Duration::ZERO, |fps| Duration::from_secs_f64(1.0 / fps)),
            due: None,
        }
    }

    fn admits(&mut self, now: Instant) -> bool {
        let due = self.due.unwrap_or(now);
        if now < due {
            return false;
        }
        // From the time that was due, so that rounding to frames does not lower the rate; but nothing is
        // caught up after a gap.
        self.due = Some((due + self.interval).max(now + self.interval / 2));
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_kept_on_average_and_nothing_is_caught_up() {
        let begin = Instant::now();
        let at = |ms: u64| begin + Duration::from_millis(ms);
        let mut pace = Pace::new(Some(10.0));
        // 30 frames per second for 3 seconds.
        let admitted = (0..90).filter(|frame| pace.admits(at(frame * 1000 / 30))).count();
        assert!((29..=31).contains(&admitted), "{admitted}");
        // A gap of a minute, and a second of frames.
        let admitted = (0..30).filter(|frame| pace.admits(at(63_000 + frame * 33))).count();
        assert!((10..=12).contains(&admitted), "{admitted}");
        let mut every = Pace::new(None);
        assert!((0..5).all(|_| every.admits(begin)));
    }
}
