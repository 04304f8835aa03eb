//! The only scan of a sequential image, and how it is decoded, whole or in parts.

use std::sync::Arc;

use super::Memory;
use super::work::SingleScanWork;
use crate::headers::{Header, Quantisation};
use crate::huffman::BlockTables;
use crate::intervals::Intervals;
use crate::planes::Layout;
use crate::scan::{Grid, Progress};
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
    /// Decodes the rows of MCUs that `grid` names. `pixels` begin with the given row of the image.
    pub(super) fn run(
        &self,
        intervals: Intervals<'_>,
        grid: Grid,
        memory: &mut Memory,
        (pixels, first): (&mut [u8], usize),
        progress: &mut Progress<'_>,
    ) -> Result<(), Error> {
        let scan = self;
        let work = SingleScanWork { scan, memory, pixels, first, intervals, grid, progress };
        kernels::run(self.level, work)
    }
}
