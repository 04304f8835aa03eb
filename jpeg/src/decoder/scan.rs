//! The only scan of a sequential image, and how it is decoded, whole or in parts.

use std::sync::Arc;

use super::Memory;
use crate::headers::{Header, Quantisation};
use crate::huffman::BlockTables;
use crate::intervals::Intervals;
use crate::kernels::{Kernels, Work};
use crate::planes::{Layout, Rows};
use crate::scan::{Grid, Progress, SingleScan, walk};
use crate::{Error, Level, kernels};

/// A scan with the tables that its components need.
pub(super) struct Scan<'a> {
    pub(super) level: Level,
    pub(super) header: &'a Header<'a>,
    pub(super) layout: &'a Layout,
    /// The plane and the tables of each component of the scan.
    pub(super) coded: &'a [(usize, Arc<BlockTables>)],
    pub(super) quantisation: &'a [Quantisation],
}

impl Scan<'_> {
    /// Decodes the rows of MCUs that `grid` names, and returns where their data ends. `pixels` begin with the given row of the image.
    pub(super) fn run(
        &self,
        intervals: Intervals<'_>,
        grid: Grid,
        memory: &mut Memory,
        (pixels, first): (&mut [u8], usize),
        progress: &mut Progress<'_>,
    ) -> Result<usize, Error> {
        let scan = self;
        let work = SingleScanWork { scan, memory, pixels, first, intervals, grid, progress };
        kernels::run(self.level, work)
    }
}

/// A scan, with everything that running it needs.
struct SingleScanWork<'a, 'b> {
    scan: &'a Scan<'a>,
    memory: &'a mut Memory,
    pixels: &'a mut [u8],
    /// The row of the image that `pixels` begin with.
    first: usize,
    intervals: Intervals<'a>,
    grid: Grid,
    progress: &'a mut Progress<'b>,
}

impl Work for SingleScanWork<'_, '_> {
    type Output = Result<usize, Error>;

    #[inline(always)]
    fn run<K: Kernels>(self, kernels: K) -> Self::Output {
        let Self { scan, memory, pixels, first, mut intervals, grid, progress } = self;
        let Scan { layout, coded, quantisation, .. } = *scan;
        let Memory { data, samples, upsampled, .. } = memory;
        samples.resize(layout.samples, 0);
        upsampled.resize(layout.row * layout.planes.len(), 0);
        let rows = Rows::new(layout, samples, upsampled, pixels, first);
        let mut sink = SingleScan::new(kernels, layout, coded, quantisation, rows);
        walk(&mut intervals, data, grid, &mut sink, progress)?;
        Ok(intervals.end())
    }
}
