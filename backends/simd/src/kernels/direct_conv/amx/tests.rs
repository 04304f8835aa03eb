//! Pieces of random convolutions against plain sums of products: with the portable tiles everywhere, and
//! with the processor's tiles where it has them and the build has the feature.
#![expect(unsafe_code, reason = "kernels take pointers")]

use fastrand::Rng;

use super::*;
use crate::kernels::window::Axis;
use crate::tiles::PortableTiles;
use crate::vector::{add_pair_product, pair_of_bf16};

const ROUNDS: u64 = 300;
/// A bit pattern that nothing computes.
const CANARY: u32 = 0x7FC0_BEEF;

#[test]
fn portable_tiles() {
    for seed in 0..ROUNDS {
        check(seed, |blocks| match blocks {
            1 => piece::<PortableTiles, 4, 1>,
            2 => piece::<PortableTiles, 2, 2>,
            3 => piece::<PortableTiles, 1, 3>,
            _ => piece::<PortableTiles, 1, 4>,
        });
    }
}

#[cfg(all(feature = "amx", target_arch = "x86_64"))]
#[test]
fn tiles_of_the_processor() {
    let Some(proof) = Amx::detect() else {
        return eprintln!("skipped: this processor has no AMX");
    };
    for seed in 0..ROUNDS {
        check(seed, |blocks| kernel(proof, blocks));
    }
}

/// Computes a random piece of a random convolution.
fn check(seed: u64, version: impl Fn(usize) -> Kernel) {
    let mut random = Rng::with_seed(seed);
    let axes = [axis(&mut random, 9), axis(&mut random, 150)];
    // Now and then more than are multiplied at once.
    let most = if seed.is_multiple_of(8) { 12 } else { 4 };
    let blocks_in = random.usize(1..most);
    let conv = DirectConv::new(axes, blocks_in * PAIRS, PAIRS);
    let blocks = random.usize(1..=4);
    let number = |random: &mut Rng| random.i32(-64..=64) as f32 / 32.0;
    let pair = |random: &mut Rng| pair_of_bf16(number(random), number(random));
    let [pixels, windows] = [axes[0].extent * axes[1].extent, axes[0].windows * axes[1].windows];
    let taps = axes[0].taps * axes[1].taps;
    let input: Vec<f32> = (0..pixels * conv.channels).map(|_| pair(&mut random)).collect();
    let weights: Vec<f32> =
        (0..taps * conv.channels * blocks * COLUMNS).map(|_| pair(&mut random)).collect();
    let bias: Vec<f32> = (0..blocks * COLUMNS).map(|_| number(&mut random)).collect();
    let results = piece_of(&mut random, &axes);
    // As part of the whole feature map, or on their own.
    let (output_start, len) =
        if random.bool() { (0, windows) } else { (results.start, results.len()) };
    let mut output = vec![f32::from_bits(CANARY); blocks * len * COLUMNS];
    let piece = Piece {
        input: input.as_ptr(),
        weights: weights.as_ptr(),
        bias: bias.as_ptr(),
        output: output.as_mut_ptr(),
        output_start,
        output_block_stride: len * COLUMNS,
        results: results.clone(),
        fetches_ahead: false,
    };
    // SAFETY: every vector has the room that the convolution and the piece need.
    unsafe { version(blocks)(&conv, &piece) };
    for (index, got) in output.iter().enumerate() {
        let (block, lane) = (index / COLUMNS / len, index % COLUMNS);
        let result = output_start + index / COLUMNS % len;
        if !results.contains(&result) {
            assert_eq!(got.to_bits(), CANARY, "seed {seed}: result {result} is outside the piece");
            continue;
        }
        let mut expected = bias[block * COLUMNS + lane];
        for tap in 0..taps {
            let window = [result / axes[1].windows, result % axes[1].windows];
            let tap_of = [tap / axes[1].taps, tap % axes[1].taps];
            let Some(pixel) = pixel(&axes, window, tap_of) else { continue };
            for channel in 0..conv.channels {
                let (block_in, pair) = (channel / PAIRS, channel % PAIRS);
                let x = input[(block_in * pixels + pixel) * PAIRS + pair];
                let weight = (block_in * taps + tap) * PAIRS + pair;
                let y = weights[(weight * blocks + block) * COLUMNS + lane];
                expected = add_pair_product(expected, x, y);
            }
        }
        // Every product is a multiple of 2⁻¹⁰, and every sum of them exact.
        assert_eq!(*got, expected, "seed {seed}: result {result}, block {block}, lane {lane}");
    }
}

fn axis(random: &mut Rng, most: usize) -> Axis {
    let (taps, stride, dilation) = (random.usize(1..4), random.usize(1..3), random.usize(1..3));
    let reach = (taps - 1) * dilation + 1;
    let padding = random.usize(0..=reach);
    let extent = reach + random.usize(0..most);
    // There may be as much padding after the last element as before the first.
    let last = extent + padding + random.usize(0..=padding) - reach;
    Axis { extent, windows: last / stride + 1, taps, stride, dilation, padding }
}

/// A row, the end of a row, or any range.
fn piece_of(random: &mut Rng, axes: &[Axis; 2]) -> Range<usize> {
    let [rows, columns] = axes.map(|axis| axis.windows);
    let row = random.usize(0..rows) * columns;
    match random.usize(0..3) {
        0 => row..row + columns,
        1 => row + random.usize(0..columns)..row + columns,
        _ => {
            let start = random.usize(0..rows * columns);
            start..random.usize(start + 1..=rows * columns)
        }
    }
}

fn pixel(axes: &[Axis; 2], window: [usize; 2], tap: [usize; 2]) -> Option<usize> {
    let at = [0, 1].map(|side| {
        let at = axes[side].start(window[side]) + (tap[side] * axes[side].dilation) as isize;
        usize::try_from(at).ok().filter(|at| *at < axes[side].extent)
    });
    Some(at[0]? * axes[1].extent + at[1]?)
}
