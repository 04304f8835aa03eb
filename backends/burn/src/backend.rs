//! The boundary: what is usable here, and loading.

use framegate_backend_api::{Backend, BackendError, DeviceInfo, Limits, Model, Session};
use rayon::ThreadPoolBuilder;

use crate::device::BurnDevice;
use crate::panics::as_errors;
use crate::plan::Plan;
use crate::session::BurnSession;

/// A backend that computes with burn. Made by [`ndarray`], [`flex`] or `wgpu`.
#[derive(Debug, Clone, Copy)]
pub struct BurnBackend {
    device: BurnDevice,
}

impl BurnBackend {
    /// Batch sizes to run before a session counts as warm. Without kernels to compile, one image
    /// is enough to touch all weights.
    fn warm_up_batches(self, max_batch: usize) -> Vec<usize> {
        if self.device.compiles_kernels() && max_batch > 1 { vec![1, max_batch] } else { vec![1] }
    }
}

/// The processor, through burn's backend on the `ndarray` crate.
pub fn ndarray() -> BurnBackend {
    BurnBackend { device: BurnDevice::NdArray }
}

/// The processor, through burn's own backend.
pub fn flex() -> BurnBackend {
    BurnBackend { device: BurnDevice::Flex }
}

/// Graphics processors, through wgpu.
#[cfg(feature = "wgpu")]
pub fn wgpu(options: WgpuOptions) -> BurnBackend {
    BurnBackend { device: BurnDevice::Wgpu(options) }
}

/// What [`wgpu`] may run on.
#[cfg(feature = "wgpu")]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WgpuOptions {
    /// Accept an adapter that is emulated on the processor, such as Mesa's lavapipe: slower than
    /// the processor itself, but enough for tests.
    pub allow_software: bool,
}

impl Backend for BurnBackend {
    fn name(&self) -> &'static str {
        self.device.name()
    }

    fn probe(&self) -> Result<DeviceInfo, BackendError> {
        self.device.probe()
    }

    fn load(&self, model: &Model, limits: &Limits) -> Result<Box<dyn Session>, BackendError> {
        let backend = self.name();
        let info = self.probe()?;
        tracing::info!(backend, device = info.name, model = model.name, "loading");
        let pool = ThreadPoolBuilder::new()
            .num_threads(self.device.threads(limits.threads))
            .thread_name(move |index| format!("{backend}-{index}"))
            .build()
            .map_err(|error| BackendError::Device { backend, reason: error.to_string() })?;
        let plan =
            as_errors(backend, || pool.install(|| Plan::new(&model.graph, self.device.open())))?
                .map_err(|reason| BackendError::Unsupported { backend, reason })?;
        let session = BurnSession::new(backend, &model.graph, plan, pool, limits.max_batch);
        for batch in self.warm_up_batches(limits.max_batch) {
            let started = std::time::Instant::now();
            session.warm_up(batch)?;
            tracing::info!(backend, batch, seconds = started.elapsed().as_secs_f32(), "warmed up");
        }
        Ok(Box::new(session))
    }
}
