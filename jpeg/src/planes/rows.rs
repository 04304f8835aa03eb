//! Rows of samples become rows of pixels: upsampled, then converted.

use super::layout::{Layout, Plane, Upsampling};
use crate::Format;
use crate::headers::ColourSpace;
use crate::kernels::{self, Kernels};

/// Makes pixels of samples, a row of MCUs after the other.
pub(crate) struct Rows<'a> {
    layout: &'a Layout,
    samples: &'a mut [u8],
    /// Upsampled rows, one per plane.
    upsampled: &'a mut [u8],
    pixels: &'a mut [u8],
    /// The row of the image that `pixels` begin with. Rows above it are not made.
    first: usize,
}

impl<'a> Rows<'a> {
    /// `samples` and `upsampled` are as long as `layout` says, and `pixels` as the rows from `first` on that are made.
    pub(crate) fn new(
        layout: &'a Layout,
        samples: &'a mut [u8],
        upsampled: &'a mut [u8],
        pixels: &'a mut [u8],
        first: usize,
    ) -> Self {
        Self { layout, samples, upsampled, pixels, first }
    }

    /// The samples of the present row of MCUs, at the places that [`Plane::block_offset`] gives.
    #[inline(always)]
    pub(crate) fn samples(&mut self) -> &mut [u8] {
        self.samples
    }

    /// Makes the rows of pixels for which all samples are there when those of a row of MCUs are, and keeps what the
    /// next ones need.
    #[inline(always)]
    pub(crate) fn finish_mcus<K: Kernels>(&mut self, k: K, mcu_row: usize) {
        let layout = self.layout;
        let lag = layout.lag();
        let begin = (mcu_row * layout.mcu_height).saturating_sub(lag).max(self.first);
        let end = match mcu_row + 1 == layout.mcus.1 {
            true => layout.height,
            false => (mcu_row + 1) * layout.mcu_height - lag,
        };
        for y in begin..end {
            self.make_row(k, mcu_row, y);
        }
        if layout.has_context {
            for plane in layout.planes.iter().filter(|plane| plane.is_needed) {
                let last = plane.offset + plane.rows() * plane.stride;
                self.samples.copy_within(last..last + plane.stride, plane.offset);
            }
        }
    }

    #[inline(always)]
    fn make_row<K: Kernels>(&mut self, k: K, mcu_row: usize, y: usize) {
        let layout = self.layout;
        let mut rows: [&[u8]; 4] = [&[]; 4];
        let upsampled = self.upsampled.chunks_exact_mut(layout.row);
        for ((row, plane), space) in rows.iter_mut().zip(&layout.planes).zip(upsampled) {
            if plane.is_needed {
                let source = Source { plane, samples: self.samples, mcu_row };
                *row = &source.row(k, y, layout.width, space)[..layout.width];
            }
        }
        let [a, b, c, d] = rows;
        let length = layout.width * layout.format.bytes();
        let out = &mut self.pixels[(y - self.first) * length..][..length];
        match (layout.format, layout.colour_space) {
            (Format::Rgb, ColourSpace::YCbCr) => k.ycc_to_rgb([a, b, c], out),
            (Format::Rgb, ColourSpace::Rgb) => k.interleave([a, b, c], out),
            (Format::Rgb, ColourSpace::Grey) => k.interleave([a, a, a], out),
            (Format::Rgb, ColourSpace::Cmyk) => kernels::cmyk_to_rgb([a, b, c, d], out),
            (Format::Rgb, ColourSpace::Ycck) => kernels::ycck_to_rgb([a, b, c, d], out),
            (Format::Luma, ColourSpace::YCbCr | ColourSpace::Grey) => out.copy_from_slice(a),
            (Format::Luma, ColourSpace::Rgb) => kernels::rgb_to_luma([a, b, c], out),
            (Format::Luma, ColourSpace::Cmyk) => kernels::cmyk_to_luma([a, b, c, d], out),
            (Format::Luma, ColourSpace::Ycck) => kernels::ycck_to_luma([a, b, c, d], out),
        }
    }
}

/// A plane's samples of a row of MCUs, with the row before.
struct Source<'a> {
    plane: &'a Plane,
    samples: &'a [u8],
    mcu_row: usize,
}

impl<'a> Source<'a> {
    /// The samples for row `y` of pixels, as many as there are pixels.
    #[inline(always)]
    fn row<'b, K: Kernels>(&self, k: K, y: usize, width: usize, out: &'b mut [u8]) -> &'b [u8]
    where
        'a: 'b,
    {
        let plane = self.plane;
        let [(h, max_h), (v, max_v)] = plane.ratio;
        let near = y * v / max_v;
        let far = || if y.is_multiple_of(2) { near.saturating_sub(1) } else { near + 1 };
        match plane.upsampling {
            Upsampling::None => return self.at(near),
            Upsampling::Across => k.double_across(self.cut(near), &mut out[..2 * plane.width]),
            Upsampling::Down => {
                // Halves are rounded up and down alternately.
                let bias = if y.is_multiple_of(2) { 1 } else { 2 };
                let out = &mut out[..plane.width];
                kernels::double_down([self.cut(near), self.cut(far())], bias, out);
            }
            Upsampling::Both => {
                let rows = [self.cut(near), self.cut(far())];
                k.double_both(rows, &mut out[..2 * plane.width]);
            }
            Upsampling::Repeat => kernels::repeat(self.cut(near), (h, max_h), &mut out[..width]),
        }
        out
    }

    /// Row `y` of the plane. Below the last that the image has, libjpeg repeats it.
    #[inline(always)]
    fn at(&self, y: usize) -> &'a [u8] {
        let first = self.mcu_row * self.plane.rows();
        let row = y.min(self.plane.height - 1) + 1 - first;
        &self.samples[self.plane.offset + row * self.plane.stride..][..self.plane.stride]
    }

    #[inline(always)]
    fn cut(&self, y: usize) -> &'a [u8] {
        &self.at(y)[..self.plane.width]
    }
}
