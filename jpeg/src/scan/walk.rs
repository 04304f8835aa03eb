//! Goes through the restart intervals of a scan and the MCUs of each (T.81, E.2).

use super::Damage;
use super::leftover::{self, Rest, STRAY};
use crate::Error;
use crate::bits::Bits;
use crate::intervals::{Interval, Intervals};

/// A consumer of the MCUs of a scan.
pub(crate) trait Sink {
    /// MCUs that may be taken at once. Where that is more than one, those of a failed attempt leave no trace.
    fn at_once(&self) -> usize {
        1
    }
    /// Forgets what earlier MCUs predict, at the start of an interval.
    fn restart(&mut self);
    /// Takes this many MCUs of a row from a place, across and down, on.
    fn take(&mut self, bits: &mut Bits<'_>, at: (usize, usize), count: usize)
    -> Result<(), Damage>;
    /// Passes over an MCU of a row below the image, if the sink can.
    fn take_below(&mut self, _bits: &mut Bits<'_>) -> Result<(), Damage> {
        Err(Damage)
    }
    /// Does without an MCU, of which part may have been taken.
    fn lose(&mut self, at: (usize, usize));
    /// Finishes a row of MCUs.
    fn finish_row(&mut self, y: usize);
}

/// The MCUs of a scan and how they are divided into intervals.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Grid {
    pub(crate) across: usize,
    pub(crate) down: usize,
    /// The rows of MCUs to walk through, from an interval's first MCU to another's last. All of them, unless several
    /// threads share the work.
    pub(crate) rows: (usize, usize),
    /// MCUs of an interval, 0 for all.
    pub(crate) interval: usize,
    /// Whether the data may contradict `interval`: then each interval is as long as its data, and all must be
    /// equally long.
    pub(crate) as_found: bool,
    /// How restart markers are numbered.
    pub(crate) numbers: Numbers,
    /// Whether long runs of zeros at the end may be data: those of a scan that refines others are.
    pub(crate) has_zeros: bool,
    /// Whether the data is known to be cut off, so that such zeros only fill it up.
    pub(crate) is_cut_off: bool,
}

/// How the restart markers of a scan are numbered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Numbers {
    /// In turn, from this one on. Numbers that are left out are intervals that are missing.
    From(usize),
    /// All alike, and as many as there are to be.
    Alike,
    /// As many as there are to be, but some are not those that there would be from this one on: such intervals are
    /// lost, and those after them are where they belong.
    SomeWrong(usize),
}

impl Grid {
    /// All rows, in intervals of this many MCUs.
    pub(crate) fn new((across, down): (usize, usize), interval: usize) -> Self {
        Self {
            across,
            down,
            rows: (0, down),
            interval,
            as_found: false,
            numbers: Numbers::From(0),
            has_zeros: false,
            is_cut_off: false,
        }
    }

    /// The end of the last row to walk through.
    fn end(&self) -> usize {
        self.across * self.rows.1
    }

    fn total(&self) -> usize {
        self.across * self.down
    }
}

/// How a walk goes.
pub(crate) struct Progress<'a> {
    /// Whether damage costs only the MCUs that cannot be decoded.
    pub(crate) lenient: bool,
    /// MCUs lost so far.
    pub(crate) lost: usize,
    /// MCUs of the first interval, if intervals were taken as long as their data and this one was whole.
    pub(crate) found: usize,
    /// Asked after each row of MCUs.
    pub(crate) keep_going: &'a mut dyn FnMut() -> bool,
}

/// Rows of MCUs that may be coded below the image: hardware codes 1088 rows of pixels where the header says 1080.
const ROWS_BELOW: usize = 1;

/// Bits that the longest code and value have.
const LONGEST: isize = 32;

