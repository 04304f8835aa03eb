//! Coefficients of a component's blocks to samples, many blocks at a time.

use super::batch::BLOCKS;
use crate::headers::Quantisation;
use crate::kernels::{Kernels, Steps};
use crate::planes::Plane;
use crate::zigzag::LOW;

/// Blocks of a component, sorted by what their transform needs: with a jump for each block, many would be taken wrongly.
pub(crate) struct Transform {
    /// Blocks that wait, and where their samples go.
    waiting: [[(usize, usize); BLOCKS]; KINDS],
    counts: [usize; KINDS],
    steps: Steps,
    size: usize,
    stride: usize,
}

/// Blocks without a coefficient but the first; with those of lowest frequency alone; with others.
const KINDS: usize = 3;

impl Transform {
    pub(crate) fn new(plane: &Plane, quantisation: &Quantisation) -> Self {
        Self {
            waiting: [[(0, 0); BLOCKS]; KINDS],
            counts: [0; KINDS],
            steps: Steps(quantisation.map(|step| step as i16)),
            size: plane.dct,
            stride: plane.stride,
        }
    }

    /// Adds a block, of which only the first `count` coefficients may be other than zero, whose samples go to `at`. At
    /// most [`BLOCKS`] may wait.
    #[inline(always)]
    pub(crate) fn push(&mut self, block: usize, at: usize, count: usize) {
        let kind = match self.size {
            1 => 0,
            _ => usize::from(count > 1) + usize::from(count > LOW),
        };
        let place = self.counts[kind];
        self.waiting[kind][place % BLOCKS] = (block, at);
        self.counts[kind] = place + 1;
    }

    /// Makes samples of the blocks that wait.
    #[inline(always)]
    pub(crate) fn flush<K: Kernels>(
        &mut self,
        kernels: K,
        blocks: &[[i16; 64]],
        samples: &mut [u8],
    ) {
        match self.size {
            8 => self.transform::<8, K>(kernels, blocks, samples),
            4 => self.transform::<4, K>(kernels, blocks, samples),
            2 => self.transform::<2, K>(kernels, blocks, samples),
            _ => {
                for &(block, at) in &self.waiting[0][..self.counts[0]] {
                    samples[at] = self.flat_sample(blocks[block][0]);
                }
            }
        }
        self.counts = [0; KINDS];
    }

    #[inline(always)]
    fn transform<const SIZE: usize, K: Kernels>(
        &self,
        kernels: K,
        blocks: &[[i16; 64]],
        samples: &mut [u8],
    ) {
        for &(block, at) in &self.waiting[0][..self.counts[0]] {
            fill::<SIZE>(samples, at, self.stride, self.flat_sample(blocks[block][0]));
        }
        for kind in 1..KINDS {
            for pair in self.waiting[kind][..self.counts[kind]].chunks(2) {
                // A block without a second takes its place too.
                let ((first, at), (second, other)) = (pair[0], pair[pair.len() - 1]);
                let pair = [&blocks[first], &blocks[second]];
                let at = [at, other];
                let steps = &self.steps;
                kernels.transform::<SIZE>(pair, steps, samples, at, self.stride, kind == 1);
            }
        }
    }

    /// Gives up a block: its samples are grey.
    pub(crate) fn lose(&self, samples: &mut [u8], at: usize) {
        match self.size {
            8 => fill::<8>(samples, at, self.stride, GREY),
            4 => fill::<4>(samples, at, self.stride, GREY),
            2 => fill::<2>(samples, at, self.stride, GREY),
            _ => samples[at] = GREY,
        }
    }

    /// Every sample of a block whose only coefficient is this one.
    #[inline(always)]
    fn flat_sample(&self, dc: i16) -> u8 {
        let dc = dc.wrapping_mul(self.steps.0[0]);
        // Rounded once, as the two passes together do.
        (((i32::from(dc) + 4) >> 3) + i32::from(GREY)).clamp(0, 255) as u8
    }
}

const GREY: u8 = 128;

#[inline(always)]
fn fill<const SIZE: usize>(samples: &mut [u8], at: usize, stride: usize, sample: u8) {
    let rows = &mut samples[at..][..(SIZE - 1) * stride + SIZE];
    for y in 0..SIZE {
        if let Some(row) = rows[y * stride..].first_chunk_mut::<SIZE>() {
            *row = [sample; SIZE];
        }
    }
}
