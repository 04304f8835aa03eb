//! Looks 32 bytes up at a time. A shuffle looks up in sixteen entries; sixteen shuffles, each of which is
//! given 0 for bytes that are not in its part, do it in all.
#![expect(unsafe_code, reason = "vector instructions exist on some processors only")]

use std::arch::x86_64::*;

use super::Table;

/// Replaces every byte by its entry.
///
/// # Safety
/// The processor has AVX2.
#[target_feature(enable = "avx2")]
pub(super) unsafe fn look_up(bytes: &mut [u8], table: &Table) {
    let (whole, rest) = bytes.as_chunks_mut::<32>();
    for chunk in whole {
        // SAFETY: the caller's promise.
        unsafe { look_up_chunk(chunk, table) };
    }
    if !rest.is_empty() {
        let mut last = [0; 32];
        last[..rest.len()].copy_from_slice(rest);
        // SAFETY: the caller's promise.
        unsafe { look_up_chunk(&mut last, table) };
        rest.copy_from_slice(&last[..rest.len()]);
    }
}

/// # Safety
/// The processor has AVX2.
#[inline]
#[target_feature(enable = "avx2")]
unsafe fn look_up_chunk(chunk: &mut [u8; 32], table: &Table) {
    // SAFETY: the caller's promise; every pointer is good for what is read or written there.
    unsafe {
        let mut index = _mm256_loadu_si256(chunk.as_ptr().cast());
        let mut found = _mm256_setzero_si256();
        for part in table.as_chunks::<16>().0 {
            let entries = _mm256_broadcastsi128_si256(_mm_loadu_si128(part.as_ptr().cast()));
            // From 0 to 15 in this part, which leaves the highest bit 0; otherwise it is set.
            let own = _mm256_adds_epu8(index, _mm256_set1_epi8(0x70));
            found = _mm256_or_si256(found, _mm256_shuffle_epi8(entries, own));
            index = _mm256_sub_epi8(index, _mm256_set1_epi8(16));
        }
        _mm256_storeu_si256(chunk.as_mut_ptr().cast(), found);
    }
}
