//! Inverse transforms of blocks, with the roundings of libjpeg.
//!
//! To 8 samples the accurate integer transform (`jidctint.c`, after Loeffler, Ligtenberg and Moschytz 1989), to 4
//! and 2 the reduced ones (`jidctred.c`): fixed-point numbers of 13 bits, two passes, rounded to two bits more than
//! samples have between them. Coefficients that no encoder writes wrap around or saturate where vectors of 16
//! bits do, so that every level has the same result.

use crate::kernels::Steps;
use crate::zigzag::CODED;

/// Bits of the fraction of constants, and of samples between the passes.
pub(super) const CONSTANT_BITS: u32 = 13;
pub(super) const BETWEEN_BITS: u32 = 2;

/// Transforms a block, in the order of the code, to `SIZE` (2, 4 or 8) samples across and down, in rows that are `stride` apart.
pub(in crate::kernels) fn transform<const SIZE: usize>(
    block: &[i16; 64],
    steps: &Steps,
    out: &mut [u8],
    stride: usize,
) {
    let mut between = [[0; 8]; SIZE];
    for column in 0..8 {
        let coefficients = std::array::from_fn(|row| {
            let place = usize::from(CODED[row][column]);
            block[place].wrapping_mul(steps.0[place])
        });
        let samples: [i16; SIZE] = pass::<SIZE>(coefficients, CONSTANT_BITS - BETWEEN_BITS);
        for (row, sample) in between.iter_mut().zip(samples) {
            row[column] = sample;
        }
    }
    for (row, between) in between.into_iter().enumerate() {
        let samples: [i16; SIZE] = pass::<SIZE>(between, CONSTANT_BITS + BETWEEN_BITS + 3);
        for (out, sample) in out[row * stride..][..SIZE].iter_mut().zip(samples) {
            *out = (i32::from(sample) + 128).clamp(0, 255) as u8;
        }
    }
}

/// A transform in one direction, rounded and freed of `shift` bits.
#[inline(always)]
fn pass<const SIZE: usize>(input: [i16; 8], shift: u32) -> [i16; SIZE] {
    let wide = input.map(i32::from);
    let (sums, shift) = match SIZE {
        8 => (eight(wide), shift),
        4 => (four(wide), shift + 1),
        2 => (two(wide), shift + 2),
        _ => unreachable!("no such transform"),
    };
    std::array::from_fn(|n| {
        let rounded = sums[n].wrapping_add(1 << (shift - 1)) >> shift;
        rounded.clamp(i16::MIN.into(), i16::MAX.into()) as i16
    })
}

/// A sum of products.
#[inline(always)]
fn sum<const N: usize>(values: [i32; N], factors: [i32; N]) -> i32 {
    values.iter().zip(factors).fold(0, |sum, (&v, f)| sum.wrapping_add(v.wrapping_mul(f)))
}

/// Sum and difference of what even and odd coefficients contribute, mirrored.
#[inline(always)]
fn butterflies<const N: usize>(even: [i32; N], odd: [i32; N]) -> [i32; 8] {
    let mut out = [0; 8];
    for n in 0..N {
        out[n] = even[n].wrapping_add(odd[n]);
        out[2 * N - 1 - n] = even[n].wrapping_sub(odd[n]);
    }
    out
}

