//! Conversions between row-major and channel-blocked elements.
#![expect(unsafe_code, reason = "elements are moved through pointers")]

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

/// Packs a row of `lanes` channels, of which `channels` exist; the others become 0.
///
/// # Safety
/// `from` is good for the strided elements of `columns` columns and `channels` channels, `to` for
/// `columns · lanes` elements that nothing else writes.
pub(crate) unsafe fn pack_row(
    from: *const f32,
    strides: Strides,
    channels: usize,
    lanes: usize,
    columns: usize,
    to: *mut f32,
) {
    if strides.channel == 1 && channels == lanes {
        for column in 0..columns {
            // SAFETY: the caller's promise.
            unsafe {
                let from = from.add(column * strides.column);
                to.add(column * lanes).copy_from_nonoverlapping(from, lanes);
            }
        }
        return;
    }
    for column in 0..columns {
        for lane in 0..lanes {
            // SAFETY: the caller's promise.
            unsafe {
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

/// Unpacks a row of `lanes` channels, of which `channels` exist.
///
/// # Safety
/// `from` is good for `columns · lanes` elements, `to` for the strided elements of `columns` columns
/// and `channels` channels, which nothing else writes.
pub(crate) unsafe fn unpack_row(
    from: *const f32,
    lanes: usize,
    columns: usize,
    to: *mut f32,
    strides: Strides,
    channels: usize,
) {
    // SAFETY: the caller's promise.
    unsafe {
        if strides.channel == 1 {
            for column in 0..columns {
                let to = to.add(column * strides.column);
                std::ptr::copy_nonoverlapping(from.add(column * lanes), to, channels);
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
