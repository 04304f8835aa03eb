//! Convolution with one filter per channel of bytes as they are: exact sums, by products of four neighbouring pixels of a
//! row at a time.

#[cfg(target_arch = "x86_64")]
mod avx512;
mod portable;

use framegate_cpu::Level;

/// A row of results in one block.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    /// The first pixel under the first result's window. Three pixels after the last one are read as well, whatever they
    /// are.
    pub(crate) input: *const u8,
    /// Bytes from a row of taps to the next.
    pub(crate) row_stride: usize,
    /// Pixels from a window to the next.
    pub(crate) stride: usize,
    /// Rows of taps, and quads of taps in a row.
    pub(crate) taps: [usize; 2],
    /// `[row tap][quad][lane]`, a quad of signed bytes each; taps that a quad has too many are 0.
    pub(crate) weights: *const f32,
    /// `[lane]`, of 32-bit integers.
    pub(crate) bias: *const f32,
    /// `[column][lane]`, of 32-bit integers.
    pub(crate) sums: *mut f32,
    pub(crate) columns: usize,
}

/// A compiled version of the kernel.
pub(crate) type Kernel = unsafe fn(&Row);

/// The version for a level, if it has one: where the processor multiplies bytes and permutes them across a register.
pub(crate) fn version(level: Level) -> Option<Kernel> {
    #[cfg(target_arch = "x86_64")]
    let by_avx512 = |proof: framegate_cpu::Avx512| -> Option<Kernel> {
        (proof.has_vnni() && proof.has_vbmi()).then_some(avx512::row)
    };
    match level {
        #[cfg(target_arch = "x86_64")]
        Level::Avx512(proof) => by_avx512(proof),
        #[cfg(target_arch = "x86_64")]
        Level::Amx(proof) => by_avx512(proof.into()),
        #[cfg(target_arch = "x86_64")]
        Level::Avx2(_) => None,
        Level::Portable => Some(portable::row::<8>),
    }
}

#[cfg(test)]
mod tests {
    #![expect(unsafe_code, reason = "kernels are run by hand")]

    use super::*;

    #[test]
    fn vectors_compute_what_portable_code_does() {
        let mut random = fastrand::Rng::with_seed(9);
        let kernels = Level::available().into_iter().filter(|level| level.lanes() == 16);
        for kernel in kernels.filter_map(version) {
            for _ in 0..200 {
                let (stride, taps) = (random.usize(1..4), [random.usize(1..6), random.usize(1..3)]);
                let columns = random.usize(1..20);
                let row_stride = 16 * ((columns - 1) * stride + 4 * taps[1] + random.usize(0..3));
                let input: Vec<u8> = (0..taps[0] * row_stride).map(|_| random.u8(..)).collect();
                let mut cells = |len: usize| -> Vec<f32> {
                    (0..len).map(|_| f32::from_bits(random.u32(..))).collect()
                };
                let (weights, bias) = (cells(taps[0] * taps[1] * 16), cells(16));
                let [expected, found] = [portable::row::<16>, kernel].map(|kernel: Kernel| {
                    let mut sums = vec![0.0; columns * 16];
                    // SAFETY: the processor has the level, and everything has the length that the row says.
                    unsafe {
                        kernel(&Row {
                            input: input.as_ptr(),
                            row_stride,
                            stride,
                            taps,
                            weights: weights.as_ptr(),
                            bias: bias.as_ptr(),
                            sums: sums.as_mut_ptr(),
                            columns,
                        });
                    }
                    sums.iter().map(|sum| sum.to_bits()).collect::<Vec<u32>>()
                });
                assert_eq!(found, expected);
            }
        }
    }
}
