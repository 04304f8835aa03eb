//! Looks bytes up in a table of 256.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod portable;

use framegate_cpu::Level;

/// A function of a byte.
pub(crate) type Table = [u8; 256];

/// A compiled version of the kernel.
pub(crate) type Kernel = unsafe fn(&mut [u8], &Table);

/// The version for a level, which the processor must have.
pub(crate) fn version(level: Level) -> Kernel {
    #[cfg(target_arch = "x86_64")]
    let by_avx512 = |proof: framegate_cpu::Avx512| match proof.has_vbmi() {
        true => avx512::look_up as Kernel,
        // AVX-512 comes with AVX2.
        false => avx2::look_up,
    };
    match level {
        #[cfg(target_arch = "x86_64")]
        Level::Avx512(proof) => by_avx512(proof),
        #[cfg(target_arch = "x86_64")]
        Level::Amx(proof) => by_avx512(proof.into()),
        #[cfg(target_arch = "x86_64")]
        Level::Avx2(_) => avx2::look_up,
        Level::Portable => portable::look_up,
    }
}

#[cfg(test)]
mod tests {
    #![expect(unsafe_code, reason = "kernels are run by hand")]

    use super::*;

    #[test]
    fn every_level_finds_the_same_entries() {
        let mut random = fastrand::Rng::with_seed(5);
        for len in (0..100).chain([1000]) {
            let table: Table = std::array::from_fn(|_| random.u8(..));
            let bytes: Vec<u8> = (0..len).map(|_| random.u8(..)).collect();
            let mut expected = bytes.clone();
            portable::look_up(&mut expected, &table);
            for level in Level::available() {
                let mut found = bytes.clone();
                // SAFETY: the processor has the level.
                unsafe { version(level)(&mut found, &table) };
                assert_eq!(found, expected, "{len} bytes, {level}");
            }
        }
    }
}
