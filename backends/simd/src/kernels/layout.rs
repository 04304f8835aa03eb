//! Conversions between row-major and channel-blocked elements.
#![expect(unsafe_code, reason = "elements are moved through pointers")]

use crate::vector::{LONGEST_VECTOR, Vector, versions};

/// Where the elements of a feature map are, in elements.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Strides {
    /// The first element.
    pub(crate) start: usize,
    /// Between channels.
    pub(crate) channel: usize,
    /// Between rows.
    pub(crate) row: usize,
    /// Between columns.
    pub(crate) column: usize,
}

impl Strides {
    /// Of channels of this many rows and columns in row-major order.
    pub(crate) fn row_major(height: usize, width: usize) -> Self {
        Self { start: 0, channel: height * width, row: width, column: 1 }
    }
}

versions!(pack_version = pack_row(
    from: *const f32,
    strides: Strides,
    channels: usize,
    columns: usize,
    to: *mut f32,
));

/// Packs a row of a block, of whose channels some exist; the others become 0.
///
/// # Safety
/// The processor has `V`'s instructions. `from` is good for the strided elements of `columns` columns and `channels`
/// channels, `to` for as many vectors as there are columns, which nothing else writes.
#[inline(always)]
unsafe fn pack_row<V: Vector>(
    from: *const f32,
    strides: Strides,
    channels: usize,
    columns: usize,
    to: *mut f32,
) {
    let lanes = V::LANES;
    // SAFETY: the caller's promise; a channel that does not exist is read from zeros.
    unsafe {
        if strides.channel == 1 {
            for column in 0..columns {
                let (from, to) = (from.add(column * strides.column), to.add(column * lanes));
                if channels == lanes {
                    V::load(from).store(to);
                    continue;
                }
                V::splat(0.0).store(to);
                for channel in 0..channels {
                    *to.add(channel) = *from.add(channel);
                }
            }
            return;
        }
        if strides.column == 1 && columns >= lanes {
            let zeros = [0.0; LONGEST_VECTOR];
            for first in tiles(columns, lanes) {
                let channel = |index: usize| match index < channels {
                    true => from.add(index * strides.channel + first),
                    false => zeros.as_ptr(),
                };
                V::transpose(channel, |index| to.add((first + index) * lanes));
            }
            return;
        }
        for column in 0..columns {
            for lane in 0..lanes {
                let element = if lane < channels {
                    *from.add(column * strides.column + lane * strides.channel)
                } else {
                    0.0
                };
                *to.add(column * lanes + lane) = element;
            }
        }
    }
}

versions!(unpack_version = unpack_row(
    from: *const f32,
    columns: usize,
    to: *mut f32,
    strides: Strides,
    channels: usize,
));

/// Unpacks a row of a block, of whose channels some exist.
///
/// # Safety
/// The processor has `V`'s instructions. `from` is good for as many vectors as there are columns, `to` for the strided
/// elements of `columns` columns and `channels` channels, which nothing else writes.
#[inline(always)]
unsafe fn unpack_row<V: Vector>(
    from: *const f32,
    columns: usize,
    to: *mut f32,
    strides: Strides,
    channels: usize,
) {
    let lanes = V::LANES;
    // SAFETY: the caller's promise; a channel that does not exist is written elsewhere.
    unsafe {
        if strides.channel == 1 {
            for column in 0..columns {
                let (from, to) = (from.add(column * lanes), to.add(column * strides.column));
                if channels == lanes {
                    V::load(from).store(to);
                } else {
                    std::ptr::copy_nonoverlapping(from, to, channels);
                }
            }
            return;
        }
        if strides.column == 1 && columns >= lanes {
            let mut elsewhere = [0.0; LONGEST_VECTOR];
            let elsewhere = elsewhere.as_mut_ptr();
            for first in tiles(columns, lanes) {
                let channel = |index: usize| match index < channels {
                    true => to.add(index * strides.channel + first),
                    false => elsewhere,
                };
                V::transpose(|index| from.add((first + index) * lanes), channel);
            }
            return;
        }
        for channel in 0..channels {
            for column in 0..columns {
                let element = *from.add(column * lanes + channel);
                *to.add(channel * strides.channel + column * strides.column) = element;
            }
        }
    }
}

/// The first columns of tiles that cover all columns, of which there are at least as many as a tile has. The last tile may
/// overlap the one before it.
fn tiles(columns: usize, tile: usize) -> impl Iterator<Item = usize> {
    (0..columns.div_ceil(tile)).map(move |index| (index * tile).min(columns - tile))
}

/// Copies pixels of `lanes` cells: for each of the row, that at its source column.
///
/// # Safety
/// `from` is good for all source columns, `to` for a pixel per source, where nothing else writes.
pub(crate) unsafe fn copy_pixels(from: *const f32, sources: &[usize], lanes: usize, to: *mut f32) {
    // SAFETY: the caller's promise. With a constant, the compiler takes registers.
    unsafe {
        match lanes {
            16 => copy_pixels_of::<16>(from, sources, to),
            8 => copy_pixels_of::<8>(from, sources, to),
            4 => copy_pixels_of::<4>(from, sources, to),
            _ => copy_pixels_of::<2>(from, sources, to),
        }
    }
}

