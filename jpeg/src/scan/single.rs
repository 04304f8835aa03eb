//! A sequential scan of all components: blocks become samples as they come, and samples pixels.

use std::sync::Arc;

use super::blocks::PendingBlocks;
use super::walk::Sink;
use super::{CodedComponent, Damage};
use crate::bits::Bits;
use crate::headers::Quantisation;
use crate::huffman::{AcTable, DAMAGED, DcTable};
use crate::kernels::Kernels;
use crate::planes::{Layout, Plane, Rows};

/// Takes the MCUs of the scan.
pub(crate) struct SingleScan<'a, K> {
    kernels: K,
    components: Vec<Component<'a>>,
    rows: Rows<'a>,
}

struct Component<'a> {
    plane: &'a Plane,
    dc: Arc<DcTable>,
    ac: Arc<AcTable>,
    prediction: i16,
    pending: PendingBlocks,
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
        let component = |coded: &CodedComponent| {
            let plane = &layout.planes[coded.index];
            Some(Component {
                plane,
                dc: Arc::clone(coded.dc.as_ref()?),
                ac: Arc::clone(coded.ac.as_ref()?),
                prediction: 0,
                pending: PendingBlocks::new(plane, &quantisation[coded.index]),
            })
        };
        Some(Self { kernels, components: coded.iter().map(component).collect::<Option<_>>()?, rows })
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
        for component in &mut self.components {
            let plane = component.plane;
            for v in 0..plane.v {
                for h in 0..plane.h {
                    let at = plane.block_offset(x * plane.h + h, v);
                    component.block(self.kernels, bits, samples, at)?;
                }
            }
        }
        Ok(())
    }

    #[cold]
    fn lose(&mut self, x: usize, _y: usize) {
        let samples = self.rows.samples();
        for component in &mut self.components {
            let plane = component.plane;
            if !plane.is_needed {
                continue;
            }
            for v in 0..plane.v {
                for h in 0..plane.h {
                    component.pending.lose(samples, plane.block_offset(x * plane.h + h, v));
                }
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

impl Component<'_> {
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
        if !self.plane.is_needed {
            return if self.ac.skip(bits) { Ok(()) } else { Err(Damage) };
        }
        if self.plane.dct == 1 {
            if !self.ac.skip(bits) {
                return Err(Damage);
            }
            self.pending.push_flat(self.prediction, samples, at);
            return Ok(());
        }
        let block = self.pending.next();
        block[0] = self.prediction;
        match self.ac.take(bits, block) {
            DAMAGED => return Err(Damage),
            0 => self.pending.push_flat(self.prediction, samples, at),
            _ => self.pending.push(kernels, samples, at),
        }
        Ok(())
    }
}
