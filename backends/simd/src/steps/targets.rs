//! Where the results of a convolution go.
#![expect(unsafe_code, reason = "kernels take pointers")]

use framegate_cpu::Level;

use crate::kernels::to_bf16;
use crate::memory::{Buffers, Slot};

/// The most elements that are computed before they are converted, where only bf16 is needed.
pub(crate) const SCRATCH: usize = 7680;

/// The slots for results in `f32`, in bf16 for the convolutions that read them, or both.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Targets {
    pub(crate) f32: Option<Slot>,
    pub(crate) bf16: Option<Slot>,
}

impl Targets {
    /// Cells of scratch memory for results that are not stored as `f32`.
    pub(crate) fn scratch_cells(&self) -> usize {
        if self.f32.is_some() { 0 } else { SCRATCH }
    }

    /// The slots that the step writes.
    pub(crate) fn slots(&self) -> Vec<Slot> {
        self.f32.into_iter().chain(self.bf16).collect()
    }
}

/// Converts results to bf16, where that is needed.
pub(crate) struct Bf16Store {
    target: Option<(Slot, to_bf16::Kernel)>,
}

impl Bf16Store {
    pub(crate) fn new(level: Level, targets: Targets) -> Self {
        Self { target: targets.bf16.map(|slot| (slot, to_bf16::version(level))) }
    }

    /// Converts `len` results and writes them to the target, from its element `at` on.
    ///
    /// # Safety
    /// `results` is good for `len` elements, a multiple of the vector. The target has room for them,
    /// and nothing else touches it there.
    pub(crate) unsafe fn run(&self, results: *const f32, buffers: &Buffers, at: usize, len: usize) {
        let Some((target, kernel)) = self.target else { return };
        // SAFETY: the caller's promise.
        unsafe { kernel(results, buffers.pointer(target).cast::<u16>().add(at), len) }
    }
}
