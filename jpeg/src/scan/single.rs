//! A sequential scan of all components: blocks become samples as they come, and samples pixels.

use std::sync::Arc;

use super::Damage;
use super::batch::{BLOCKS, Batch};
use super::transform::Transform;
use super::walk::Sink;
use crate::bits::Bits;
use crate::headers::Quantisation;
use crate::huffman::BlockTables;
use crate::kernels::Kernels;
use crate::planes::{Layout, Rows};

/// Takes the MCUs of the scan.
pub(crate) struct SingleScan<'a, K> {
    kernels: K,
    components: Vec<Component>,
    batch: Box<Batch<'a>>,
    /// Blocks of an MCU.
    mcu: usize,
    rows: Rows<'a>,
}

struct Component {
    prediction: i16,
    /// Whether samples are made of it.
    is_needed: bool,
    /// Where its blocks stand among those of an MCU.
    begin: usize,
    /// Where the samples of each of them go in the first MCU of a row, and how much further on in each next.
    first: Vec<usize>,
    step: usize,
    transform: Transform,
}

impl<'a, K: Kernels> SingleScan<'a, K> {
    /// `coded` has the component of each plane that is coded, in the order of the scan, and `quantisation` a table for
    /// each plane.
    pub(crate) fn new(
        kernels: K,
        layout: &'a Layout,
        coded: &'a [(usize, Arc<BlockTables>)],
        quantisation: &[Quantisation],
        rows: Rows<'a>,
    ) -> Self {
        let (mut components, mut tables) = (vec![], vec![]);
        for (index, coded) in coded {
            let plane = &layout.planes[*index];
            let begin = tables.len();
            tables.resize(begin + plane.h * plane.v, &**coded);
            let places = (0..plane.v).flat_map(|v| (0..plane.h).map(move |h| (h, v)));
            components.push(Component {
                prediction: 0,
                is_needed: plane.is_needed,
                begin,
                first: places.map(|(h, v)| plane.block_offset(h, v)).collect(),
                step: plane.h * plane.dct,
                transform: Transform::new(plane, &quantisation[*index]),
            });
        }
        let (batch, mcu) = (Box::new(Batch::new(&tables)), tables.len());
        Self { kernels, components, batch, mcu, rows }
    }
}

impl<K: Kernels> Sink for SingleScan<'_, K> {
    #[inline(always)]
    fn at_once(&self) -> usize {
        BLOCKS / self.mcu
    }

    #[inline(always)]
    fn restart(&mut self) {
        for component in &mut self.components {
            component.prediction = 0;
        }
    }

    #[inline(always)]
    fn take(
        &mut self,
        bits: &mut Bits<'_>,
        (x, _): (usize, usize),
        count: usize,
    ) -> Result<(), Damage> {
        let blocks = count * self.mcu;
        let taken = self.batch.take(self.kernels, bits, blocks);
        if taken.is_ok() {
            let samples = self.rows.samples();
            for component in &mut self.components {
                component.transform(self.kernels, &mut self.batch, self.mcu, x..x + count, samples);
            }
        }
        self.batch.blocks()[..blocks].fill([0; 64]);
        taken
    }

    #[cold]
    fn take_below(&mut self, bits: &mut Bits<'_>) -> Result<(), Damage> {
        let taken = self.batch.take(self.kernels, bits, self.mcu);
        self.batch.blocks()[..self.mcu].fill([0; 64]);
        taken
    }

    #[cold]
    fn lose(&mut self, (x, _): (usize, usize)) {
        let samples = self.rows.samples();
        for component in self.components.iter().filter(|component| component.is_needed) {
            for first in &component.first {
                component.transform.lose(samples, first + x * component.step);
            }
        }
    }

    #[inline(always)]
    fn finish_row(&mut self, y: usize) {
        self.rows.finish_mcus(self.kernels, y);
    }
}

impl Component {
    /// Makes samples of its blocks in a batch, which are those of the MCUs `mcus` of a row.
    #[inline(always)]
    fn transform<K: Kernels>(
        &mut self,
        kernels: K,
        batch: &mut Batch<'_>,
        mcu: usize,
        mcus: std::ops::Range<usize>,
        samples: &mut [u8],
    ) {
        if !self.is_needed {
            return;
        }
        let Self { prediction, transform, first, step, .. } = self;
        let mut begin = self.begin;
        transform.sort(|sorting| {
            let mut dc = *prediction;
            for x in mcus {
                for (block, first) in (begin..).zip(&*first) {
                    dc = dc.wrapping_add(batch.blocks()[block][0]);
                    batch.blocks()[block][0] = dc;
                    sorting.push(block, first + x * *step, batch.count(block));
                }
                begin += mcu;
            }
            *prediction = dc;
        });
        transform.flush(kernels, batch.blocks(), samples);
    }
}
