//! The implementation of [`Backend`]: probing and loading.

use framegate_backend_api::{
    Backend, BackendError, DeviceInfo, Limits, Model, Session, catch_as_device_error,
};
use rayon::ThreadPoolBuilder;

#[cfg(feature = "wgpu")]
use crate::adapter::WgpuOptions;
use crate::device::BurnDevice;
use crate::plan::Plan;
use crate::session::BurnSession;

/// A backend that computes with burn. Created by [`ndarray`], [`flex`] or `wgpu`.
#[derive(Debug, Clone)]
pub struct BurnBackend {
    device: BurnDevice,
}

impl BurnBackend {
    /// Batch sizes to run until a session is warm. Without kernels to compile, one image is enough to
    /// touch all weights.
    fn warm_up_batches(&self, max_batch: usize) -> Vec<usize> {
        if self.device.compiles_kernels() && max_batch > 1 { vec![1, max_batch] } else { vec![1] }
    }
}

/// The CPU, through burn's backend on the `ndarray` crate.
pub fn ndarray() -> BurnBackend {
    BurnBackend { device: BurnDevice::NdArray }
}

/// The CPU, through burn's own kernels.
pub fn flex() -> BurnBackend {
    BurnBackend { device: BurnDevice::Flex }
}

/// The GPU, through wgpu.
#[cfg(feature = "wgpu")]
pub fn wgpu(options: WgpuOptions) -> BurnBackend {
    BurnBackend { device: BurnDevice::Wgpu(options) }
}

impl Backend for BurnBackend {
    fn name(&self) -> &'static str {
        self.device.name()
    }

    fn probe(&self) -> Result<DeviceInfo, BackendError> {
        self.device.probe()
    }

    fn devices(&self) -> Vec<DeviceInfo> {
        self.device.all()
    }

    fn load(&self, model: &Model, limits: &Limits) -> Result<Box<dyn Session>, BackendError> {
        let backend = self.name();
        let info = self.probe()?;
        tracing::info!(backend, device = info.name, model = model.name, "loading");
        let threads = self.device.threads(limits.threads);
        let pool = ThreadPoolBuilder::new()
            .num_threads(threads)
            .thread_name(move |index| format!("{backend}-{index}"))
            .build()
            .map_err(|error| BackendError::Threads {
                backend,
                threads,
                reason: error.to_string(),
            })?;
        let device = self.device.open()?;
        let plan =
            catch_as_device_error(backend, || pool.install(|| Plan::new(&model.graph, &device)))?
                .map_err(|reason| BackendError::Unsupported { backend, reason })?;
        let session = BurnSession::new(backend, &model.graph, plan, device, pool, limits.max_batch);
        for batch in self.warm_up_batches(limits.max_batch) {
            let started = std::time::Instant::now();
            session.warm_up(batch)?;
            tracing::info!(backend, batch, seconds = started.elapsed().as_secs_f32(), "warmed up");
        }
        Ok(Box::new(session))
    }
}
