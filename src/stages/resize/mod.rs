//! Pixels of any size become pixels of the size that fits the model: bilinear, with half-pixel
//! centres and without antialiasing, the way the models were trained.
//!
//! Our own rather than a library's because `fast_image_resize` builds its coefficients anew at every
//! call, and from decoded pixels to the batch nothing may be allocated; and because detections agree
//! with the reference only if the pixels do. Source rows are stretched to the output's width, each
//! once, and then blended in pairs.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod scalar;
mod taps;

use super::{RgbView, SimdLevel};
use taps::{ColumnTaps, RowTaps};

/// Resizes images; keeps its tables and its rows between calls.
#[derive(Debug)]
pub struct Resizer {
    level: SimdLevel,
    columns: ColumnTaps,
    rows: RowTaps,
    /// A source row with the padding that the kernels read into.
    padded: Vec<u8>,
    /// The two source rows stretched last.
    stretched: [StretchedRow; 2],
}

#[derive(Debug, Default)]
struct StretchedRow {
    /// Which source row this is.
    source: Option<usize>,
    samples: Vec<i16>,
}

impl Resizer {
    /// A resizer that uses the best instructions of this processor.
    pub fn new() -> Self {
        Self::with_level(SimdLevel::best())
    }

    /// A resizer that uses the given instructions.
    pub fn with_level(level: SimdLevel) -> Self {
        Self {
            level,
            columns: ColumnTaps::default(),
            rows: RowTaps::default(),
            padded: vec![],
            stretched: Default::default(),
        }
    }

    /// Writes the source at `width` × `height` pixels, both at least 1, over what `resized` held:
    /// `[height, width, 3]`. Allocates only where `resized` or the tables have to grow.
    ///
    /// # Panics
    /// If the source's pixels are not as many as its size says, or none.
    pub fn resize(
        &mut self,
        source: RgbView<'_>,
        width: usize,
        height: usize,
        resized: &mut Vec<u8>,
    ) {
        let Self { level, columns, rows, padded, stretched } = self;
        let stride = source.width * 3;
        assert_eq!(source.pixels.len(), stride * source.height, "pixels disagree with their size");
        columns.prepare(source.width, width);
        rows.prepare(source.height, height);
        padded.clear();
        padded.resize(columns.row_len(), 0);
        for row in stretched.iter_mut() {
            row.source = None;
            row.samples.resize(columns.stretched_len(), 0);
        }
        resized.resize(width * height * 3, 0);

        let [upper, lower] = stretched;
        for (row, out) in rows.iter().zip(resized.chunks_exact_mut(width * 3)) {
            if lower.source == Some(row.top) {
                std::mem::swap(upper, lower);
            }
            for (slot, wanted) in [(&mut *upper, row.top), (&mut *lower, row.bottom)] {
                if slot.source != Some(wanted) {
                    padded[..stride].copy_from_slice(&source.pixels[wanted * stride..][..stride]);
                    stretch(*level, padded, columns, &mut slot.samples);
                    slot.source = Some(wanted);
                }
            }
            blend(*level, [&upper.samples, &lower.samples], row.shares, out);
        }
    }
}

fn stretch(level: SimdLevel, row: &[u8], columns: &ColumnTaps, stretched: &mut [i16]) {
    match level {
        SimdLevel::Scalar => scalar::stretch(row, columns, stretched),
        #[cfg(target_arch = "x86_64")]
        SimdLevel::Avx2(proof) => avx2::stretch(proof, row, columns, stretched),
        #[cfg(target_arch = "x86_64")]
        SimdLevel::Avx512(proof) => avx512::stretch(proof, row, columns, stretched),
    }
}

fn blend(level: SimdLevel, rows: [&[i16]; 2], shares: [i16; 2], out: &mut [u8]) {
    match level {
        SimdLevel::Scalar => scalar::blend(rows, shares, out),
        #[cfg(target_arch = "x86_64")]
        SimdLevel::Avx2(proof) => avx2::blend(proof, rows, shares, out),
        #[cfg(target_arch = "x86_64")]
        SimdLevel::Avx512(proof) => avx512::blend(proof, rows, shares, out),
    }
}

impl Default for Resizer {
    fn default() -> Self {
        Self::new()
    }
}
