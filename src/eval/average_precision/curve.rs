//! Precision over recall, of one class and size.

use super::matching::Found;
use super::{MOST_BOXES, OVERLAPS};

/// Recalls at which precision is read: 0, 0.01, …, 1.
const RECALLS: usize = 101;
/// How many boxes per image recall is given for.
const BOXES: [usize; 3] = [1, 10, MOST_BOXES];

/// The figures of a class and size.
#[derive(Debug)]
pub(super) struct Curve {
    /// Average precision at each overlap.
    pub(super) precisions: [f64; OVERLAPS],
    /// Recall with the best 1, 10 and 100 boxes per image, the mean over the overlaps.
    pub(super) recalls: [f64; BOXES.len()],
}

impl Curve {
    /// The mean over the overlaps.
    pub(super) fn precision(&self) -> f64 {
        self.precisions.iter().sum::<f64>() / OVERLAPS as f64
    }
}

/// The curve through boxes, highest score first, where `wanted` objects, at least 1, must be found.
pub(super) fn curve(found: &[&Found], size: usize, wanted: usize) -> Curve {
    let precision = |t: usize| average_precision(found, size, t, wanted);
    let recall = |most: usize| {
        let hits = |found: &&&Found| usize::from(found.rank) < most;
        let hits = found.iter().filter(hits).map(|found| found.hits[size].count_ones() as usize);
        hits.sum::<usize>() as f64 / (wanted * OVERLAPS) as f64
    };
    Curve { precisions: std::array::from_fn(precision), recalls: BOXES.map(recall) }
}

/// The mean of the interpolated precision at 101 recalls, where the interpolated precision is the highest at this
/// recall or above.
fn average_precision(found: &[&Found], size: usize, t: usize, wanted: usize) -> f64 {
    let (mut hits, mut counted) = (0_u32, 0_u32);
    // How many were found, and the share of boxes that found one, after each box that did.
    let mut points: Vec<(u32, f64)> = Vec::new();
    for found in found {
        if found.ignored[size] >> t & 1 == 1 {
            continue;
        }
        counted += 1;
        if found.hits[size] >> t & 1 == 1 {
            hits += 1;
            points.push((hits, f64::from(hits) / f64::from(counted)));
        }
    }
    let mut highest = 0.0;
    let mut sum = 0.0;
    let mut points = points.into_iter().rev().peekable();
    for recall in (0..RECALLS).rev().map(|step| step as f64 * 0.01) {
        while let Some((_, precision)) =
            points.next_if(|(hits, _)| f64::from(*hits) / wanted as f64 >= recall)
        {
            highest = f64::max(highest, precision);
        }
        sum += highest;
    }
    sum / RECALLS as f64
}
