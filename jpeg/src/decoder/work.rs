//! The loops of decoding, compiled for the instructions of their kernels.

use super::Memory;
use crate::Error;
use crate::headers::{Header, Quantisation};
use crate::intervals::Intervals;
use crate::kernels::{Kernels, Work};
use crate::planes::{Layout, Rows};
use crate::scan::{CodedComponent, Coefficients, Grid, PendingBlocks, Progress, SingleScan, walk};

/// A single scan, with everything that it needs.
pub(super) struct SingleScanWork<'a, 'b> {
    pub(super) header: &'a Header<'a>,
    pub(super) layout: &'a Layout,
    pub(super) coded: &'a [CodedComponent],
    pub(super) quantisation: &'a [Quantisation],
    pub(super) memory: &'a mut Memory,
    pub(super) pixels: &'a mut [u8],
    pub(super) grid: Grid,
    pub(super) progress: &'a mut Progress<'b>,
}

impl Work for SingleScanWork<'_, '_> {
    type Output = Result<(), Error>;

    #[inline(always)]
    fn run<K: Kernels>(self, kernels: K) -> Self::Output {
        let Self { header, layout, coded, quantisation, memory, pixels, grid, progress } = self;
        let Memory { data, samples, upsampled, .. } = memory;
        let rows = Rows::new(layout, samples, upsampled, pixels);
        let mut sink = SingleScan::new(kernels, layout, coded, quantisation, rows)
            .ok_or(Error::Corrupt("a Huffman table is missing"))?;
        let mut intervals = Intervals::new(header.jpeg, header.data);
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
        let mut pending: Vec<_> = layout
            .planes
            .iter()
            .zip(quantisation)
            .map(|(plane, quantisation)| PendingBlocks::new(plane, quantisation))
            .collect();
        for mcu_row in 0..layout.mcus.1 {
            let samples = rows.samples();
            for (index, (plane, pending)) in layout.planes.iter().zip(&mut pending).enumerate() {
                for v in 0..if plane.is_needed { plane.v } else { 0 } {
                    let row = coefficients.row(index, plane, mcu_row * plane.v + v);
                    for (x, block) in row.iter().enumerate() {
                        let at = plane.block_offset(x, v);
                        if plane.dct == 1 || block[1..].iter().all(|&value| value == 0) {
                            pending.push_flat(block[0], samples, at);
                        } else {
                            *pending.next() = *block;
                            pending.push(kernels, samples, at, 63);
                        }
                    }
                }
                pending.flush(kernels, samples);
            }
            rows.finish_mcus(kernels, mcu_row);
            if !(progress.keep_going)() {
                return Err(Error::Stopped);
            }
        }
        Ok(())
    }
}
