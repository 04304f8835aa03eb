//! Resizes an image to the size that fits the model: bilinear, with half-pixel centres and without
//! antialiasing, the way the models were trained.
//!
//! This is our own code rather than a library's because `fast_image_resize` recomputes its coefficients at
//! every call, and from decoded pixels to the batch nothing may be allocated; and because detections agree
//! with the reference only if the pixels do. Each source row is resized horizontally, once; pairs of these
//! rows are then combined vertically.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod scalar;
mod taps;

use framegate_cpu::{Level, Precision};
use framegate_models::Size;

use super::{PixelRows, RgbView};
use taps::{ColumnTaps, RowTaps};

/// Resizes images. Keeps its tables and rows between calls.
#[derive(Debug)]
pub struct Resizer {
    level: Level,
    columns: ColumnTaps,
    rows: RowTaps,
    /// A source row with the padding that kernels read.
    padded: Vec<u8>,
    /// The two rows that were resized horizontally last.
    resized_rows: [ResizedRow; 2],
}

#[derive(Debug, Default)]
struct ResizedRow {
    /// Index of the source row.
    source: Option<usize>,
    samples: Vec<i16>,
}

impl Resizer {
    /// A resizer that uses the best instructions of this processor.
    pub fn new() -> Self {
        Self::with_level(Level::best(Precision::F32))
    }

    /// A resizer that uses the given instructions.
    pub fn with_level(level: Level) -> Self {
        Self {
            level,
            columns: ColumnTaps::default(),
            rows: RowTaps::default(),
            padded: vec![],
            resized_rows: Default::default(),
        }
    }

    /// Overwrites `resized` with the source at `width` × `height` pixels, both at least 1, as
    /// `[height, width, 3]`. Allocates only if `resized` or the tables have to grow.
    ///
    /// # Panics
    /// If the source has no pixels, or not as many as its size requires.
    pub fn resize(
        &mut self,
        source: RgbView<'_>,
        width: usize,
        height: usize,
        resized: &mut Vec<u8>,
    ) {
        let size = Size { width: source.width, height: source.height };
        let pixels = size.width * size.height;
        assert_eq!(source.pixels.len(), pixels * 3, "the number of pixels must match the size");
        let read_row = |row, pixels: &mut [u8]| source.copy_row(row, 0, pixels);
        self.resize_rows(size, read_row, width, height, resized);
    }

    /// [`Resizer::resize`] for a source of this size of which the rows, `[width, 3]`, are read one by one.
    pub(super) fn resize_rows(
        &mut self,
        source: Size,
        read_row: impl Fn(usize, &mut [u8]),
        width: usize,
        height: usize,
        resized: &mut Vec<u8>,
    ) {
        let Self { level, columns, rows, padded, resized_rows } = self;
        let stride = source.width * 3;
        columns.prepare(source.width, width);
        rows.prepare(source.height, height);
        padded.clear();
        padded.resize(columns.row_len(), 0);
        for row in resized_rows.iter_mut() {
            row.source = None;
            row.samples.resize(columns.output_len(), 0);
        }
        resized.resize(width * height * 3, 0);

        let [upper, lower] = resized_rows;
        for (row, out) in rows.iter().zip(resized.chunks_exact_mut(width * 3)) {
            if lower.source == Some(row.top) {
                std::mem::swap(upper, lower);
            }
            for (slot, wanted) in [(&mut *upper, row.top), (&mut *lower, row.bottom)] {
                if slot.source != Some(wanted) {
                    read_row(wanted, &mut padded[..stride]);
                    horizontal(*level, padded, columns, &mut slot.samples);
                    slot.source = Some(wanted);
                }
            }
            vertical(*level, [&upper.samples, &lower.samples], row.weights, out);
        }
    }
}

fn horizontal(level: Level, row: &[u8], columns: &ColumnTaps, out: &mut [i16]) {
    match level {
        Level::Portable => scalar::horizontal(row, columns, out),
        #[cfg(target_arch = "x86_64")]
        Level::Avx2(proof) => avx2::horizontal(proof, row, columns, out),
        #[cfg(target_arch = "x86_64")]
        Level::Avx512(proof) => avx512::horizontal(proof, row, columns, out),
        #[cfg(target_arch = "x86_64")]
        Level::Amx(proof) => avx512::horizontal(proof.into(), row, columns, out),
    }
}

fn vertical(level: Level, rows: [&[i16]; 2], weights: [i16; 2], out: &mut [u8]) {
    match level {
        Level::Portable => scalar::vertical(rows, weights, out),
        #[cfg(target_arch = "x86_64")]
        Level::Avx2(proof) => avx2::vertical(proof, rows, weights, out),
        #[cfg(target_arch = "x86_64")]
        Level::Avx512(proof) => avx512::vertical(proof, rows, weights, out),
        #[cfg(target_arch = "x86_64")]
        Level::Amx(proof) => avx512::vertical(proof.into(), rows, weights, out),
    }
}

impl Default for Resizer {
    fn default() -> Self {
        Self::new()
    }
}
