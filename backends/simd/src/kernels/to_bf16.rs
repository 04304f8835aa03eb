//! Converts `f32` to bf16, for the convolutions that multiply pairs of them.
#![expect(unsafe_code, reason = "vector loads and stores go through pointers")]

use crate::vector::{PairProducts, pair_versions};

/// A compiled version of the kernel.
pub(crate) type Kernel = unsafe fn(*const f32, *mut u16, usize);

pair_versions!(version = convert(from: *const f32, to: *mut u16, len: usize));

/// Rounds `len` elements to bf16.
///
/// # Safety
/// The processor has `V`'s instructions. `len` is a multiple of the vector; the pointers are good for
/// that many elements, which do not overlap.
#[inline(always)]
unsafe fn convert<V: PairProducts>(from: *const f32, to: *mut u16, len: usize) {
    for at in (0..len).step_by(V::LANES) {
        // SAFETY: the caller's promise.
        unsafe { V::load(from.add(at)).store_rounded(to.add(at)) };
    }
}
