//! Each level against the scalar twin, on random input of all lengths.

use super::*;
use crate::zigzag::LOW;

/// Tests AVX2, without which nothing would be tested, and AVX-512 where there is one.
#[cfg(target_arch = "x86_64")]
macro_rules! each_level {
    ($test:ident) => {{
        $test(Avx2Kernels::detect().expect("these tests need a processor with AVX2"));
        if let Some(kernels) = Avx512Kernels::detect() {
            $test(kernels);
        }
    }};
}

#[cfg(target_arch = "x86_64")]
fn bytes(random: &mut fastrand::Rng, length: usize) -> Vec<u8> {
    let mask = [0xFF, 0x80, 0x00][random.usize(0..3)];
    (0..length).map(|_| random.u8(..) | random.u8(..) & mask).collect()
}

#[cfg(target_arch = "x86_64")]
#[test]
fn rows_are_the_same() {
    each_level!(rows);
}

#[cfg(target_arch = "x86_64")]
fn rows(vectors: impl Kernels) {
    let mut random = fastrand::Rng::with_seed(3);
    for length in (3..200).chain([640, 1919, 1920]) {
        let rows = [(); 3].map(|()| bytes(&mut random, length));
        let rows = [&rows[0][..], &rows[1], &rows[2]];
        let compare = |size: usize, run: &dyn Fn(bool, &mut [u8])| {
            let (mut expected, mut found) = (vec![1; size], vec![2; size]);
            run(false, &mut expected);
            run(true, &mut found);
            assert!(expected == found, "of {length}");
        };
        compare(2 * length, &|fast, out| match fast {
            true => vectors.double_across(rows[0], out),
            false => ScalarKernels.double_across(rows[0], out),
        });
        compare(2 * length, &|fast, out| match fast {
            true => vectors.double_both([rows[0], rows[1]], out),
            false => ScalarKernels.double_both([rows[0], rows[1]], out),
        });
        compare(3 * length, &|fast, out| match fast {
            true => vectors.ycc_to_rgb(rows, out),
            false => ScalarKernels.ycc_to_rgb(rows, out),
        });
        compare(3 * length, &|fast, out| match fast {
            true => vectors.interleave(rows, out),
            false => ScalarKernels.interleave(rows, out),
        });
    }
}

#[cfg(target_arch = "x86_64")]
#[test]
fn all_chrominance_values_become_the_same_colours() {
    each_level!(colours);
}

#[cfg(target_arch = "x86_64")]
fn colours(vectors: impl Kernels) {
    let cr: Vec<u8> = (0..=255).collect();
    for cb in 0..=255 {
        let rows = [&[100; 256][..], &[cb; 256], &cr];
        let (mut expected, mut found) = ([0; 768], [0; 768]);
        ScalarKernels.ycc_to_rgb(rows, &mut expected);
        vectors.ycc_to_rgb(rows, &mut found);
        assert_eq!(expected, found);
    }
}

#[cfg(target_arch = "x86_64")]
fn transforms<const SIZE: usize>(vectors: impl Kernels) {
    let mut random = fastrand::Rng::with_seed(SIZE as u64);
    for round in 0..20_000 {
        // From what encoders write to what only a forger would.
        let range = [3, 100, 1000, i16::MAX][round % 4];
        let last = if round % 3 == 0 { random.usize(0..12) } else { 63 };
        let mut block = || -> [i16; 64] {
            let kept = random.u32(0..=64);
            let mut block = [0; 64];
            for coefficient in &mut block[..=last] {
                if random.u32(0..64) < kept {
                    *coefficient = random.i16(-range..=range);
                }
            }
            block
        };
        let blocks = [block(), block()];
        let blocks = [&blocks[0], &blocks[1]];
        let steps =
            Steps(std::array::from_fn(|_| random.i16(1..if round % 8 < 4 { 30 } else { 9000 })));
        let stride = random.usize(SIZE..40);
        let at = [random.usize(0..100), random.usize(500..600)];
        let low = last < LOW;
        let (mut expected, mut found) = ([0; 1000], [0; 1000]);
        ScalarKernels.transform::<SIZE>(blocks, &steps, &mut expected, at, stride, low);
        vectors.transform::<SIZE>(blocks, &steps, &mut found, at, stride, low);
        assert!(expected == found, "to {SIZE} in round {round}");
    }
}

#[cfg(target_arch = "x86_64")]
#[test]
fn transforms_to_every_size_are_the_same() {
    each_level!(all_transforms);
}

#[cfg(target_arch = "x86_64")]
fn all_transforms(vectors: impl Kernels) {
    transforms::<8>(vectors);
    transforms::<4>(vectors);
    transforms::<2>(vectors);
}
