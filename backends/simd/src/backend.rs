//! The boundary: which levels and precisions are usable here, and loading.

use framegate_backend_api::{
    Backend, BackendError, DeviceInfo, DeviceKind, Limits, Model, Session, catch_as_device_error,
};
use framegate_cpu::Precision;

use crate::plan::Plan;
use crate::session::{BACKEND, SimdSession};
use framegate_cpu::Level;

/// The processor, through our own kernels.
#[derive(Debug, Clone, Copy)]
pub struct SimdBackend {
    options: SimdOptions,
}

/// How [`SimdBackend`] computes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SimdOptions {
    /// The instructions to use; [`Level::best`] unless there is a reason for another.
    pub level: Level,
    /// What convolutions multiply; [`Precision::F32`] unless speed matters more than digits. With [`Precision::Int8`]
    /// it is the graph that has been quantised; what has not is `f32`.
    pub precision: Precision,
}

impl SimdBackend {
    /// A backend with these options.
    pub fn new(options: SimdOptions) -> Self {
        Self { options }
    }

    /// Loads a model as [`Backend::load`] does, as a session that reports its memory.
    ///
    /// # Errors
    /// As [`Backend::load`].
    pub fn load_session(
        &self,
        model: &Model,
        limits: &Limits,
    ) -> Result<SimdSession, BackendError> {
        let info = self.probe()?;
        tracing::info!(backend = BACKEND, device = info.name, model = model.name, "loading");
        let SimdOptions { level, precision } = self.options;
        let plan = catch_as_device_error(BACKEND, || {
            Plan::new(&model.graph, level, precision, limits.threads)
        })?;
        let mut session = SimdSession::new(&model.graph, plan, limits)?;
        session.warm_up()?;
        let memory = session.memory();
        tracing::info!(
            backend = BACKEND,
            arenas = memory.arenas,
            weights = memory.weights,
            "loaded"
        );
        Ok(session)
    }
}

impl Backend for SimdBackend {
    fn name(&self) -> &'static str {
        BACKEND
    }

    fn probe(&self) -> Result<DeviceInfo, BackendError> {
        let SimdOptions { level, precision } = self.options;
        let label = level.label();
        if !level.has(precision) {
            let reason = match precision {
                Precision::F32 | Precision::Int8 => {
                    format!("{label} multiplies only bf16; ask for it with --precision bf16")
                }
                Precision::Bf16 => {
                    format!("this processor has no instructions for bf16 at level {label}")
                }
            };
            return Err(BackendError::Unavailable { backend: BACKEND, reason });
        }
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let name = match precision {
            Precision::F32 => format!("{threads} CPU threads, {label}"),
            Precision::Bf16 | Precision::Int8 => {
                format!("{threads} CPU threads, {label}, {precision}")
            }
        };
        Ok(DeviceInfo { name, kind: DeviceKind::Cpu })
    }

    fn load(&self, model: &Model, limits: &Limits) -> Result<Box<dyn Session>, BackendError> {
        Ok(Box::new(self.load_session(model, limits)?))
    }
}
