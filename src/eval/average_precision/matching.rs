//! Which box of a class finds which object of it, in one image.

use super::{MOST_BOXES, OVERLAPS, SIZES};
use crate::eval::{LabelledObject, ObjectKind};
use crate::stages::Detection;

/// Ranges of areas in pixels, both ends included: all, small, medium, large.
const AREAS: [(f64, f64); SIZES] =
    [(0.0, 1e10), (0.0, 32.0 * 32.0), (32.0 * 32.0, 96.0 * 96.0), (96.0 * 96.0, 1e10)];

/// All that is known of a class, image after image.
#[derive(Debug, Clone, Default)]
pub(super) struct Class {
    /// How many objects must be found, by size.
    pub(super) wanted: [usize; SIZES],
    pub(super) found: Vec<Found>,
}

/// A box and what it found. Bit `t` of a set is about the overlap number `t`.
#[derive(Debug, Clone)]
pub(super) struct Found {
    pub(super) score: f32,
    /// Its place among the boxes of its class and image, from 0.
    pub(super) rank: u8,
    /// The overlaps at which it found an object, by size.
    pub(super) hits: [u16; SIZES],
    /// The overlaps at which it does not count, by size.
    pub(super) ignored: [u16; SIZES],
}

/// Least overlap number `t`, computed as `numpy.linspace(0.5, 0.95, 10)` does.
fn least_overlap(t: usize) -> f64 {
    if t + 1 == OVERLAPS { 0.95 } else { 0.5 + t as f64 * ((0.95 - 0.5) / 9.0) }
}

/// Adds the boxes of an image, highest score first, and its objects, all of one class.
pub(super) fn match_class(class: &mut Class, objects: &[&LabelledObject], found: &[&Detection]) {
    let found = &found[..found.len().min(MOST_BOXES)];
    let overlaps: Vec<Vec<f64>> = found
        .iter()
        .map(|found| objects.iter().map(|object| overlap(found, object)).collect())
        .collect();
    let first = class.found.len();
    class.found.extend(found.iter().zip(0..).map(|(found, rank)| Found {
        score: found.score,
        rank,
        hits: [0; SIZES],
        ignored: [0; SIZES],
    }));
    for (size, (least, most)) in AREAS.into_iter().enumerate() {
        let outside = |area: f64| area < least || area > most;
        let ignored: Vec<bool> = objects
            .iter()
            .map(|object| object.kind != ObjectKind::Single || outside(area(object)))
            .collect();
        class.wanted[size] += ignored.iter().filter(|ignored| !**ignored).count();
        // Objects that must be found come first.
        let mut order: Vec<usize> = (0..objects.len()).collect();
        order.sort_by_key(|object| ignored[*object]);
        for t in 0..OVERLAPS {
            let mut taken = vec![false; objects.len()];
            for (index, overlaps) in overlaps.iter().enumerate() {
                let best = best(overlaps, least_overlap(t), &order, |object| {
                    let repeats = objects[object].kind != ObjectKind::Single;
                    (taken[object] && !repeats, ignored[object])
                });
                let entry = &mut class.found[first + index];
                let found = found[index];
                match best {
                    Some(object) => {
                        taken[object] = true;
                        entry.hits[size] |= u16::from(!ignored[object]) << t;
                        entry.ignored[size] |= u16::from(ignored[object]) << t;
                    }
                    None => {
                        let area = f64::from(found.width) * f64::from(found.height);
                        entry.ignored[size] |= u16::from(outside(area)) << t;
                    }
                }
            }
        }
    }
}

/// The object that a box overlaps most, by at least `least`; of equal ones the last. One that must be found has
/// precedence. `state` says of an object whether it is taken, and whether it is ignored.
fn best(
    overlaps: &[f64],
    least: f64,
    order: &[usize],
    state: impl Fn(usize) -> (bool, bool),
) -> Option<usize> {
    let mut highest = least.min(1.0 - 1e-10);
    let mut best: Option<(usize, bool)> = None;
    for &object in order {
        let (taken, ignored) = state(object);
        if taken {
            continue;
        }
        if ignored && best.is_some_and(|(_, ignored)| !ignored) {
            break;
        }
        if overlaps[object] >= highest {
            highest = overlaps[object];
            best = Some((object, ignored));
        }
    }
    best.map(|(object, _)| object)
}

fn area(object: &LabelledObject) -> f64 {
    object.area.unwrap_or(object.width * object.height)
}

/// Intersection over union; over the box's own area in a region of several objects.
fn overlap(found: &Detection, object: &LabelledObject) -> f64 {
    let [x, y, width, height] = [found.x, found.y, found.width, found.height].map(f64::from);
    let along = |start: f64, extent: f64, other: f64, other_extent: f64| {
        (start + extent).min(other + other_extent) - start.max(other)
    };
    let shared_width = along(x, width, object.x, object.width);
    let shared_height = along(y, height, object.y, object.height);
    if shared_width <= 0.0 || shared_height <= 0.0 {
        return 0.0;
    }
    let shared = shared_width * shared_height;
    let own = width * height;
    match object.kind {
        ObjectKind::Crowd => shared / own,
        ObjectKind::Single | ObjectKind::Difficult => {
            shared / (own + object.width * object.height - shared)
        }
    }
}
