//! Transition by transition, without a clock. `tests/integration/flow` tests how many sessions and an engine
//! work together.

use super::*;
use BackpressureState::{Dropping, Normal, SlowDown};

const DEFAULT: DropThresholds = DropThresholds { drop: 0.10, slow_down: 0.30 };

/// A session and its clock.
struct Sender {
    admission: Admission,
    now: Instant,
    last_served: Option<Instant>,
    advice: Vec<(Duration, Advice)>,
    start: Instant,
    shed: u32,
}

impl Sender {
    fn new(thresholds: DropThresholds) -> Self {
        let now = Instant::now();
        let admission = Admission::new(thresholds);
        Self { admission, now, last_served: None, advice: Vec::new(), start: now, shed: 0 }
    }

    /// Sends frames at a rate into this much capacity; those for which `loses` holds are dropped later.
    fn send(&mut self, frames: u32, fps: f64, sustainable_fps: f64, loses: impl Fn(u32) -> bool) {
        for index in 0..frames {
            self.now += Duration::from_secs_f64(1.0 / fps);
            let capacity = Capacity { sustainable_fps, last_served: self.last_served, idle: false };
            let (decision, advice) = self.admission.arrived(self.now, |_| capacity);
            self.advice.extend(advice.map(|advice| (self.now - self.start, advice)));
            match decision {
                Decision::Shed => self.shed += 1,
                Decision::Admit if loses(index) => self.admission.dropped(),
                Decision::Admit => {
                    // It is taken as soon as the device is free.
                    let free = Duration::from_secs_f64(1.0 / sustainable_fps);
                    let free_at = self.last_served.map_or(self.now, |last| last + free);
                    self.last_served = Some(free_at.max(self.now));
                }
            }
        }
    }

    fn state(&self) -> BackpressureState {
        self.admission.state()
    }
}

#[test]
fn a_sender_within_capacity_is_left_alone() {
    let mut sender = Sender::new(DEFAULT);
    sender.send(300, 30.0, 31.0, |_| false);
    assert_eq!((sender.state(), sender.shed), (Normal, 0));
    assert!(sender.advice.is_empty());
}

#[test]
fn a_few_drops_change_nothing() {
    let mut sender = Sender::new(DEFAULT);
    sender.send(300, 30.0, 60.0, |index| index % 11 == 10);
    assert_eq!((sender.state(), sender.shed), (Normal, 0));
}

#[test]
fn an_overrun_session_is_paced_to_what_it_can_sustain() {
    let mut sender = Sender::new(DropThresholds { drop: 1.0, slow_down: 1.0 });
    sender.send(300, 30.0, 10.0, |_| false);
    assert_eq!(sender.state(), Dropping);
    assert!(sender.advice.is_empty(), "1.0 is never exceeded");
    // Ten seconds at 11 fps, one frame early at most each.
    assert!((180..=205).contains(&sender.shed), "{}", sender.shed);
}

#[test]
fn drops_alone_lead_to_dropping_and_then_to_slow_down() {
    let mut sender = Sender::new(DEFAULT);
    sender.send(40, 20.0, 60.0, |index| index % 5 == 0);
    assert_eq!(sender.state(), Dropping);
    assert!(sender.advice.is_empty());
    sender.send(60, 20.0, 60.0, |index| index % 2 == 0);
    assert_eq!(sender.state(), SlowDown);
    let [(_, Advice::SlowDown { recommended_fps, drop_rate })] = sender.advice[..] else {
        panic!("{:?}", sender.advice)
    };
    assert!(drop_rate > 0.30, "{drop_rate}");
    assert!((13.0..=14.0).contains(&recommended_fps), "what got through: {recommended_fps}");
}

#[test]
fn a_warning_is_repeated_every_two_seconds_during_a_slow_down() {
    let mut sender = Sender::new(DEFAULT);
    sender.send(300, 30.0, 10.0, |_| false);
    assert_eq!(sender.state(), SlowDown);
    let times: Vec<f64> = sender.advice.iter().map(|(at, _)| at.as_secs_f64()).collect();
    assert!((4..=5).contains(&times.len()), "{times:?}");
    assert!(times[0] < 2.0, "{times:?}");
    assert!(times.windows(2).all(|pair| pair[1] - pair[0] >= 2.0), "{times:?}");
    for (_, advice) in &sender.advice {
        assert!(matches!(advice, Advice::SlowDown { recommended_fps: 9.0, .. }), "{advice:?}");
    }
}

#[test]
fn a_sender_that_obeys_recovers_and_is_notified_once() {
    let mut sender = Sender::new(DEFAULT);
    sender.send(150, 30.0, 10.0, |_| false);
    assert_eq!(sender.state(), SlowDown);
    let warnings = sender.advice.len();
    let shed = sender.shed;
    sender.send(27, 9.0, 10.0, |_| false);
    assert_eq!(sender.state(), Normal, "after three seconds");
    let sent: Vec<_> = sender.advice[warnings..].iter().map(|(_, advice)| *advice).collect();
    assert_eq!(sent, [Advice::Recovered { recommended_fps: 9.0 }]);
    sender.send(90, 9.0, 10.0, |_| false);
    assert_eq!(sender.advice.len(), warnings + 1);
    assert!(sender.shed - shed <= 2, "{}", sender.shed - shed);
}

