//! The loops of decoding, compiled for the instructions of their kernels.

use super::Memory;
use super::scan::Scan;
use crate::Error;
use crate::headers::Quantisation;
use crate::intervals::Intervals;
use crate::kernels::{Kernels, Work};
use crate::planes::{Layout, Rows};
use crate::scan::{BLOCKS, Coefficients, Grid, Progress, SingleScan, Transform, walk};

/// A single scan, with everything that it needs.
pub(super) struct SingleScanWork<'a, 'b> {
    pub(super) scan: &'a Scan<'a>,
    pub(super) memory: &'a mut Memory,
    pub(super) pixels: &'a mut [u8],
    /// The row of the image that `pixels` begin with.
    pub(super) first: usize,
    pub(super) intervals: Intervals<'a>,
    pub(super) grid: Grid,
    pub(super) progress: &'a mut Progress<'b>,
}

impl Work for SingleScanWork<'_, '_> {
    type Output = Result<(), Error>;

    #[inline(always)]
    fn run<K: Kernels>(self, kernels: K) -> Self::Output {
        let Self { scan, memory, pixels, first, mut intervals, grid, progress } = self;
        let Scan { layout, coded, quantisation, .. } = *scan;
        let Memory { data, samples, upsampled, .. } = memory;
        samples.resize(layout.samples, 0);
        upsampled.resize(layout.row * layout.planes.len(), 0);
        let rows = Rows::new(layout, samples, upsampled, pixels, first);
        let mut sink = SingleScan::new(kernels, layout, coded, quantisation, rows);
        walk(&mut intervals, data, grid, &mut sink, progress)
    }
}

/// Pixels of coefficients, with everything that it needs.
pub(super) struct PixelsWork<'a, 'b> {
    pub(super) layout: &'a Layout,
    pub(super) coefficients: &'a Coefficients,
    pub(super) quantisation: &'a [Quantisation],
    pub(super) rows: Rows<'a>,
    pub(super) progress: &'a mut Progress<'b>,
}

impl Work for PixelsWork<'_, '_> {
    type Output = Result<(), Error>;

    #[inline(always)]
    fn run<K: Kernels>(self, kernels: K) -> Self::Output {
        let Self { layout, coefficients, quantisation, mut rows, progress } = self;
        let mut transforms: Vec<_> = layout
            .planes
            .iter()
            .zip(quantisation)
            .map(|(plane, quantisation)| Transform::new(plane, quantisation))
            .collect();
        for mcu_row in 0..layout.mcus.1 {
            let samples = rows.samples();
            for (index, (plane, transform)) in layout.planes.iter().zip(&mut transforms).enumerate()
            {
                for v in 0..if plane.is_needed { plane.v } else { 0 } {
                    let row = coefficients.row(index, plane, mcu_row * plane.v + v);
                    for (begin, blocks) in (0..).step_by(BLOCKS).zip(row.chunks(BLOCKS)) {
                        transform.sort(|sorting| {
                            for (n, block) in blocks.iter().enumerate() {
                                let at = plane.block_offset(begin + n, v);
                                sorting.push(n, at, count(block));
                            }
                        });
                        transform.flush(kernels, blocks, samples);
                    }
                }
            }
            rows.finish_mcus(kernels, mcu_row);
            if !(progress.keep_going)() {
                return Err(Error::Stopped);
            }
        }
        Ok(())
    }
}

/// Coefficients, in the order of the code, up to the last that is not zero.
fn count(block: &[i16; 64]) -> usize {
    block.iter().rposition(|&coefficient| coefficient != 0).map_or(1, |last| last + 1)
}
