//! Looks 64 bytes up at a time, in four registers that hold all entries: two instructions look up in two of them each, and
//! the highest bit of a byte says which of both results it is.
#![expect(unsafe_code, reason = "vector instructions exist on some processors only")]

use std::arch::x86_64::*;

use super::Table;

/// Replaces every byte by its entry.
///
/// # Safety
/// The processor has AVX-512 F, BW and VBMI.
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
pub(super) unsafe fn look_up(bytes: &mut [u8], table: &Table) {
    let (parts, _) = table.as_chunks::<64>();
    // SAFETY: the caller's promise; every pointer is good for what is read or written there.
    unsafe {
        let [first, second, third, fourth] =
            [0, 1, 2, 3].map(|part: usize| _mm512_loadu_si512(parts[part].as_ptr().cast()));
        let entries = |index: __m512i| {
            let lower = _mm512_permutex2var_epi8(first, index, second);
            let upper = _mm512_permutex2var_epi8(third, index, fourth);
            _mm512_mask_blend_epi8(_mm512_movepi8_mask(index), lower, upper)
        };
        let (whole, rest) = bytes.as_chunks_mut::<64>();
        for chunk in whole {
            let found = entries(_mm512_loadu_si512(chunk.as_ptr().cast()));
            _mm512_storeu_si512(chunk.as_mut_ptr().cast(), found);
        }
        let own = (1_u64 << rest.len()) - 1;
        let found = entries(_mm512_maskz_loadu_epi8(own, rest.as_ptr().cast()));
        _mm512_mask_storeu_epi8(rest.as_mut_ptr().cast(), own, found);
    }
}
