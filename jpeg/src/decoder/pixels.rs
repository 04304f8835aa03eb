//! The pixels of coefficients that several scans have brought.

use crate::Error;
use crate::headers::Quantisation;
use crate::kernels::{Kernels, Work};
use crate::planes::{Layout, Rows};
use crate::scan::{BLOCKS, Coefficients, Progress, Transform};

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
