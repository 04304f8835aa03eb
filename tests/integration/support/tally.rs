//! Counts what a streaming client sends and hears, and checks that it adds up.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use bytes::Bytes;
use framegate::protocol::ServerMessage;
use futures_util::{SinkExt, StreamExt};
use serde_json::Value;
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval};
use tokio_tungstenite::tungstenite::Message;

use super::client::{Client, Said, said};

/// What became of one frame.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Heard {
    Result { at: Duration, age_ms: f64, total_ms: f64 },
    Dropped { at: Duration, reason: String },
    Failed { at: Duration, code: String },
}

/// Everything that one client sent and heard.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) sent: u64,
    /// By frame number.
    pub(crate) heard: BTreeMap<u64, Heard>,
    pub(crate) warnings: Vec<(Duration, f64, f64)>,
    pub(crate) recovered: Vec<Duration>,
    /// Results with at least one detection of this label.
    pub(crate) labels: BTreeMap<String, usize>,
    /// Errors that do not concern a counted frame.
    pub(crate) invalid: u64,
    pub(crate) closed: Option<Option<u16>>,
}

impl Tally {
    fn note(&mut self, message: Value, at: Duration) {
        let (index, heard) = match serde_json::from_value(message).unwrap() {
            ServerMessage::Result(message) => {
                let found = &message.result.detections;
                let labels: BTreeSet<&str> = found.iter().map(|one| &*one.label).collect();
                for label in labels {
                    *self.labels.entry(label.to_owned()).or_default() += 1;
                }
                let (age_ms, total_ms) = (message.age_ms, message.timings_ms.total);
                (message.frame_index, Heard::Result { at, age_ms, total_ms })
            }
            ServerMessage::Dropped(message) => {
                let reason = message.reason.name().to_owned();
                (message.frame_index, Heard::Dropped { at, reason })
            }
            ServerMessage::Error(message) => {
                let Some(index) = message.frame_index else {
                    self.invalid += 1;
                    return;
                };
                (index, Heard::Failed { at, code: message.error.name().to_owned() })
            }
            ServerMessage::SlowDown(message) => {
                return self.warnings.push((at, message.recommended_fps, message.drop_rate));
            }
            ServerMessage::Recovered(_) => return self.recovered.push(at),
            ServerMessage::Draining(_) => return,
            other => panic!("nobody asked for {other:?}"),
        };
        let before = self.heard.insert(index, heard);
        assert_eq!(before, None, "frame {index} has one outcome");
    }

    pub(crate) fn results(&self) -> impl Iterator<Item = (Duration, f64, f64)> {
        self.heard.values().filter_map(|heard| match heard {
            Heard::Result { at, age_ms, total_ms } => Some((*at, *age_ms, *total_ms)),
            _ => None,
        })
    }

    pub(crate) fn dropped(&self) -> impl Iterator<Item = (Duration, &str)> {
        self.heard.values().filter_map(|heard| match heard {
            Heard::Dropped { at, reason } => Some((*at, reason.as_str())),
            _ => None,
        })
    }

    pub(crate) fn failed(&self) -> usize {
        self.heard.values().filter(|heard| matches!(heard, Heard::Failed { .. })).count()
    }

    /// Asserts that each frame sent has exactly one outcome.
    #[track_caller]
    pub(crate) fn assert_accounted(&self) {
        let expected: Vec<u64> = (1..=self.sent - self.invalid).collect();
        let heard: Vec<u64> = self.heard.keys().copied().collect();
        assert_eq!(heard, expected, "every frame is answered once");
    }

    /// The age below which this share of the results were, in milliseconds.
    pub(crate) fn age_ms(&self, share: f64) -> f64 {
        let mut ages: Vec<f64> = self.results().map(|(_, age, _)| age).collect();
        ages.sort_by(f64::total_cmp);
        ages.get((ages.len() as f64 * share) as usize).or(ages.last()).copied().unwrap_or(f64::NAN)
    }
}

/// How a client streams.
#[derive(Debug, Clone)]
pub(crate) struct Streaming {
    /// Sent one after another, again and again.
    pub(crate) frames: Vec<Bytes>,
    pub(crate) fps: f64,
    /// Follows the recommended rate from this time on, if there is one.
    pub(crate) follows_advice_after: Duration,
    pub(crate) duration: Duration,
}

impl Streaming {
    /// At a constant rate.
    pub(crate) fn steady(frame: &Bytes, fps: f64, duration: Duration) -> Self {
        Self { frames: vec![frame.clone()], fps, follows_advice_after: Duration::MAX, duration }
    }
}

/// Streams, and waits a little for the last replies.
pub(crate) async fn stream(client: Client, streaming: Streaming) -> Tally {
    let (mut sink, mut heard) = client.split();
    let start = Instant::now();
    let (rate, mut current_rate) = watch::channel(streaming.fps);
    let (ended, mut has_ended) = watch::channel(None);
    let sending = async move {
        let mut sent = 0;
        let mut frames = streaming.frames.into_iter().cycle();
        let ticks = |fps: f64| {
            let mut ticks = interval(Duration::from_secs_f64(1.0 / fps));
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            ticks
        };
        let mut tick = ticks(streaming.fps);
        while start.elapsed() < streaming.duration {
            tokio::select! {
                _ = tick.tick() => {
                    let frame = frames.next().expect("there is at least one frame");
                    if sink.send(Message::Binary(frame)).await.is_err() {
                        break;
                    }
                    sent += 1;
                }
                Ok(()) = current_rate.changed() => {
                    tick = ticks(*current_rate.borrow_and_update());
                    tick.reset();
                }
            }
        }
        ended.send_replace(Some(sent));
        // The connection stays open until every reply has arrived.
        (sink, ended)
    };
    let hearing = async move {
        let mut tally = Tally::default();
        loop {
            let sent: Option<u64> = *has_ended.borrow_and_update();
            if let Some(sent) = sent {
                tally.sent = sent;
                if tally.heard.len() as u64 + tally.invalid >= sent {
                    return tally;
                }
            }
            tokio::select! {
                next = heard.next() => match said(next) {
                    Some(Said::Message(message)) => {
                        let is_warning = message["warning"] == "slow_down";
                        tally.note(message, start.elapsed());
                        let follows = start.elapsed() >= streaming.follows_advice_after;
                        if let (true, Some((_, fps, _))) = (follows, tally.warnings.last())
                            && is_warning
                        {
                            rate.send_replace(*fps);
                        }
                    }
                    Some(Said::Closed(code)) => {
                        tally.closed = Some(code);
                        return tally;
                    }
                    None => {}
                },
                _ = has_ended.changed(), if sent.is_none() => {}
                () = tokio::time::sleep(Duration::from_secs(5)), if sent.is_some() => return tally,
            }
        }
    };
    let (_open, tally) = tokio::join!(sending, hearing);
    tally
}
