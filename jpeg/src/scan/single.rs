//! A sequential scan of all components: blocks become samples as they come, and samples pixels.

use std::sync::Arc;

use super::blocks::PendingBlocks;
use super::walk::Sink;
use super::{CodedComponent, Damage};
use crate::bits::Bits;
use crate::headers::Quantisation;
use crate::huffman::{AcTable, DAMAGED, DcTable};
use crate::kernels::Kernels;
use crate::planes::{Layout, Rows};

/// Takes the MCUs of the scan.
pub(crate) struct SingleScan<'a, K> {
    kernels: K,
    components: Vec<Component>,
    /// The blocks of an MCU, in their order.
    blocks: Vec<Block>,
    rows: Rows<'a>,
}

struct Component {
    dc: Arc<DcTable>,
    ac: Arc<AcTable>,
    prediction: i16,
    purpose: Purpose,
    pending: PendingBlocks,
}

/// The use that is made of the coefficients of a component.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Purpose {
    Transform,
    /// A sample is made of the first.
    First,
    Nothing,
}

/// A block of each MCU.
struct Block {
    /// Its component, in the order of the scan.
    component: usize,
    /// Where its samples go in the first MCU of a row, and how much further on they go in each next.
    first: usize,
    step: usize,
}

impl<'a, K: Kernels> SingleScan<'a, K> {
    /// `quantisation` has a table for each component of the frame. `None` if a Huffman table is missing.
    pub(crate) fn new(
        kernels: K,
        layout: &'a Layout,
        coded: &[CodedComponent],
        quantisation: &[Quantisation],
        rows: Rows<'a>,
    ) -> Option<Self> {
        let (mut components, mut blocks) = (vec![], vec![]);
        for (place, coded) in coded.iter().enumerate() {
            let plane = &layout.planes[coded.index];
            components.push(Component {
                dc: Arc::clone(coded.dc.as_ref()?),
                ac: Arc::clone(coded.ac.as_ref()?),
                prediction: 0,
                purpose: match plane.dct {
                    _ if !plane.is_needed => Purpose::Nothing,
                    1 => Purpose::First,
                    _ => Purpose::Transform,
                },
                pending: PendingBlocks::new(plane, &quantisation[coded.index]),
            });
            for v in 0..plane.v {
                blocks.extend((0..plane.h).map(|h| Block {
                    component: place,
                    first: plane.block_offset(h, v),
                    step: plane.h * plane.dct,
                }));
            }
        }
        Some(Self { kernels, components, blocks, rows })
    }
}

impl<K: Kernels> Sink for SingleScan<'_, K> {
    #[inline(always)]
    fn restart(&mut self) {
        for component in &mut self.components {
            component.prediction = 0;
        }
    }

    #[inline(always)]
    fn take(&mut self, bits: &mut Bits<'_>, x: usize, _y: usize) -> Result<(), Damage> {
        let samples = self.rows.samples();
        for block in &self.blocks {
            let component = &mut self.components[block.component];
            component.block(self.kernels, bits, samples, block.first + x * block.step)?;
        }
        Ok(())
    }

    #[cold]
    fn lose(&mut self, x: usize, _y: usize) {
        let samples = self.rows.samples();
        for block in &self.blocks {
            let component = &mut self.components[block.component];
            if component.purpose != Purpose::Nothing {
                component.pending.lose(samples, block.first + x * block.step);
            }
        }
    }

    #[inline(always)]
    fn finish_row(&mut self, y: usize) {
        let samples = self.rows.samples();
        for component in &mut self.components {
            component.pending.flush(self.kernels, samples);
        }
        self.rows.finish_mcus(self.kernels, y);
    }
}

impl Component {
    #[inline(always)]
    fn block<K: Kernels>(
        &mut self,
        kernels: K,
        bits: &mut Bits<'_>,
        samples: &mut [u8],
        at: usize,
    ) -> Result<(), Damage> {
        bits.refill();
        let difference = self.dc.take(bits).ok_or(Damage)?;
        self.prediction = self.prediction.wrapping_add(difference as i16);
        if self.purpose != Purpose::Transform {
            if !self.ac.skip(bits) {
                return Err(Damage);
            }
            if self.purpose == Purpose::First {
                self.pending.push_flat(self.prediction, samples, at);
            }
            return Ok(());
        }
        let block = self.pending.next();
        block[0] = self.prediction;
        match self.ac.take(bits, block) {
            DAMAGED => return Err(Damage),
            0 => self.pending.push_flat(self.prediction, samples, at),
            last => self.pending.push(kernels, samples, at, last),
        }
        Ok(())
    }
}
