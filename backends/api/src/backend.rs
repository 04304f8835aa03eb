//! The two traits of a compute backend.

use crate::{BackendError, InputBatch, Model, OutputBatch, Profile};

/// A way to run models, chosen by name at start-up.
pub trait Backend: Send + Sync {
    /// The name on the command line and in results: `"ndarray"`, `"flex"`, `"wgpu"`, ….
    fn name(&self) -> &'static str;

    /// Whether this backend can run on this machine, and on which device. Loads no model.
    ///
    /// # Errors
    /// [`BackendError::Unavailable`], in one sentence that says why and what would help.
    fn probe(&self) -> Result<DeviceInfo, BackendError>;

    /// Every device that this backend can run on, in the order of their numbers.
    fn devices(&self) -> Vec<DeviceInfo> {
        self.probe().into_iter().collect()
    }

    /// Uploads the weights, compiles what needs compiling and runs the model until it is warm.
    /// When this returns, a batch of one image and a full batch run as fast as they ever will.
    ///
    /// # Errors
    /// [`BackendError::Unavailable`] as from [`Backend::probe`]; [`BackendError::Unsupported`] for a
    /// graph that this backend cannot run; [`BackendError::Device`] if the device fails;
    /// [`BackendError::Threads`] if the session cannot have its threads.
    fn load(&self, model: &Model, limits: &Limits) -> Result<Box<dyn Session>, BackendError>;
}

/// A loaded model, owned by one thread. It holds no lock.
pub trait Session: Send {
    /// Runs the model on the images of `batch` and writes every graph output into `out`.
    /// Returns once the results are in host memory, so that no work hides in a device queue.
    ///
    /// # Errors
    /// [`BackendError::WrongInput`] if `batch` is empty, larger than the limit given to `load` or
    /// of another shape. The session stays usable after any error.
    fn infer(&mut self, batch: &InputBatch, out: &mut OutputBatch) -> Result<(), BackendError>;

    /// Checks the device while it has nothing else to do. Backends that have nothing to check ignore this.
    ///
    /// # Errors
    /// [`BackendError::Device`] if the device fails, or computes something else than it should.
    fn check(&mut self) -> Result<(), BackendError> {
        Ok(())
    }

    /// How often the session has moved to another device: what was measured on one says nothing about another.
    fn moves(&self) -> u32 {
        0
    }

    /// Starts profiling from zero, or stops it. Backends that cannot profile ignore this.
    fn set_profiling(&mut self, _is_on: bool) {}

    /// The steps of the model on this backend, and the time spent in each since profiling started;
    /// `None` from backends that cannot profile.
    fn profile(&self) -> Option<Profile> {
        None
    }
}

/// Limits that a caller promises to keep, so that a backend can plan memory and threads at load time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Largest number of images in one [`InputBatch`], 1 to 16.
    pub max_batch: usize,
    /// CPU threads that the session may use, at least 1. GPU backends ignore it.
    pub threads: usize,
}

/// The device that a backend runs on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceInfo {
    /// A description for people: `"NVIDIA H200 (Vulkan)"`, `"2 CPU threads, AVX-512"`.
    pub name: String,
    /// The kind of device it is.
    pub kind: DeviceKind,
}

/// Kinds of device that automatic selection tells apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum DeviceKind {
    /// The processor.
    Cpu,
    /// A graphics processor.
    Gpu,
    /// A graphics interface emulated on the processor, such as Mesa's llvmpipe.
    SoftwareGpu,
}