fn eight([c0, c1, c2, c3, c4, c5, c6, c7]: [i32; 8]) -> [i32; 8] {
    let (sum04, difference04) = (sum([c0, c4], [8192, 8192]), sum([c0, c4], [8192, -8192]));
    let (rotated2, rotated6) = (sum([c2, c6], [10703, 4433]), sum([c2, c6], [4433, -10704]));
    let even = [
        sum04.wrapping_add(rotated2),
        difference04.wrapping_add(rotated6),
        difference04.wrapping_sub(rotated6),
        sum04.wrapping_sub(rotated2),
    ];
    // These sums are of 16 bits.
    let (z3, z4) = (i32::from((c7 + c3) as i16), i32::from((c5 + c1) as i16));
    let (z3, z4) = (sum([z3, z4], [-6436, 9633]), sum([z3, z4], [9633, 6437]));
    let odd = [
        sum([c7, c1], [-7373, 4926]).wrapping_add(z4),
        sum([c5, c3], [-20995, 4177]).wrapping_add(z3),
        sum([c5, c3], [-4176, -20995]).wrapping_add(z4),
        sum([c7, c1], [-4927, -7373]).wrapping_add(z3),
    ];
    butterflies(even, odd)
}

fn four([c0, c1, c2, c3, _, c5, c6, c7]: [i32; 8]) -> [i32; 8] {
    let (base, rotated) = (c0.wrapping_mul(1 << 14), sum([c2, c6], [15137, -6270]));
    let even = [base.wrapping_add(rotated), base.wrapping_sub(rotated)];
    let odd = [
        sum([c7, c5, c3, c1], [-4176, -4926, 7373, 20995]),
        sum([c7, c5, c3, c1], [-1730, 11893, -17799, 8697]),
    ];
    butterflies(even, odd)
}

fn two([c0, c1, _, c3, _, c5, _, c7]: [i32; 8]) -> [i32; 8] {
    let odd = sum([c7, c5, c3, c1], [-5906, 6967, -10426, 29692]);
    butterflies([c0.wrapping_mul(1 << 15)], [odd])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The transform as T.81, A.3.3 defines it, averaged over squares of pixels.
    fn exact(block: &[i16; 64], size: usize) -> Vec<f64> {
        let scale = |k: usize| if k == 0 { 0.5f64.sqrt() } else { 1.0 };
        let wave =
            |x: f64, k: usize| (((2.0 * x + 1.0) * k as f64 * std::f64::consts::PI) / 16.0).cos();
        let pixel = |x: usize, y: usize| -> f64 {
            let term = |n: usize| {
                let (v, u) = (n / 8, n % 8);
                f64::from(block[usize::from(CODED[v][u])])
                    * scale(u)
                    * scale(v)
                    * wave(x as f64, u)
                    * wave(y as f64, v)
            };
            (0..64).map(term).sum::<f64>() / 4.0 + 128.0
        };
        let side = 8 / size;
        let mean = |x: usize, y: usize| -> f64 {
            let square = (0..side * side).map(|n| pixel(x * side + n % side, y * side + n / side));
            square.sum::<f64>() / (side * side) as f64
        };
        (0..size * size).map(|n| mean(n % size, n / size).clamp(0.0, 255.0)).collect()
    }

    /// Largest distance from the exact transform. The reduced ones leave some coefficients out.
    fn error<const SIZE: usize>(leaves_out: impl Fn(usize) -> bool) -> f64 {
        let mut random = fastrand::Rng::with_seed(7);
        let mut worst = 0.0f64;
        for _ in 0..2000 {
            let mut block: [i16; 64] = std::array::from_fn(|_| random.i16(-40..40));
            block[0] = random.i16(-1000..1000);
            for n in (0..64).filter(|n| leaves_out(n / 8) || leaves_out(n % 8)) {
                block[usize::from(CODED[n / 8][n % 8])] = 0;
            }
            let mut out = [0; 64];
            transform::<SIZE>(&block, &Steps([1; 64]), &mut out, SIZE);
            for (found, expected) in out.iter().zip(exact(&block, SIZE)) {
                worst = worst.max((f64::from(*found) - expected).abs());
            }
        }
        worst
    }

    #[test]
    fn transforms_are_close_to_the_exact_one() {
        assert!(error::<8>(|_| false) < 0.6);
        assert!(error::<4>(|k| k == 4) < 0.6);
        assert!(error::<2>(|k| k != 0 && k % 2 == 0) < 0.6);
    }
}
