//! Backends on burn devices: `ndarray` and `flex` on the processor, `wgpu` on graphics processors.
//!
//! burn chooses its backend by a run-time [`Device`](burn_tensor::Device), so the three differ only in
//! `device`. A model passes through:
//!
//! - `backend`: probing and loading.
//! - `device`: the three devices. With feature `wgpu`, `adapter` lists graphics adapters, and `runtime` opens them.
//! - `plan`: a graph on a device: weights uploaded, nodes prepared, values dropped after their last use.
//! - `operators`: each operator of a graph in terms of burn's.
//! - `value`: tensors whose rank is known only at run time; the one place that erases ranks.
//! - `session`: runs batches and turns panics inside burn into errors.
//!
//! # Threads
//!
//! Each session has its own rayon pool. flex and ndarray run everything parallel in the current pool, with
//! one exception: ndarray's matrix products run on threads of the `matrixmultiply` crate,
//! `MATMUL_NUM_THREADS` of them or, if that is unset, one per core up to four. Convolutions are not
//! affected. The pool of a wgpu session has one thread, because burn has a queue of work per thread.
//!
//! # Autotuning
//!
//! On wgpu, cubecl times several kernels for each new problem and stores the fastest, with the feature
//! `persistence`, in a database: `target/environment/default.db` in the outermost folder at or above the
//! working directory that has a `Cargo.toml`, or `~/.cache/cubecl/default.db` if there is none. A
//! `cubecl.toml` in the working directory or above moves it:
//!
//! ```toml
//! [environment]
//! path = { directory = "/var/cache/framegate" }
//! ```
//!
//! `CUBECL_AUTOTUNE_LEVEL` (`minimal`, `balanced`, `extensive`, `full`) sets how many kernels are timed;
//! `CUBECL_AUTOTUNE_CACHE=off` stores nothing.

#[cfg(feature = "wgpu")]
mod adapter;
mod backend;
mod device;
mod operators;
mod plan;
#[cfg(feature = "wgpu")]
mod runtime;
mod session;
mod value;

#[cfg(feature = "wgpu")]
pub use adapter::WgpuOptions;
#[cfg(feature = "wgpu")]
pub use backend::wgpu;
pub use backend::{BurnBackend, flex, ndarray};
#[cfg(feature = "wgpu")]
pub use runtime::destroy_devices;
