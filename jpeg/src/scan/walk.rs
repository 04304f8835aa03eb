//! Goes through the restart intervals of a scan and the MCUs of each (T.81, E.2).

use super::Damage;
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
}

impl Grid {
    /// All rows, in intervals of this many MCUs.
    pub(crate) fn new((across, down): (usize, usize), interval: usize) -> Self {
        Self { across, down, rows: (0, down), interval, as_found: false }
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

/// Bytes that may be left over after the last MCU: what stands between segments elsewhere, and no sign that the
/// data was misread.
const STRAY: isize = 16;

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
    let mut walk = Walk { grid, mcu: grid.across * grid.rows.0, sink, progress };
    let mut number = 0;
    let mut found = None;
    while let Some(interval) = intervals.next(data) {
        let begin = walk.jump_to(interval, number)?;
        let bits = Bits::new(&data[..interval.length]);
        walk.interval(bits, interval.is_last)?;
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

struct Walk<'a, 'b, S> {
    grid: Grid,
    /// The next MCU.
    mcu: usize,
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
                length => (self.mcu / length).wrapping_sub(1),
            };
            let missing = usize::from(restart).wrapping_sub(expected) % 8;
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

    /// Takes the MCUs of an interval.
    #[inline(always)]
    fn interval(&mut self, mut bits: Bits<'_>, is_last: bool) -> Result<(), Error> {
        let Grid { across, interval, as_found, .. } = self.grid;
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
        let is_left_over = match self.mcu == total {
            true => bits.left() > STRAY * 8 && !is_padding(bits),
            false => bits.left() >= 8,
        };
        if is_left_over && !self.progress.lenient {
            return Err(Error::Corrupt("data is left over"));
        }
        Ok(())
    }

    /// Accepts a restart marker after the last MCU, but no more data.
    fn check_rest(&self, intervals: &mut Intervals<'_>, data: &mut Vec<u8>) -> Result<(), Error> {
        while let Some(interval) = intervals.next(data) {
            if !self.progress.lenient && interval.length as isize > STRAY {
                return Err(CONTRADICTION);
            }
        }
        Ok(())
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

/// Whether nothing but zeros or ones is left: some encoders fill their buffers with them.
#[cold]
#[inline(never)]
fn is_padding(mut bits: Bits<'_>) -> bool {
    bits.refill();
    // The first bits may belong to the byte that the image ends in.
    bits.take(8);
    let first = bits.peek::<8>();
    while bits.left() >= 8 {
        bits.refill();
        if bits.peek::<8>() != first {
            return false;
        }
        bits.skip(8);
    }
    matches!(first, 0x00 | 0xFF)
}
