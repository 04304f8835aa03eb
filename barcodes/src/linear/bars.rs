//! Ways to distinguish bars from the spaces between them.

use rxing::common::{BitArray, GlobalHistogramBinarizer};
use rxing::{Binarizer, Luma8LuminanceSource};

use super::scan_line::{PER_PIXEL, ScanLine};

/// A way to find the bars of a line: what is black is set.
type FindBars = fn(&ScanLine) -> Option<BitArray>;

/// The ways, in the order in which they are tried.
pub(super) const ALL: [FindBars; 3] = [
    |line| Some(between_extremes(line, 0.25)),
    |line| Some(between_extremes(line, 0.1)),
    by_histogram,
];

/// Smaller differences between dark and bright are never bars.
const LEAST_CHANGE: f32 = 6.0;

/// The edge of a bar lies half-way between the values of its middle and its neighbour's, so that blurred bars, of which
/// narrow ones are never black, keep their widths. What changes by less than `noise`, a share of the line's contrast, is no
/// bar.
fn between_extremes(line: &ScanLine, noise: f32) -> BitArray {
    let values = &line.values;
    let extremes = turning_points(values, (line.contrast() * noise).max(LEAST_CHANGE));
    let mut bars = BitArray::with_size(values.len());
    for around in extremes.windows(3) {
        let [before, at, after] = [around[0], around[1], around[2]];
        if values[at] >= values[before] {
            continue;
        }
        let left = f32::midpoint(values[at], values[before]);
        let right = f32::midpoint(values[at], values[after]);
        let start = (before..at).rev().find(|&index| values[index] >= left);
        let end = (at..after).find(|&index| values[index] >= right);
        for index in start.map_or(before, |index| index + 1)..end.unwrap_or(after) {
            bars.set(index);
        }
    }
    bars
}

/// The places of minima and maxima in turn, each at least `change` away from the next; the first and the last value are
/// among them. Of 9 9 2 1 6 5 8 with a change of 3: 9 (the first), 1, 8.
fn turning_points(values: &[f32], change: f32) -> Vec<usize> {
    let mut turns = vec![0];
    let mut extreme = 0;
    // 1 while the values rise, -1 while they fall.
    let mut trend = 0.0;
    for (index, value) in values.iter().enumerate() {
        let ahead = value - values[extreme];
        if trend == 0.0 {
            if ahead.abs() >= change {
                (trend, extreme) = (ahead.signum(), index);
            }
        } else if ahead * trend > 0.0 {
            extreme = index;
        } else if ahead * -trend >= change {
            turns.push(extreme);
            (trend, extreme) = (-trend, index);
        }
    }
    turns.push(values.len() - 1);
    turns
}

/// The decoder's own threshold, one for the whole line, for a value per pixel.
fn by_histogram(line: &ScanLine) -> Option<BitArray> {
    let mean = |values: &[f32]| (values.iter().sum::<f32>() / values.len() as f32) as u8;
    let values: Vec<u8> = line.values.chunks_exact(PER_PIXEL).map(mean).collect();
    let width = values.len() as u32;
    let source = Luma8LuminanceSource::new(values, width, 1).ok()?;
    let binarizer = GlobalHistogramBinarizer::new(source);
    binarizer.get_black_row(0).ok().map(|bars| bars.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turning_points_leave_noise_out() {
        let values = [9.0, 9.0, 2.0, 1.0, 6.0, 5.0, 8.0];
        assert_eq!(turning_points(&values, 3.0), [0, 3, 6]);
        assert_eq!(turning_points(&values, 1.0), [0, 3, 4, 5, 6]);
        assert_eq!(turning_points(&[5.0; 4], 3.0), [0, 3]);
    }

    #[test]
    fn bars_that_are_blurred_keep_their_widths() {
        // One module is four values; blurred over nearly two, a narrow bar is grey and a wide one black.
        let is_bar = |index: usize| matches!(index / 4, 10 | 13..=16 | 19);
        let blurred = |index: usize| {
            let around = index.saturating_sub(3)..=index + 3;
            around.clone().map(|at| if is_bar(at) { 0.0 } else { 200.0 }).sum::<f32>() / 7.0
        };
        let line = ScanLine { values: (0..120).map(blurred).collect() };
        let bars = between_extremes(&line, 0.25);
        let widths: Vec<usize> = {
            let bits: Vec<bool> = (0..120).map(|index| bars.get(index)).collect();
            bits.chunk_by(|a, b| a == b).filter(|run| run[0]).map(<[bool]>::len).collect()
        };
        let [narrow, wide, other] = widths[..] else { panic!("{widths:?}") };
        assert!(
            narrow.abs_diff(other) <= 1 && (narrow * 2..narrow * 4).contains(&wide),
            "{widths:?}"
        );
    }
}
