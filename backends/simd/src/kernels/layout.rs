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

/// Gathers a row of a block, each lane from a source of its own.
///
/// # Safety
/// Each of `from` is good for `columns` elements, as far apart as there are lanes; `to` is good for
/// all of them, and nothing else writes there.
pub(crate) unsafe fn gather_row(from: &[*const f32], columns: usize, to: *mut f32) {
    let lanes = from.len();
    for column in 0..columns {
        for (lane, from) in from.iter().enumerate() {
            // SAFETY: the caller's promise.
            unsafe { *to.add(column * lanes + lane) = *from.add(column * lanes) };
        }
    }
}
