//! A generated crowd of which frames are dropped: how many of its objects keep their number, against a tracker
//! whose clock is the number of frames.

use std::collections::HashMap;
use std::time::Duration;

use fastrand::Rng;
use framegate_tracking::{Bounds, Observation, Tracker};

const FRAMES: u32 = 600;
const FPS: u32 = 25;
const OBJECTS: usize = 12;

/// An object that walks through the frame on a bent way and back.
struct Walker {
    start: [f32; 2],
    velocity: [f32; 2],
    sway: f32,
    size: f32,
}

impl Walker {
    fn new(random: &mut Rng) -> Self {
        let between = |random: &mut Rng, low: f32, high: f32| low + random.f32() * (high - low);
        Self {
            start: [between(random, 0.0, 1800.0), between(random, 0.0, 900.0)],
            velocity: [between(random, -150.0, 150.0), between(random, -60.0, 60.0)],
            sway: between(random, 0.5, 3.0),
            size: between(random, 40.0, 90.0),
        }
    }

    fn bounds(&self, seconds: f32) -> Bounds {
        let [x, y] = [0, 1].map(|axis| self.start[axis] + self.velocity[axis] * seconds);
        // Mirrored at the borders.
        let mirrored =
            |value: f32, limit: f32| limit - (value.rem_euclid(2.0 * limit) - limit).abs();
        let sway = (seconds * self.sway).sin() * 20.0;
        let (x, y) = (mirrored(x, 1900.0) + sway, mirrored(y, 1000.0));
        Bounds { x, y, width: self.size, height: 2.0 * self.size }
    }
}

/// Share of the sightings that carry the number which their object carries most often.
fn faithfulness(dropped: f32, tick: impl Fn(u32, u32) -> Duration, seed: u64) -> f32 {
    let mut random = Rng::with_seed(seed);
    let walkers: Vec<Walker> = (0..OBJECTS).map(|_| Walker::new(&mut random)).collect();
    let mut tracker = Tracker::default();
    let mut numbers: Vec<HashMap<u64, usize>> = vec![HashMap::new(); OBJECTS];
    let mut seen = 0;
    for frame in 0..FRAMES {
        if random.f32() < dropped {
            continue;
        }
        let seconds = frame as f32 / FPS as f32;
        let mut whose = Vec::new();
        let mut observations = Vec::new();
        for (object, walker) in walkers.iter().enumerate() {
            // One in twenty is missed.
            if random.f32() < 0.05 {
                continue;
            }
            let mut jitter = || (random.f32() - 0.5) * 4.0;
            let mut bounds = walker.bounds(seconds);
            (bounds.x, bounds.y) = (bounds.x + jitter(), bounds.y + jitter());
            whose.push(object);
            observations.push(Observation { class_id: 0, score: 0.8, bounds });
        }
        let found = tracker.update(tick(frame, seen), &observations);
        seen += 1;
        for (object, number) in whose.into_iter().zip(found) {
            *numbers[object].entry(number).or_default() += 1;
        }
    }
    let all: usize = numbers.iter().flat_map(HashMap::values).sum();
    let faithful: usize = numbers.iter().filter_map(|counts| counts.values().max()).sum();
    faithful as f32 / all as f32
}

fn mean(dropped: f32, tick: impl Fn(u32, u32) -> Duration + Copy) -> f32 {
    let seeds = 1..=8;
    let count = seeds.clone().count() as f32;
    seeds.map(|seed| faithfulness(dropped, tick, seed)).sum::<f32>() / count
}

#[test]
fn dropped_frames_do_not_break_tracks() {
    let by_time = |frame: u32, _: u32| Duration::from_secs(1) * frame / FPS;
    let by_frames = |_: u32, seen: u32| Duration::from_secs(1) * seen / FPS;
    let [all, some, most] = [0.0, 0.3, 0.7].map(|dropped| mean(dropped, by_time));
    let counted = mean(0.7, by_frames);
    println!("none dropped {all:.4}, 30 % {some:.4}, 70 % {most:.4}; 70 % by frames {counted:.4}");
    assert!(all > 0.9, "{all}");
    assert!(some > all - 0.02, "30 % dropped: {some} after {all}");
    assert!(most > counted, "70 % dropped: {most} by time, {counted} by frames");
}
