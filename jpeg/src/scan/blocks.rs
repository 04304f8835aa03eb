//! Blocks of a component on their way from coefficients to samples, many at a time.

use crate::headers::Quantisation;
use crate::kernels::{BlockPair, Kernels, Steps};
use crate::planes::Plane;

/// Pairs of blocks that wait. They are transformed together, because it cannot be predicted which blocks are flat: a
/// jump after every second one that is not would often be taken wrongly.
const PAIRS: usize = 8;

/// Blocks of a component that wait for their transform, and where they are written to.
pub(crate) struct PendingBlocks {
    pairs: [BlockPair; PAIRS],
    /// Where their samples go.
    at: [usize; 2 * PAIRS],
    /// The place of the last coefficient in the order of the code, or a later one.
    last: [u32; 2 * PAIRS],
    waiting: usize,
    steps: Steps,
    size: usize,
    stride: usize,
}

impl PendingBlocks {
    pub(crate) fn new(plane: &Plane, quantisation: &Quantisation) -> Self {
        Self {
            pairs: [const { BlockPair([[0; 64]; 2]) }; PAIRS],
            at: [0; 2 * PAIRS],
            last: [0; 2 * PAIRS],
            waiting: 0,
            steps: Steps(quantisation.map(|step| step as i16)),
            size: plane.dct,
            stride: plane.stride,
        }
    }

    /// The coefficients of the next block: zeros, unless it was given up before.
    #[inline(always)]
    pub(crate) fn next(&mut self) -> &mut [i16; 64] {
        &mut self.pairs[self.waiting / 2 % PAIRS].0[self.waiting % 2]
    }

    /// Takes the next block, whose coefficients have been set up to `last`, for the samples at `at`. Its size is not 1.
    #[inline(always)]
    pub(crate) fn push<K: Kernels>(
        &mut self,
        kernels: K,
        samples: &mut [u8],
        at: usize,
        last: u32,
    ) {
        self.at[self.waiting % (2 * PAIRS)] = at;
        self.last[self.waiting % (2 * PAIRS)] = last;
        self.waiting += 1;
        if self.waiting == 2 * PAIRS {
            self.flush(kernels, samples);
        }
    }

    /// Takes a block that has no coefficients but the first, which need not be set.
    #[inline(always)]
    pub(crate) fn push_flat(&mut self, dc: i16, samples: &mut [u8], at: usize) {
        self.next()[0] = 0;
        let sample = flat_sample(dc.wrapping_mul(self.steps.0[0]));
        match self.size {
            8 => fill::<8>(samples, at, self.stride, sample),
            4 => fill::<4>(samples, at, self.stride, sample),
            2 => fill::<2>(samples, at, self.stride, sample),
            _ => samples[at] = sample,
        }
    }

    /// Gives up the next block, whose coefficients may have been set in part: its samples are grey.
    pub(crate) fn lose(&mut self, samples: &mut [u8], at: usize) {
        *self.next() = [0; 64];
        self.push_flat(0, samples, at);
    }

    /// Transforms what waits.
    #[inline(always)]
    pub(crate) fn flush<K: Kernels>(&mut self, kernels: K, samples: &mut [u8]) {
        match self.size {
            8 => self.transform::<8, K>(kernels, samples),
            4 => self.transform::<4, K>(kernels, samples),
            2 => self.transform::<2, K>(kernels, samples),
            _ => {}
        }
    }

    #[inline(always)]
    fn transform<const SIZE: usize, K: Kernels>(&mut self, kernels: K, samples: &mut [u8]) {
        if self.waiting % 2 == 1 {
            // A block without a second takes its place too.
            self.at[self.waiting] = self.at[self.waiting - 1];
            self.last[self.waiting] = self.last[self.waiting - 1];
            let [first, second] = &mut self.pairs[self.waiting / 2].0;
            *second = *first;
        }
        let waiting = self.waiting.div_ceil(2);
        let ((places, _), (lasts, _)) = (self.at.as_chunks::<2>(), self.last.as_chunks::<2>());
        let blocks = self.pairs[..waiting].iter_mut();
        for ((blocks, &[first, second]), &[last, other]) in blocks.zip(places).zip(lasts) {
            let (at, last) = ((first, second), last.max(other));
            kernels.transform::<SIZE>(blocks, &self.steps, samples, at, self.stride, last);
            *blocks = BlockPair([[0; 64]; 2]);
        }
        self.waiting = 0;
    }
}

/// Every sample of a block whose only coefficient is this one, dequantised.
#[inline(always)]
fn flat_sample(dc: i16) -> u8 {
    // Rounded once, as the two passes together do.
    (((i32::from(dc) + 4) >> 3) + 128).clamp(0, 255) as u8
}

#[inline(always)]
fn fill<const SIZE: usize>(samples: &mut [u8], at: usize, stride: usize, sample: u8) {
    let rows = &mut samples[at..][..(SIZE - 1) * stride + SIZE];
    for y in 0..SIZE {
        if let Some(row) = rows[y * stride..].first_chunk_mut::<SIZE>() {
            *row = [sample; SIZE];
        }
    }
}