/// Feeds all MCUs of a scan to `sink`. `data` is scratch memory.
#[inline(always)]
pub(crate) fn walk<S: Sink>(
    intervals: &mut Intervals<'_>,
    data: &mut Vec<u8>,
    grid: Grid,
    sink: &mut S,
    progress: &mut Progress<'_>,
) -> Result<(), Error> {
    let end = grid.end();
    let mut walk = Walk { grid, mcu: grid.across * grid.rows.0, below: 0, sink, progress };
    let mut number = 0;
    let mut found = None;
    while let Some(interval) = intervals.next(data) {
        let begin = walk.jump_to(interval, number)?;
        let taken = match &data[..interval.length] {
            _ if walk.is_elsewhere(interval) => &[],
            taken if interval.is_last && grid.is_cut_off => leftover::without_filler(taken),
            taken => taken,
        };
        walk.interval(Bits::new(taken), interval.is_last)?;
        number += 1;
        if grid.as_found {
            let length = walk.mcu - begin;
            if number == 1 {
                walk.progress.found = length;
            }
            let is_equal = *found.get_or_insert(length) == length;
            if walk.mcu < end && !is_equal || found < Some(length) {
                return Err(CONTRADICTION);
            }
        }
        if walk.mcu == end {
            return if end == grid.total() { walk.check_rest(intervals, data) } else { Ok(()) };
        }
    }
    if !walk.progress.lenient {
        return Err(Error::Truncated);
    }
    walk.lose_until(end)
}

const CONTRADICTION: Error = Error::Corrupt("restart markers are not where the header says");
const LEFT_OVER: Error = Error::Corrupt("data is left over");

struct Walk<'a, 'b, S> {
    grid: Grid,
    /// The next MCU.
    mcu: usize,
    /// MCUs below the image that were passed over.
    below: usize,
    sink: &'a mut S,
    progress: &'a mut Progress<'b>,
}

impl<S: Sink> Walk<'_, '_, S> {
    /// Goes to where an interval begins, which is further on if some before it are missing.
    fn jump_to(&mut self, interval: Interval, number: usize) -> Result<usize, Error> {
        if let (Some(restart), Some(before)) = (interval.restart, number.checked_sub(1)) {
            if self.grid.interval == 0 && !self.grid.as_found {
                if !self.progress.lenient {
                    return Err(CONTRADICTION);
                }
                // Where its MCUs belong is not known.
                self.lose_until(self.grid.end())?;
            }
            let expected = match self.grid.interval {
                0 => before,
                _ if self.grid.as_found => before,
                length => (self.mcu / length).saturating_sub(1),
            };
            let missing = match self.grid.numbers {
                Numbers::From(first) => usize::from(restart).wrapping_sub(expected + first) % 8,
                Numbers::Alike | Numbers::SomeWrong(_) => 0,
            };
            if missing != 0 {
                if !self.progress.lenient {
                    return Err(Error::Corrupt("restart intervals are missing"));
                }
                let end = self.mcu + missing * self.grid.interval;
                self.lose_until(end.min(self.grid.end()))?;
            }
        }
        Ok(self.mcu)
    }

    /// Whether an interval is not the one that belongs here.
    fn is_elsewhere(&self, interval: Interval) -> bool {
        let Grid { interval: length, numbers: Numbers::SomeWrong(first), .. } = self.grid else {
            return false;
        };
        let is_here = |restart| self.mcu / length % 8 == (usize::from(restart) + 8 - first + 1) % 8;
        interval.restart.is_some_and(|restart| !is_here(restart))
    }

