//! Where a convolution's results go.
#![expect(unsafe_code, reason = "results are handed on through pointers")]

use crate::kernels::round;
use crate::level::SimdLevel;
use crate::memory::{Buffers, Slot};

/// Most elements that are computed before they are rounded, when nobody wants them as they are.
pub(crate) const SCRATCH: usize = 7680;

/// Results as they are, rounded to bf16 for the convolutions that read them, or both.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Targets {
    pub(crate) exact: Option<Slot>,
    pub(crate) rounded: Option<Slot>,
}

impl Targets {
    /// Cells of scratch memory that it takes to compute what nobody wants as it is.
    pub(crate) fn scratch_cells(&self) -> usize {
        if self.exact.is_some() { 0 } else { SCRATCH }
    }

    /// The slots that are written.
    pub(crate) fn slots(&self) -> Vec<Slot> {
        self.exact.into_iter().chain(self.rounded).collect()
    }
}

/// Rounds finished results to their place, if anybody wants them rounded.
pub(crate) struct Rounding {
    target: Option<(Slot, round::Kernel)>,
}

impl Rounding {
    pub(crate) fn new(level: SimdLevel, targets: Targets) -> Self {
        Self { target: targets.rounded.map(|slot| (slot, round::version(level))) }
    }

    /// Rounds `len` results to the target's element `at` and those after it.
    ///
    /// # Safety
    /// `results` is good for `len` elements, a multiple of the vector; the target has room for them and
    /// nobody else touches it there.
    pub(crate) unsafe fn run(&self, results: *const f32, buffers: &Buffers, at: usize, len: usize) {
        let Some((target, kernel)) = self.target else { return };
        // SAFETY: the caller's promise.
        unsafe { kernel(results, buffers.pointer(target).cast::<u16>().add(at), len) }
    }
}
