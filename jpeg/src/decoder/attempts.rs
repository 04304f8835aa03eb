//! Attempts at a scan that is damaged, or whose data contradicts the restart interval in its header.

use crate::scan::{Grid, Numbers, Progress};
use crate::{Error, markers};

/// Runs a scan as its header says; if its data contradicts that, with the numbers that its restart markers have or with
/// intervals as long as their data; and if that fails too, leniently, where this is allowed.
///
/// Leniently, an interval of 40 MCUs whose header says 20 would fill half of its place and shift what follows. So the
/// length that the data has is taken where it explains the number of restart markers better: of 2400 MCUs with 59
/// markers, intervals of 40 have 59 and intervals of 20 have 119.
pub(super) fn run_in_turn<T: Copy>(
    (jpeg, data): (&[u8], usize),
    grid: Grid,
    progress: &mut Progress<'_>,
    mut run: impl FnMut(Grid, &mut Progress<'_>) -> Result<T, Error>,
) -> Result<T, Error> {
    let is_lenient = std::mem::take(&mut progress.lenient);
    progress.found = 0;
    let mut result = run(grid, progress);
    let mut numbers = Numbers::From(0);
    if may_contradict(result, grid) {
        numbers = numbers_of(&restarts(jpeg, data), grid);
        let other = match numbers {
            Numbers::From(0) | Numbers::SomeWrong(_) => Grid { as_found: true, ..grid },
            _ => Grid { numbers, ..grid },
        };
        let otherwise = run(other, progress);
        if !may_contradict(otherwise, grid) {
            result = otherwise;
        }
    }
    progress.lenient = is_lenient;
    if !is_lenient || matches!(result, Ok(_) | Err(Error::Stopped)) {
        return result;
    }
    let markers = restarts(jpeg, data).len();
    let error = |interval| markers.abs_diff(restarts_between(grid, interval));
    let is_found = progress.found > 0 && error(progress.found) < error(grid.interval);
    let interval = if is_found { progress.found } else { grid.interval };
    let is_cut_off = matches!(result, Err(Error::Truncated));
    run(Grid { interval, numbers, is_cut_off, ..grid }, progress)
}

/// How restart markers are numbered. If there are as many as there are to be, everything is there, whatever their
/// numbers.
fn numbers_of(markers: &[u8], grid: Grid) -> Numbers {
    let [first, others @ ..] = markers else { return Numbers::From(0) };
    if markers.len() != restarts_between(grid, grid.interval) {
        return Numbers::From(0);
    }
    if !others.is_empty() && others.iter().all(|other| other == first) {
        return Numbers::Alike;
    }
    // The number that each would have the first begin with.
    let mut votes = [0; 8];
    for (index, number) in markers.iter().enumerate() {
        votes[usize::from(*number).wrapping_sub(index) % 8] += 1;
    }
    let (from, most) = (0..).zip(votes).max_by_key(|(_, votes)| *votes).unwrap_or_default();
    if most == markers.len() { Numbers::From(from) } else { Numbers::SomeWrong(from) }
}

/// Whether this may come of data and restart interval that contradict each other.
fn may_contradict<T>(result: Result<T, Error>, grid: Grid) -> bool {
    match result {
        Err(Error::Corrupt(_)) => true,
        Err(Error::Truncated) => grid.interval != 0,
        _ => false,
    }
}

/// Restart markers that a scan has between intervals of this length.
fn restarts_between(grid: Grid, interval: usize) -> usize {
    match interval {
        0 => 0,
        _ => (grid.across * grid.down).div_ceil(interval) - 1,
    }
}

/// The numbers of the restart markers of a scan. One that was written twice begins one interval.
fn restarts(jpeg: &[u8], data: usize) -> Vec<u8> {
    let mut numbers = Vec::new();
    let mut at = data;
    while let Some((marker @ markers::RST0..=markers::RST7, after)) = markers::next(jpeg, at) {
        let number = marker - markers::RST0;
        if after != at + 2 || numbers.last() != Some(&number) {
            numbers.push(number);
        }
        at = after;
    }
    numbers
}