#[test]
fn one_stall_is_forgotten() {
    let mut sender = Sender::new(DEFAULT);
    sender.send(90, 30.0, 100.0, |_| false);
    sender.send(30, 30.0, 100.0, |index| index < 29);
    assert_ne!(sender.state(), Normal);
    let shed = sender.shed;
    sender.send(89, 30.0, 100.0, |_| false);
    assert_eq!(sender.state(), Normal);
    assert_eq!(sender.shed, shed, "frames after the stall are admitted");
}

#[test]
fn thresholds_of_zero_react_to_the_first_drop() {
    let mut sender = Sender::new(DropThresholds { drop: 0.0, slow_down: 0.0 });
    sender.send(20, 10.0, 60.0, |_| false);
    assert_eq!(sender.state(), Normal);
    sender.send(2, 10.0, 60.0, |index| index == 0);
    assert_eq!(sender.state(), SlowDown);
    assert_eq!(sender.advice.len(), 1);
    sender.send(30, 10.0, 60.0, |_| false);
    assert_eq!(sender.state(), Normal);
}

#[test]
fn thresholds_of_one_never_warn() {
    let mut sender = Sender::new(DropThresholds { drop: 1.0, slow_down: 1.0 });
    sender.send(100, 10.0, 60.0, |_| true);
    assert_eq!(sender.state(), Normal);
    assert!(sender.advice.is_empty());
}

#[test]
fn a_sender_that_gets_nothing_through_is_still_recommended_something() {
    let mut sender = Sender::new(DEFAULT);
    sender.send(60, 10.0, 50.0, |_| true);
    let Some((_, Advice::SlowDown { recommended_fps, .. })) = sender.advice.last().copied() else {
        panic!("{:?}", sender.advice)
    };
    assert_eq!(recommended_fps, 1.0);
}

#[test]
fn between_the_thresholds_it_stays_where_it_is() {
    let mut sender = Sender::new(DEFAULT);
    sender.send(60, 10.0, 50.0, |index| index % 2 == 0);
    assert_eq!(sender.state(), SlowDown);
    // A fifth is dropped: above half of 0.30, so there is no recovery, and above 0.10.
    let warnings = sender.advice.len();
    sender.send(100, 10.0, 50.0, |index| index % 5 == 0);
    assert_eq!(sender.state(), SlowDown);
    assert!(
        sender.advice[warnings..]
            .iter()
            .all(|(_, advice)| matches!(advice, Advice::SlowDown { .. }))
    );
}

/// Mutant: `window.clear()` deleted on `Dropping → Normal`. A few drops would be too many together with the
/// old ones.
#[test]
fn drops_before_the_return_to_normal_no_longer_count() {
    let mut sender = Sender::new(DropThresholds { drop: 0.10, slow_down: 1.0 });
    sender.send(10, 20.0, 60.0, |_| true);
    assert_eq!(sender.state(), Dropping);
    let mut frames = 0;
    while sender.state() == Dropping {
        sender.send(1, 20.0, 60.0, |_| false);
        frames += 1;
    }
    assert!(frames <= 25, "the ten drops are within the window of 60 frames: {frames}");
    for index in 0..30 {
        // 2 drops of 26 are below the threshold, 12 of all 60 are not.
        sender.send(1, 20.0, 60.0, |_| [20, 25].contains(&index));
        assert_eq!(sender.state(), Normal, "frame {index}");
    }
}

/// Mutants: `* CALM` → `/ CALM`, and 0.95 → 1.09. At its limit a session would flap between the states.
#[test]
fn pacing_ends_only_five_per_cent_below_the_sustainable_rate() {
    let state_at = |offered_fps: f64| {
        let mut sender = Sender::new(DropThresholds { drop: 1.0, slow_down: 1.0 });
        sender.send(60, 40.0, 20.0, |_| false);
        assert_eq!(sender.state(), Dropping);
        // At these rates few frames are shed, so only the rate keeps the session from recovering.
        sender.send(200, offered_fps, 20.0, |_| false);
        sender.state()
    };
    assert_eq!(state_at(19.8), Dropping, "1 % below");
    assert_eq!(state_at(19.2), Dropping, "4 % below");
    assert_eq!(state_at(18.8), Normal, "6 % below");
}

/// Mutant: `is_some_and` → `is_none_or` in `eased`. A session would recover on no evidence at all.
#[test]
fn a_recovery_needs_five_recent_frames() {
    let mut sender = Sender::new(DropThresholds { drop: 0.0, slow_down: 0.0 });
    sender.send(20, 10.0, 60.0, |_| true);
    assert_eq!(sender.state(), SlowDown);
    while sender.state() == SlowDown {
        sender.send(1, 10.0, 60.0, |_| false);
    }
    // The step back has cleared the window.
    assert_eq!(sender.state(), Dropping);
    sender.send(4, 10.0, 60.0, |_| false);
    assert_eq!(sender.state(), Dropping, "four frames say nothing");
    sender.send(1, 10.0, 60.0, |_| false);
    assert_eq!(sender.state(), Normal, "none of five was dropped");
}
