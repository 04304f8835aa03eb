//! Attempts at a scan that is damaged, or whose data contradicts the restart interval in its header.

use crate::scan::{Grid, Progress};
use crate::{Error, markers};

/// Runs a scan as its header says; if its data contradicts that, with intervals as long as their data; and if that
/// fails too, leniently, where this is allowed.
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
    if may_contradict(result, grid) {
        let as_found = run(Grid { as_found: true, ..grid }, progress);
        if !may_contradict(as_found, grid) {
            result = as_found;
        }
    }
    progress.lenient = is_lenient;
    if !is_lenient || matches!(result, Ok(_) | Err(Error::Stopped)) {
        return result;
    }
    let markers = count_restarts(jpeg, data);
    let error = |interval| markers.abs_diff(restarts(grid, interval));
    let is_found = progress.found > 0 && error(progress.found) < error(grid.interval);
    let interval = if is_found { progress.found } else { grid.interval };
    run(Grid { interval, ..grid }, progress)
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
fn restarts(grid: Grid, interval: usize) -> usize {
    match interval {
        0 => 0,
        _ => (grid.across * grid.down).div_ceil(interval) - 1,
    }
}

fn count_restarts(jpeg: &[u8], data: usize) -> usize {
    let next = |&at: &usize| match markers::next(jpeg, at) {
        Some((markers::RST0..=markers::RST7, after)) => Some(after),
        _ => None,
    };
    std::iter::successors(next(&data), next).count()
}
