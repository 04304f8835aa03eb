//! Where the results of a convolution go.
#![expect(unsafe_code, reason = "kernels take pointers")]

use framegate_cpu::Level;

use crate::kernels::quantise::ByteScale;
use crate::kernels::requantise::{self, requantise_version};
use crate::kernels::to_bf16;
use crate::memory::{AlignedCells, Buffers, Slot};

/// The most elements that are computed before they are converted, where they are not needed as `f32`.
pub(crate) const SCRATCH: usize = 7680;

/// The slots for results in `f32`, in bf16 for the convolutions that read them, or both; or as bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Targets {
    pub(crate) f32: Option<Slot>,
    pub(crate) bf16: Option<Slot>,
    pub(crate) bytes: Option<(Slot, ByteScale)>,
}

impl Targets {
    pub(crate) fn f32(slot: Slot) -> Self {
        Self { f32: Some(slot), bf16: None, bytes: None }
    }

    /// Cells of scratch memory for results that are not stored as `f32`.
    pub(crate) fn scratch_cells(&self) -> usize {
        if self.f32.is_some() { 0 } else { SCRATCH }
    }

    /// The slots that the step writes.
    pub(crate) fn slots(&self) -> Vec<Slot> {
        let bytes = self.bytes.map(|(slot, _)| slot);
        self.f32.into_iter().chain(self.bf16).chain(bytes).collect()
    }
}

/// Converts results to bf16 or bytes, where that is needed.
pub(crate) struct Conversions {
    bf16: Option<(Slot, to_bf16::Kernel)>,
    bytes: Option<ToBytes>,
}

struct ToBytes {
    target: Slot,
    scale: ByteScale,
    inverse: InverseScale,
    kernel: requantise::Kernel,
}

impl Conversions {
    pub(crate) fn new(level: Level, targets: Targets) -> Self {
        let to_bytes = |(target, scale): (Slot, ByteScale)| ToBytes {
            target,
            scale,
            inverse: InverseScale::new(level, &scale),
            kernel: requantise_version::<0>(level),
        };
        Self {
            bf16: targets.bf16.map(|slot| (slot, to_bf16::version(level))),
            bytes: targets.bytes.map(to_bytes),
        }
    }

    /// Converts `len` results and writes them to the targets, from their element `at` on.
    ///
    /// # Safety
    /// `results` is good for `len` elements, a multiple of the vector. The targets have room for them,
    /// and nothing else touches them there.
    pub(crate) unsafe fn run(&self, results: *const f32, buffers: &Buffers, at: usize, len: usize) {
        // SAFETY: the caller's promise.
        unsafe {
            if let Some((target, kernel)) = self.bf16 {
                kernel(results, buffers.pointer(target).cast::<u16>().add(at), len);
            }
            if let Some(ToBytes { target, scale, inverse, kernel }) = &self.bytes {
                let to = buffers.pointer(*target).cast::<u8>().add(at);
                kernel(results, to, len, inverse.as_ptr(), scale);
            }
        }
    }
}

/// Factors that divide numbers by a scale, which takes a fraction of the time of a division.
pub(super) struct InverseScale(AlignedCells);

impl InverseScale {
    pub(super) fn new(level: Level, scale: &ByteScale) -> Self {
        let inverse = (1.0 / f64::from(scale.scale)) as f32;
        let lanes = level.lanes();
        Self(AlignedCells::from_slice(&[vec![inverse; lanes], vec![0.0; lanes]].concat()))
    }

    /// As the kernel [`requantise`] reads them.
    pub(super) fn as_ptr(&self) -> *const f32 {
        self.0.as_ptr()
    }
}
