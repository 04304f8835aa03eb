//! A large scan with restart intervals, decoded by several threads at once.
//!
//! Nothing is predicted across a restart marker, so decoding can begin at any. Each thread takes a band of rows of MCUs
//! that begins with an interval. Where rows of pixels depend on the samples above, it begins one step earlier and makes
//! no pixels of that step: for 135 rows of MCUs, two threads and an interval per row, the second decodes row 67 for its
//! last samples, and makes pixels from the last of row 67 to the end.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use super::Memory;
use super::scan::Scan;
use crate::headers::Header;
use crate::intervals::Intervals;
use crate::markers;
use crate::planes::Layout;
use crate::scan::{Grid, Progress};
use crate::{Error, Options};

/// Steps that a band has at least, one of which may be decoded twice.
const LEAST_STEPS: usize = 8;

/// The bands of an image, from top to bottom: at least two.
pub(super) struct Bands {
    bands: Vec<Band>,
}

/// Rows of MCUs that a thread decodes.
struct Band {
    rows: (usize, usize),
    /// Rows of pixels that it makes.
    pixels: (usize, usize),
    /// Where its data begins and ends, and the restart marker before.
    data: (usize, usize),
    restart: Option<u8>,
}

impl Bands {
    /// How a scan can be shared, if it can.
    pub(super) fn of(header: &Header<'_>, layout: &Layout, options: &Options) -> Option<Self> {
        let (across, down) = layout.mcus;
        let interval = header.tables.restart_interval;
        if options.threads < 2 || !header.can_be_shared() {
            return None;
        }
        // Rows of MCUs from one that an interval begins to the next.
        let step = interval / greatest_common_divisor(interval, across);
        let count = options.threads.min(down / step / LEAST_STEPS);
        if count < 2 {
            return None;
        }
        let begins: Vec<_> = (0..count).map(|band| down / step * band / count * step).collect();
        let marked = markers_before(header.jpeg, header.data, down * across / interval)?;
        let band = |(index, &begin): (usize, &usize)| {
            let end = begins.get(index + 1).copied();
            let warm_up = if layout.has_context && begin > 0 { step } else { 0 };
            let first = begin - warm_up;
            let pixel_row = |row: usize| (row * layout.mcu_height).saturating_sub(layout.lag());
            let at = |row: usize| row * across / interval;
            let (restart, data) = match at(first).checked_sub(1) {
                None => (None, header.data),
                Some(before) => {
                    let (restart, data) = *marked.get(before)?;
                    (Some(restart), data)
                }
            };
            let data_end = match end {
                None => header.jpeg.len(),
                // Without the marker.
                Some(end) => marked.get(at(end).checked_sub(1)?)?.1 - 2,
            };
            Some(Band {
                rows: (first, end.unwrap_or(down)),
                pixels: (pixel_row(begin), end.map_or(layout.height, pixel_row)),
                data: (data, data_end),
                restart,
            })
        };
        Some(Self { bands: begins.iter().enumerate().map(band).collect::<Option<_>>()? })
    }

    /// Decodes all bands at once, the first on this thread, and returns where the data ends.
    pub(super) fn decode(
        &self,
        scan: &Scan<'_>,
        memory: &mut Memory,
        helpers: &mut Vec<Memory>,
        mut pixels: &mut [u8],
        progress: &mut Progress<'_>,
    ) -> Result<usize, Error> {
        let row = scan.layout.width * scan.layout.format.bytes();
        let mut parts = vec![];
        for band in &self.bands {
            let (part, rest) = pixels.split_at_mut((band.pixels.1 - band.pixels.0) * row);
            parts.push((band, part));
            pixels = rest;
        }
        helpers.resize_with(helpers.len().max(parts.len() - 1), Memory::default);
        let goes_on = AtomicBool::new(true);
        let mut parts = parts.into_iter();
        let own = parts.next();
        thread::scope(|scope| {
            let spawn = |((band, part), memory)| {
                let (band, goes_on): (&Band, _) = (band, &goes_on);
                let work = move || {
                    let keep_going = &mut || goes_on.load(Ordering::Relaxed);
                    let mut progress = Progress { lenient: false, lost: 0, found: 0, keep_going };
                    band.decode(scan, memory, part, &mut progress)
                };
                thread::Builder::new().name("decode".to_owned()).spawn_scoped(scope, work)
            };
            let threads: Vec<_> = parts.zip(&mut *helpers).map(spawn).collect();
            let first = own.map_or(Ok(0), |(band, part)| band.decode(scan, memory, part, progress));
            goes_on.store(first.is_ok(), Ordering::Relaxed);
            // The first's own reason to stop comes first.
            threads.into_iter().fold(first, |result, thread| {
                const NO_THREAD: Error = Error::Corrupt("no thread decodes it");
                let joined = thread.ok().and_then(|thread| thread.join().ok());
                result.and(joined.unwrap_or(Err(NO_THREAD)))
            })
        })
    }
}

