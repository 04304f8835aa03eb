//! Rows of coefficients from the order of the code, of two blocks at once, one in each half of a vector.
#![expect(unsafe_code, reason = "vector loads and stores go through pointers")]

use std::arch::x86_64::*;

use crate::kernels::Steps;
use crate::zigzag::CODED;

/// Vectors that hold the coefficients before [`crate::zigzag::LOW`].
pub(in crate::kernels) const LOW_VECTORS: usize = 2;

/// The coefficients of the first `N` vectors of both blocks, dequantised. Those of others must be zero.
pub(super) struct Coded<const N: usize>([__m256i; N]);

#[derive(Clone, Copy)]
#[repr(C, align(32))]
struct Shuffle([u8; 32]);

/// Shuffles that bring coefficients to their columns, for each row and vector. Other columns become zero.
static SHUFFLES: [[Shuffle; 8]; 8] = {
    let mut shuffles = [[Shuffle([0x80; 32]); 8]; 8];
    let mut n = 0;
    while n < 64 {
        let (row, column, place) = (n / 8, n % 8, CODED[n / 8][n % 8]);
        let shuffle = &mut shuffles[row][(place / 8) as usize].0;
        let mut byte = 0;
        while byte < 4 {
            shuffle[byte / 2 * 16 + 2 * column + byte % 2] = place % 8 * 2 + (byte % 2) as u8;
            byte += 1;
        }
        n += 1;
    }
    shuffles
};

/// Whether a row has coefficients of a vector.
const fn has(row: usize, vector: usize) -> bool {
    let mut column = 0;
    while column < 8 {
        if CODED[row][column] as usize / 8 == vector {
            return true;
        }
        column += 1;
    }
    false
}

impl<const N: usize> Coded<N> {
    #[target_feature(enable = "avx2")]
    #[inline]
    pub(super) fn new([first, second]: [&[i16; 64]; 2], steps: &Steps) -> Self {
        let [(first, _), (second, _), (steps, _)] =
            [first, second, &steps.0].map(|coefficients| coefficients.as_chunks::<8>());
        let vector = |n: usize| {
            // SAFETY: each chunk has eight values of 16 bits.
            let [first, second, steps] = [&first[n], &second[n], &steps[n]]
                .map(|chunk| unsafe { _mm_loadu_si128(chunk.as_ptr().cast()) });
            let both = _mm256_set_m128i(second, first);
            _mm256_mullo_epi16(both, _mm256_broadcastsi128_si256(steps))
        };
        Self(std::array::from_fn(vector))
    }

    /// Row `R`.
    #[target_feature(enable = "avx2")]
    #[inline]
    pub(super) fn row<const R: usize>(&self) -> __m256i {
        let mut row = _mm256_setzero_si256();
        for (n, &vector) in self.0.iter().enumerate() {
            if has(R, n) {
                // SAFETY: a shuffle has 32 bytes and is aligned.
                let shuffle = unsafe { _mm256_load_si256(SHUFFLES[R][n].0.as_ptr().cast()) };
                row = _mm256_or_si256(row, _mm256_shuffle_epi8(vector, shuffle));
            }
        }
        row
    }
}