/// # Safety
/// As [`copy_pixels`].
unsafe fn copy_pixels_of<const LANES: usize>(from: *const f32, sources: &[usize], to: *mut f32) {
    for (column, source) in sources.iter().enumerate() {
        // SAFETY: the caller's promise.
        unsafe {
            let pixel = from.add(source * LANES).cast::<[f32; LANES]>().read_unaligned();
            to.add(column * LANES).cast::<[f32; LANES]>().write_unaligned(pixel);
        }
    }
}

/// Neighbouring lanes of a block that come from neighbouring lanes of another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LaneRun {
    /// The first, in the result.
    pub(crate) lane: usize,
    /// A power of two, at most 16.
    pub(crate) len: usize,
}

/// Gathers some lanes of a row of a block.
///
/// # Safety
/// `from` is good for the lanes of `columns` columns, as far apart as there are `lanes`; so is `to`, a row of the result,
/// for this run of lanes, where nothing else writes.
pub(crate) unsafe fn gather_lanes<T: Copy>(
    from: *const T,
    run: LaneRun,
    [lanes, columns]: [usize; 2],
    to: *mut T,
) {
    // SAFETY: the caller's promise.
    unsafe {
        let to = to.add(run.lane);
        match run.len {
            16 => copy_lanes::<T, 16>(from, lanes, columns, to),
            8 => copy_lanes::<T, 8>(from, lanes, columns, to),
            4 => copy_lanes::<T, 4>(from, lanes, columns, to),
            2 => copy_lanes::<T, 2>(from, lanes, columns, to),
            _ => copy_lanes::<T, 1>(from, lanes, columns, to),
        }
    }
}

/// Copies `LEN` lanes of each column: with a constant, the compiler takes registers.
///
/// # Safety
/// As [`gather_lanes`].
unsafe fn copy_lanes<T: Copy, const LEN: usize>(
    from: *const T,
    lanes: usize,
    columns: usize,
    to: *mut T,
) {
    for column in 0..columns {
        // SAFETY: the caller's promise.
        unsafe {
            let elements = from.add(column * lanes).cast::<[T; LEN]>().read_unaligned();
            to.add(column * lanes).cast::<[T; LEN]>().write_unaligned(elements);
        }
    }
}

#[cfg(test)]
mod tests {
    use framegate_cpu::Level;

    use super::*;

    #[test]
    fn rows_of_all_strides_are_packed_and_unpacked() {
        let mut random = fastrand::Rng::with_seed(3);
        for level in Level::available() {
            let lanes = level.lanes();
            for _ in 0..500 {
                let (channels, columns) = (random.usize(1..=lanes), random.usize(1..60));
                let strides = match random.usize(0..3) {
                    // Rows of channels, pixels of channels, and neither.
                    0 => Strides {
                        start: 0,
                        channel: columns + random.usize(0..5),
                        row: 0,
                        column: 1,
                    },
                    1 => Strides {
                        start: 0,
                        channel: 1,
                        row: 0,
                        column: channels + random.usize(0..5),
                    },
                    _ => Strides { start: 0, channel: 2 * columns, row: 0, column: 2 },
                };
                let at = |channel: usize, column: usize| {
                    channel * strides.channel + column * strides.column
                };
                let len = at(channels - 1, columns - 1) + 1;
                let row: Vec<f32> = (0..len).map(|_| random.f32()).collect();
                let mut packed = vec![f32::NAN; columns * lanes];
                // SAFETY: the processor has the level; the vectors are as long as shape and strides say.
                unsafe {
                    let (from, to) = (row.as_ptr(), packed.as_mut_ptr());
                    pack_version(level)(from, strides, channels, columns, to);
                }
                for (index, element) in packed.iter().enumerate() {
                    let (column, channel) = (index / lanes, index % lanes);
                    let expected = if channel < channels { row[at(channel, column)] } else { 0.0 };
                    assert_eq!(*element, expected, "{level}, {strides:?}, element {index}");
                }
                let mut unpacked = vec![-1.0; len];
                // SAFETY: as above.
                unsafe {
                    let (from, to) = (packed.as_ptr(), unpacked.as_mut_ptr());
                    unpack_version(level)(from, columns, to, strides, channels);
                }
                let mut expected = vec![-1.0; len];
                for (channel, column) in
                    (0..channels).flat_map(|channel| (0..columns).map(move |it| (channel, it)))
                {
                    expected[at(channel, column)] = row[at(channel, column)];
                }
                assert_eq!(unpacked, expected, "{level}, {strides:?}, {channels} channels");
            }
        }
    }
}