impl Band {
    fn decode(
        &self,
        scan: &Scan<'_>,
        memory: &mut Memory,
        pixels: &mut [u8],
        progress: &mut Progress<'_>,
    ) -> Result<usize, Error> {
        let jpeg = &scan.header.jpeg[..self.data.1];
        let intervals = match self.restart {
            None => Intervals::new(jpeg, self.data.0),
            Some(restart) => Intervals::after_restart(jpeg, self.data.0, restart),
        };
        let interval = scan.header.tables.restart_interval;
        let grid = Grid { rows: self.rows, ..Grid::new(scan.layout.mcus, interval) };
        scan.run(intervals, grid, memory, (pixels, self.pixels.0), progress)
    }
}

/// The first `at_most` restart markers of a scan, and where the data after each begins, if they are numbered as they are
/// to be.
fn markers_before(jpeg: &[u8], data: usize, at_most: usize) -> Option<Vec<(u8, usize)>> {
    let mut found = vec![];
    let mut at = data;
    while found.len() < at_most {
        match markers::next(jpeg, at) {
            Some((marker @ markers::RST0..=markers::RST7, after)) => {
                let number = marker - markers::RST0;
                if usize::from(number) != found.len() % 8 {
                    return None;
                }
                found.push((number, after));
                at = after;
            }
            _ => break,
        }
    }
    Some(found)
}

fn greatest_common_divisor(a: usize, b: usize) -> usize {
    if b == 0 { a } else { greatest_common_divisor(b, a % b) }
}

#[cfg(test)]
mod tests {
    use jpeg_encoder::{ColorType, Encoder, SamplingFactor};

    use super::*;

    /// The rows of MCUs and of pixels of each band of an image of 1920 x 1120.
    fn bands(
        sampling: SamplingFactor,
        interval: u16,
        options: Options,
    ) -> Option<Vec<[(usize, usize); 2]>> {
        let mut jpeg = vec![];
        let mut encoder = Encoder::new(&mut jpeg, 90);
        encoder.set_sampling_factor(sampling);
        encoder.set_restart_interval(interval);
        encoder.encode(&vec![7; 1920 * 1120 * 3], 1920, 1120, ColorType::Rgb).unwrap();
        let header = Header::read(&jpeg).unwrap();
        let bands = Bands::of(&header, &header.checked_layout(&options).unwrap(), &options)?;
        Some(bands.bands.iter().map(|band| [band.rows, band.pixels]).collect())
    }

    fn with(threads: usize) -> Options {
        Options { threads, ..Options::default() }
    }

    #[test]
    fn bands_begin_with_intervals_and_see_the_samples_above() {
        use SamplingFactor::*;
        // 120 x 70 MCUs.
        let halves = [[(0, 35), (0, 559)], [(34, 70), (559, 1120)]];
        assert_eq!(bands(F_2_2, 120, with(2)), Some(halves.to_vec()));
        assert_eq!(bands(F_2_2, 60, with(2)), Some(halves.to_vec()));
        // Intervals of two rows.
        let thirds = [[(0, 22), (0, 351)], [(20, 46), (351, 735)], [(44, 70), (735, 1120)]];
        assert_eq!(bands(F_2_2, 240, with(3)), Some(thirds.to_vec()));
        // Without filters from row to row nothing is decoded twice. 240 x 140 MCUs.
        let quarters =
            [0, 35, 70, 105].map(|row| [(row, row + 35), (row * 8, (row + 35) * 8)]).to_vec();
        assert_eq!(bands(F_1_1, 240, with(4)), Some(quarters));
    }

    #[test]
    fn what_cannot_be_shared_is_not() {
        let sampling = SamplingFactor::F_2_2;
        assert_eq!(bands(sampling, 0, with(2)), None);
        assert_eq!(bands(sampling, 120, with(1)), None);
        assert_eq!(bands(sampling, 119, with(2)), None);
        assert_eq!(bands(sampling, 120, with(64)).map(|bands| bands.len()), Some(8));
    }
}
