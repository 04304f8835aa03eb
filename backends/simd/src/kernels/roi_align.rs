//! A bin of a region of a channel-blocked feature map: for every channel, the sum of weighted elements.
#![expect(unsafe_code, reason = "vector loads and stores go through pointers")]

use crate::vector::{Vector, versions};

/// Where an element of the first block is, and its weight.
pub(crate) type Corner = (usize, f32);

/// Elements that are summed up in every block.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bin<'a> {
    /// The first block of the feature map.
    pub(crate) input: *const f32,
    /// Elements from a block to the next.
    pub(crate) block_stride: usize,
    pub(crate) blocks: usize,
    pub(crate) corners: &'a [Corner],
    /// `[block][lane]`
    pub(crate) sums: *mut f32,
    /// Whether the sums start with what is there, not with 0.
    pub(crate) accumulates: bool,
}

versions!(version = bin(bin: &Bin<'_>));

/// # Safety
/// The processor has `V`'s instructions, the pointers are good for the blocks and for the corners' elements in
/// each, and nothing else touches the sums.
#[inline(always)]
unsafe fn bin<V: Vector>(bin: &Bin<'_>) {
    for block in 0..bin.blocks {
        // SAFETY: the caller's promise.
        unsafe {
            let (input, to) =
                (bin.input.add(block * bin.block_stride), bin.sums.add(block * V::LANES));
            let mut sum = if bin.accumulates { V::load(to) } else { V::splat(0.0) };
            for (offset, weight) in bin.corners {
                sum = V::load(input.add(*offset)).mul_add(V::splat(*weight), sum);
            }
            sum.store(to);
        }
    }
}
