//! Where the sums of a quantised convolution go: scaled, activated, and as bytes or `f32`.
#![expect(unsafe_code, reason = "kernels take pointers")]

use framegate_backend_api::graph::Activation;
use framegate_cpu::Level;

use super::Blocked;
use super::targets::InverseScale;
use crate::kernels::elementwise::activation_version;
use crate::kernels::quantise::ByteScale;
use crate::kernels::requantise::{self, requantise_version, rescale_version, silu_version};
use crate::kernels::table::{self, Table};
use crate::memory::{AlignedCells, Buffers, Slot};

/// How the sums of a quantised convolution are scaled and stored.
#[derive(Debug, Clone)]
pub(crate) struct Rescale {
    /// By filter: what a sum is multiplied by.
    pub(crate) factors: Vec<f64>,
    /// By filter: what is added then.
    pub(crate) offsets: Vec<f64>,
    pub(crate) activation: Option<Activation>,
    /// How the result becomes a byte; `None` if it stays an `f32`.
    pub(crate) scale: Option<ByteScale>,
    /// Applied to the byte.
    pub(crate) table: Option<Box<Table>>,
}

/// See the [module](self).
pub(super) struct ByteStore {
    target: Slot,
    lanes: usize,
    /// `[block][factor or offset][lane]`
    factors: AlignedCells,
    activation: Option<Activation>,
    /// And what divides by it what was activated.
    scale: Option<(ByteScale, InverseScale)>,
    table: Option<Box<Table>>,
    look_up: table::Kernel,
    /// With SiLU, if that is the activation.
    requantise: requantise::Kernel,
    rescale: unsafe fn(*mut f32, usize, *const f32),
    activate: unsafe fn(*const f32, *mut f32, usize, Activation),
    quantise: requantise::Kernel,
}

impl ByteStore {
    /// For sums that are 32-bit integers, or else `f32`.
    pub(super) fn new(
        level: Level,
        are_integers: bool,
        result: Blocked,
        mut parts: Rescale,
        target: Slot,
    ) -> Self {
        // What can be done after the division by the scale is, so that the scale becomes part of the factors.
        if let Some(scale) = &mut parts.scale
            && matches!(parts.activation, None | Some(Activation::Relu))
        {
            if parts.activation.take().is_some() {
                scale.low = scale.low.max(scale.zero).min(scale.high);
            }
            let divisor = f64::from(scale.scale);
            parts.factors.iter_mut().chain(&mut parts.offsets).for_each(|it| *it /= divisor);
        }
        let lanes = result.lanes;
        let mut factors = vec![0.0; 2 * result.blocks() * lanes];
        for (filter, (factor, offset)) in parts.factors.iter().zip(&parts.offsets).enumerate() {
            let first = filter / lanes * 2 * lanes + filter % lanes;
            factors[first] = *factor as f32;
            factors[first + lanes] = *offset as f32;
        }
        let is_silu = parts.activation == Some(Activation::Silu);
        let (requantise, rescale): (requantise::Kernel, _) = match (are_integers, is_silu) {
            (true, false) => (requantise_version::<1>(level), rescale_version::<1>(level)),
            (false, false) => (requantise_version::<0>(level), rescale_version::<0>(level)),
            (true, true) => (silu_version::<1>(level), rescale_version::<1>(level)),
            (false, true) => (silu_version::<0>(level), rescale_version::<0>(level)),
        };
        Self {
            target,
            lanes,
            factors: AlignedCells::from_slice(&factors),
            activation: parts.activation,
            scale: parts.scale.map(|scale| (scale, InverseScale::new(level, &scale))),
            table: parts.table,
            look_up: table::version(level),
            requantise,
            rescale,
            activate: activation_version(level),
            quantise: requantise_version::<0>(level),
        }
    }

    pub(super) fn bytes(&self) -> usize {
        self.factors.bytes()
    }

    /// Writes `len` sums of a block to the target, from its element `at` on; the sums are overwritten.
    ///
    /// # Safety
    /// `sums` is good for `len` elements, a multiple of the vector. The target has room for them, and nothing
    /// else touches it there.
    pub(super) unsafe fn run(
        &self,
        sums: *mut f32,
        len: usize,
        block: usize,
        buffers: &Buffers,
        at: usize,
    ) {
        // SAFETY: the caller's promise.
        unsafe {
            let factors = self.factors.as_ptr().add(block * 2 * self.lanes);
            let target = buffers.pointer(self.target);
            let Some((scale, inverse)) = &self.scale else {
                (self.rescale)(sums, len, factors);
                let target = target.add(at);
                return match self.activation {
                    Some(function) => (self.activate)(sums, target, len, function),
                    None => target.copy_from_nonoverlapping(sums, len),
                };
            };
            let target = target.cast::<u8>().add(at);
            match self.activation {
                None | Some(Activation::Silu) => {
                    (self.requantise)(sums, target, len, factors, scale)
                }
                Some(function) => {
                    (self.rescale)(sums, len, factors);
                    (self.activate)(sums, sums, len, function);
                    (self.quantise)(sums, target, len, inverse.as_ptr(), scale);
                }
            }
            if let Some(table) = &self.table {
                (self.look_up)(std::slice::from_raw_parts_mut(target, len), table);
            }
        }
    }
}
