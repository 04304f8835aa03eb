//! Coefficients of a component's blocks to samples, many blocks at a time.

use super::batch::BLOCKS;
use crate::headers::Quantisation;
use crate::kernels::{Kernels, Steps};
use crate::planes::Plane;
use crate::zigzag::LOW;

/// Blocks of a component, sorted by what their transform needs: with a jump for each block, many would be taken wrongly.
pub(crate) struct Transform {
    /// Blocks that wait, and where their samples go.
    waiting: [[(u32, u32); BLOCKS]; KINDS],
    counts: [usize; KINDS],
    steps: Steps,
    size: usize,
    stride: usize,
}

/// Sorts blocks.
pub(crate) struct Sorting<'a> {
    waiting: &'a mut [[(u32, u32); BLOCKS]; KINDS],
    /// Apart from the blocks, so that they stay in registers.
    counts: [usize; KINDS],
}

impl Sorting<'_> {
    /// Adds a block, of which only the first `count` coefficients may be other than zero, whose samples go to `at`.
    #[inline(always)]
    pub(crate) fn push(&mut self, block: usize, at: usize, count: usize) {
        // Written for all kinds, and counted for its own.
        for (waiting, place) in self.waiting.iter_mut().zip(self.counts) {
            waiting[place % BLOCKS] = (block as u32, at as u32);
        }
        let kind = usize::from(count > 1) + usize::from(count > LOW);
        for (n, place) in self.counts.iter_mut().enumerate() {
            *place += usize::from(n == kind);
        }
    }
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

    /// Sorts the blocks that `each` pushes, at most [`BLOCKS`].
    #[inline(always)]
    pub(crate) fn sort(&mut self, each: impl FnOnce(&mut Sorting<'_>)) {
        let mut sorting = Sorting { waiting: &mut self.waiting, counts: [0; KINDS] };
        each(&mut sorting);
        self.counts = sorting.counts;
    }

    /// Makes samples of the blocks that wait.
    #[inline(always)]
    pub(crate) fn flush<K: Kernels>(&self, kernels: K, blocks: &[[i16; 64]], samples: &mut [u8]) {
        match self.size {
            8 => self.transform::<8, K>(kernels, blocks, samples),
            4 => self.transform::<4, K>(kernels, blocks, samples),
            2 => self.transform::<2, K>(kernels, blocks, samples),
            _ => {
                for (waiting, &count) in self.waiting.iter().zip(&self.counts) {
                    for &(block, at) in &waiting[..count] {
                        samples[at as usize] = self.flat_sample(blocks[block as usize][0]);
                    }
                }
            }
        }
    }

    #[inline(always)]
    fn transform<const SIZE: usize, K: Kernels>(
        &self,
        kernels: K,
        blocks: &[[i16; 64]],
        samples: &mut [u8],
    ) {
        for &(block, at) in &self.waiting[0][..self.counts[0]] {
            let sample = self.flat_sample(blocks[block as usize][0]);
            fill::<SIZE>(samples, at as usize, self.stride, sample);
        }
        for kind in 1..KINDS {
            for pair in self.waiting[kind][..self.counts[kind]].chunks(2) {
                // A block without a second takes its place too.
                let ((first, at), (second, other)) = (pair[0], pair[pair.len() - 1]);
                let pair = [&blocks[first as usize], &blocks[second as usize]];
                let at = [at as usize, other as usize];
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
