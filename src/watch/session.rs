//! A camera's session: its frames into the engine, the results out.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use super::address::CameraAddress;
use super::analyser::{Analyser, Analysers};
use super::answer::{Answer, AnswerOutcome};
use super::attention::Attention;
use super::camera::{AddressedCamera, CameraFrame, CameraLimits, Images, Taking};
use super::keep_up::{Event, keep_up};
use super::line::line;
use super::lines::Lines;
use super::metrics::{CameraMetrics, WatchMetrics};
use super::sinks::{Observer, SinkAddresses};
use crate::error_chain::error_chain;

/// Longest time between two frames that is advised and followed.
const LONGEST_INTERVAL: Duration = Duration::from_secs(100);

/// The cameras that are watched, and where results go.
pub struct Watched {
    /// The cameras.
    pub cameras: Vec<CameraAddress>,
    /// Bounds of their frames.
    pub limits: CameraLimits,
    /// Gets every result as a line of JSON; results are left out while it is full.
    pub lines: mpsc::Sender<String>,
    /// The sinks that learn of changes.
    pub sinks: SinkAddresses,
}

/// Watches cameras until `stop` is cancelled or every one was a file that has ended.
pub async fn watch(
    watched: Watched,
    analysers: Analysers<'_>,
    metrics: &WatchMetrics,
    stop: CancellationToken,
) {
    let Watched { cameras, limits, lines, sinks } = watched;
    let images = match analysers {
        Analysers::Engine(..) => Images::Decoded,
        Analysers::Server(_) => Images::Jpeg,
    };
    let names = cameras.iter().map(|camera| camera.name().to_owned()).collect();
    let (sinks, running) = sinks.start(names, metrics.lost_changes());
    let mut sessions = JoinSet::new();
    for address in cameras {
        let analyser = match analysers.open(address.name()) {
            Ok(analyser) => analyser,
            Err(error) => return tracing::error!(%error, "no session"),
        };
        let attention = Arc::new(Attention::new(limits.key_frames));
        let taking = Taking { limits, images, attention: Arc::clone(&attention) };
        let metrics = metrics.camera(address.name());
        metrics.analyser_up.set(analyser.is_up().into());
        let session = CameraSession {
            name: address.name().to_owned(),
            metrics,
            lines: Lines::new(lines.clone()),
            observer: Observer::new(address.name(), sinks.clone(), analyser.is_up()),
            analyser,
            is_up: false,
            attention,
            pace: Pace::new(limits.fps),
            frame_index: 0,
            in_flight: 0,
        };
        sessions.spawn(session.run(AddressedCamera::new(address, taking), stop.clone()));
    }
    drop(sinks);
    while sessions.join_next().await.is_some() {}
    running.end().await;
}

struct CameraSession {
    name: String,
    analyser: Analyser,
    metrics: CameraMetrics,
    lines: Lines,
    /// Whether the camera delivers.
    is_up: bool,
    observer: Observer,
    attention: Arc<Attention>,
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
                () = stop.cancelled() => break,
                event = events.recv(), if !ended => match event {
                    Some(event) => ended = self.on_event(event),
                    None => ended = true,
                },
                answer = self.analyser.next() => self.on_answer(answer),
            }
        }
        self.observer.end();
    }

    /// Whether that was the last event.
    fn on_event(&mut self, event: Event) -> bool {
        let source = &self.name;
        match event {
            Event::Frame(frame) => {
                if !std::mem::replace(&mut self.is_up, true) {
                    self.metrics.up.set(1);
                    self.observer.camera(true);
                    tracing::info!(%source, "source_up");
                }
                self.on_frame(frame);
            }
            Event::Down(error, wait) => {
                self.is_up = false;
                self.metrics.up.set(0);
                self.metrics.reconnects.inc();
                self.observer.camera(false);
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

    fn on_frame(&mut self, frame: CameraFrame) {
        let CameraFrame { payload, received, left_out } = frame;
        self.metrics.dropped.inc_by(left_out);
        if !self.pace.admits(received) {
            return;
        }
        self.frame_index += 1;
        match self.analyser.offer(self.frame_index, received, payload) {
            Ok(()) => self.in_flight += 1,
            Err(_) => {
                self.metrics.dropped.inc();
            }
        }
    }

    fn on_answer(&mut self, answer: Answer) {
        let (frame_index, received, outcome) = match answer {
            Answer::Frame { frame_index, received, outcome } => (frame_index, received, outcome),
            Answer::Advice { fps } => return self.pace.advise(fps),
            Answer::Up => return self.on_analyser(true),
            Answer::Down => return self.on_analyser(false),
        };
        self.in_flight -= 1;
        let CameraMetrics { results, dropped, failed, unread, .. } = &self.metrics;
        let (count, result) = match outcome {
            AnswerOutcome::Dropped => {
                dropped.inc();
                return;
            }
            AnswerOutcome::Result(result, timings) => (results, Ok((result, timings))),
            AnswerOutcome::Failed(error) => {
                if let Some(cause) = &error.cause {
                    tracing::warn!(source = %self.name, frame_index, %cause, "frame_failed");
                }
                (failed, Err(error))
            }
        };
        if let Ok((result, _)) = &result {
            if !result.detections.is_empty() {
                self.attention.notice(Instant::now());
            }
            self.observer.detections(&result.detections, Instant::now());
        }
        // Counted first: the reader of a line finds its frame in the metrics.
        match self.lines.place(&self.name) {
            Some(place) => {
                count.inc();
                place.send(line(&self.name, frame_index, received, result));
            }
            None => {
                unread.inc();
            }
        }
    }

    fn on_analyser(&mut self, is_up: bool) {
        self.metrics.analyser_up.set(is_up.into());
        self.observer.analyser(is_up);
    }
}

/// Thins frames out to a rate, evenly over time.
#[derive(Debug)]
struct Pace {
    /// The interval that is wanted.
    wanted: Duration,
    interval: Duration,
    due: Option<Instant>,
}

impl Pace {
    fn new(fps: Option<f64>) -> Self {
        let wanted = fps.map_or(Duration::ZERO, |fps| Duration::from_secs_f64(1.0 / fps));
        Self { wanted, interval: wanted, due: None }
    }

    /// Takes no more than this rate, and no more than what is wanted.
    fn advise(&mut self, fps: f64) {
        let advised = Duration::try_from_secs_f64(1.0 / fps).unwrap_or(LONGEST_INTERVAL);
        self.interval = self.wanted.max(advised.min(LONGEST_INTERVAL));
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
        // A server may lower the rate, but not raise it.
        pace.advise(5.0);
        let admitted = (0..90).filter(|frame| pace.admits(at(70_000 + frame * 1000 / 30))).count();
        assert!((14..=17).contains(&admitted), "{admitted}");
        pace.advise(1000.0);
        let admitted = (0..90).filter(|frame| pace.admits(at(80_000 + frame * 1000 / 30))).count();
        assert!((29..=31).contains(&admitted), "{admitted}");
        let mut every = Pace::new(None);
        assert!((0..5).all(|_| every.admits(begin)));
    }
}