    /// Takes the MCUs of an interval.
    #[inline(always)]
    fn interval(&mut self, mut bits: Bits<'_>, is_last: bool) -> Result<(), Error> {
        let Grid { across, interval, as_found, .. } = self.grid;
        let begin = self.mcu;
        let total = self.grid.total();
        let end = match interval {
            0 => total,
            _ if as_found => total,
            length => total.min(self.mcu + length),
        };
        let at_once = if as_found { 1 } else { self.sink.at_once() };
        // MCUs that are to be taken one by one, because one of them is damaged.
        let mut one_by_one = 0;
        self.sink.restart();
        while self.mcu < end {
            let y = self.mcu / across;
            let row = y * across;
            let row_end = end.min(row + across);
            let mut x = self.mcu - row;
            while x < row_end - row {
                let count = if one_by_one > 0 { 1 } else { at_once.min(row_end - row - x) };
                let before = bits;
                if self.sink.take(&mut bits, (x, y), count).is_err() || bits.left() < 0 {
                    if count > 1 {
                        (bits, one_by_one) = (before, count);
                        continue;
                    }
                    self.mcu = row + x;
                    if self.progress.lenient {
                        return self.lose_until(end);
                    }
                    let is_cut_off = is_last && bits.left() < LONGEST;
                    let damaged = Error::Corrupt("the data holds bits that mean nothing");
                    return Err(if is_cut_off { Error::Truncated } else { damaged });
                }
                x += count;
                one_by_one = one_by_one.saturating_sub(1);
                if as_found && bits.is_at_end() {
                    break;
                }
            }
            self.mcu = row + x;
            if x == across {
                self.finish_row(y)?;
            }
            if as_found && bits.is_at_end() {
                return Ok(());
            }
        }
        if bits.left() < 8 || self.progress.lenient {
            return Ok(());
        }
        if self.mcu < total {
            // That the image is cut off says more about the last.
            let is_cut_off = is_last && self.mcu < self.grid.end();
            return if is_cut_off || leftover::is_padding(bits) { Ok(()) } else { Err(LEFT_OVER) };
        }
        match leftover::after_scan(bits) {
            Rest::Harmless => Ok(()),
            Rest::Filler if self.grid.has_zeros => Ok(()),
            Rest::Filler => Err(Error::Truncated),
            Rest::Data => {
                let room =
                    if interval == 0 { total } else { (begin + interval).saturating_sub(total) };
                if self.pass_below(bits, room) { Ok(()) } else { Err(LEFT_OVER) }
            }
        }
    }

    /// Accepts a restart marker after the last MCU, and intervals of a row below the image, but no more data.
    fn check_rest(
        &mut self,
        intervals: &mut Intervals<'_>,
        data: &mut Vec<u8>,
    ) -> Result<(), Error> {
        let Grid { across, interval: length, .. } = self.grid;
        while let Some(interval) = intervals.next(data) {
            if self.progress.lenient {
                continue;
            }
            let below = self.below;
            let is_next = self.is_next(interval);
            let is_passed = is_next && self.pass_below(Bits::new(&data[..interval.length]), length);
            let is_whole = self.below == below + length || self.below.is_multiple_of(across);
            if !is_passed || !is_whole {
                self.below = below;
                if interval.length > STRAY {
                    return Err(CONTRADICTION);
                }
            }
        }
        // Numbers come again after eight intervals: that many cannot be known to be new.
        let is_known = length == 0 || self.below < 8 * length;
        match self.below.is_multiple_of(across) && is_known {
            true => Ok(()),
            false => Err(LEFT_OVER),
        }
    }

    /// Whether an interval after the last of the image has the number that comes next.
    fn is_next(&self, interval: Interval) -> bool {
        let Grid { interval: length, numbers: Numbers::From(first), as_found: false, .. } =
            self.grid
        else {
            return false;
        };
        let before = (self.mcu + self.below).checked_div(length).map(|number| number + first + 7);
        interval.restart.map(usize::from) == before.map(|number| number % 8)
    }

    /// Passes over the MCUs of a row below the image, at most as many as `room`. `false` if the data is not just that.
    #[cold]
    #[inline(never)]
    fn pass_below(&mut self, mut bits: Bits<'_>, room: usize) -> bool {
        let end = (self.below + room).min(ROWS_BELOW * self.grid.across);
        while !self.grid.as_found && self.below < end && !bits.is_at_end() {
            if self.sink.take_below(&mut bits).is_err() || bits.left() < 0 {
                return false;
            }
            self.below += 1;
        }
        leftover::is_padding(bits)
    }

    fn lose_until(&mut self, end: usize) -> Result<(), Error> {
        while self.mcu < end {
            let (x, y) = (self.mcu % self.grid.across, self.mcu / self.grid.across);
            self.sink.lose((x, y));
            self.progress.lost += 1;
            self.mcu += 1;
            if x + 1 == self.grid.across {
                self.finish_row(y)?;
            }
        }
        Ok(())
    }

    #[inline(always)]
    fn finish_row(&mut self, y: usize) -> Result<(), Error> {
        self.sink.finish_row(y);
        if (self.progress.keep_going)() { Ok(()) } else { Err(Error::Stopped) }
    }
}
