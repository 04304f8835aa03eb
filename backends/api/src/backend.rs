//! The two traits of a compute backend.

use crate::{BackendError, InputBatch, Model, OutputBatch, Profile};

/// A way to run models, chosen by name at start-up.
pub trait Backend: Send + Sync {
    /// The name used on the command line and in results: `"ndarray"`, `"flex"`, `"wgpu"`, ….
    fn name(&self) -> &'static str;

    /// Whether this backend can run on this machine, and on what. Touches no weights.
    ///
    /// # Errors
    /// [`BackendError::Unavailable`], in one sentence that says why and what to do.
    fn probe(&self) -> Result<DeviceInfo, BackendError>;

    /// Uploads the weights, compiles what needs compiling and runs the model until it is warm.
    /// When this returns, a batch of one image and a full batch run as fast as they ever will.
    ///
    /// # Errors
    /// [`BackendError::Unavailable`] as for [`Backend::probe`]; [`BackendError::Unsupported`] for a
    /// graph this backend cannot run; [`BackendError::Device`] when the device gives up.
    fn load(&self, model: &Model, limits: &Limits) -> Result<Box<dyn Session>, BackendError>;
}

/// A loaded model. Owned by one thread; it holds no lock.
pub trait Session: Send {
    /// Runs the model on the images of `batch` and writes every graph output into `out`.
    /// Returns when the results are in host memory, so a lazy device queue can hide nothing.
    ///
    /// # Errors
    /// [`BackendError::WrongInput`] when `batch` is empty, larger than the limit given to `load` or
    /// of another shape. The session stays usable after any error.
    fn infer(&mut self, batch: &InputBatch, out: &mut OutputBatch) -> Result<(), BackendError>;

    /// Switches profiling on, from zero, or off. Backends that have none do nothing.
    fn set_profiling(&mut self, _is_on: bool) {}

    /// The steps of the model on this backend, and where the time went since profiling was switched on;
    /// `None` from backends that cannot tell.
    fn profile(&self) -> Option<Profile> {
        None
    }
}

/// What a caller promises at load time, so that a backend can plan its memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Largest number of images in one [`InputBatch`], 1 to 16.
    pub max_batch: usize,
    /// CPU threads this session may use, at least 1. GPU backends ignore it.
    pub threads: usize,
}

/// What a backend would run on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceInfo {
    /// The device's own name, for people: `"NVIDIA H200 (Vulkan)"`, `"2 CPU threads, AVX-512"`.
    pub name: String,
    /// What kind of device it is.
    pub kind: DeviceKind,
}

/// Kinds of device, as far as choosing one automatically needs to tell them apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeviceKind {
    /// The processor.
    Cpu,
    /// A graphics processor.
    Gpu,
    /// A graphics interface emulated on the processor, such as Mesa's llvmpipe.
    SoftwareGpu,
}
