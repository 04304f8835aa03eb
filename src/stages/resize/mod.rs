//! Pixels of any size become pixels of the size that fits the model: bilinear, with half-pixel
//! centres and without antialiasing, the way the models were trained.
//!
//! Our own rather than a library's because `fast_image_resize` builds its coefficients anew at every
//! call, and from decoded pixels to the batch nothing may be allocated. For each output row, two
//! source rows are blended, then the columns are picked out of the blend and blended in pairs.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod scalar;
mod taps;

use super::{RgbView, SimdLevel};
use taps::{ColumnTaps, RowTaps};

/// Resizes pictures; keeps its tables and its blended row between calls.
#[derive(Debug)]
pub struct Resizer {
    level: SimdLevel,
    columns: ColumnTaps,
    rows: RowTaps,
    blended: Vec<i16>,
}

impl Resizer {
    /// A resizer that uses the best instructions of this processor.
    pub fn new() -> Self {
        Self::with_level(SimdLevel::best())
    }

    /// A resizer that uses the given instructions.
    pub fn with_level(level: SimdLevel) -> Self {
        Self { level, columns: ColumnTaps::default(), rows: RowTaps::default(), blended: vec![] }
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
        let stride = source.width * 3;
        assert_eq!(source.pixels.len(), stride * source.height, "pixels disagree with their size");
        self.columns.prepare(source.width, width);
        self.rows.prepare(source.height, height);
        self.blended.resize(self.columns.blended_len(), 0);
        resized.resize(width * height * 3, 0);

        for (row, out) in self.rows.iter().zip(resized.chunks_exact_mut(width * 3)) {
            let top = &source.pixels[row.top * stride..][..stride];
            let bottom = &source.pixels[row.bottom * stride..][..stride];
            let (columns, blended) = (&self.columns, self.blended.as_mut_slice());
            match self.level {
                SimdLevel::Scalar => {
                    scalar::blend_rows(top, bottom, row.weight, blended);
                    scalar::blend_columns(blended, columns, out);
                }
                #[cfg(target_arch = "x86_64")]
                SimdLevel::Avx2(proof) => {
                    avx2::resize_row(proof, top, bottom, row.weight, columns, blended, out);
                }
                #[cfg(target_arch = "x86_64")]
                SimdLevel::Avx512(proof) => {
                    avx512::resize_row(proof, top, bottom, row.weight, columns, blended, out);
                }
            }
        }
    }
}

impl Default for Resizer {
    fn default() -> Self {
        Self::new()
    }
}
