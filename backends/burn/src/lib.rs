//! Backends on burn devices: `ndarray` and `flex` on the processor, `wgpu` on graphics processors.
//!
//! burn chooses its backend by a run-time [`Device`](burn_tensor::Device), so the three differ in
//! `device` alone. The way of a model:
//!
//! - `backend`: the boundary; what is usable here, and loading.
//! - `device`: the three devices. With feature `wgpu`, `adapter` lists graphics adapters.
//! - `plan`: a graph on a device: weights uploaded, nodes prepared, values dropped after last use.
//! - `operators`: each operator of a graph in terms of burn's.
//! - `value`: tensors whose rank is known at run time only; the one place where ranks are erased.
//! - `session`: a batch through the plan; panics inside burn end here.
//!
//! # Threads
//!
//! A session runs on a rayon pool of its own. flex and ndarray take the current pool for all they
//! do in parallel, with one exception: ndarray's matrix products run on threads of the
//! `matrixmultiply` crate, as many as `MATMUL_NUM_THREADS` says or, unset, as there are cores, at
//! most four. Convolutions are not concerned. The pool of a wgpu session has one thread, because
//! burn queues work by thread.
//!
//! # Autotuning
//!
//! On wgpu, cubecl times several kernels for each new problem and keeps the winners, with the
//! feature `persistence`, in a database: `target/environment/default.db` below the outermost folder
//! with a `Cargo.toml` above the working directory, or `~/.cache/cubecl/default.db` outside of any.
//! A `cubecl.toml` in the working directory or above puts it elsewhere:
//!
//! ```toml
//! [environment]
//! path = { directory = "/var/cache/framegate" }
//! ```
//!
//! `CUBECL_AUTOTUNE_LEVEL` (`minimal`, `balanced`, `extensive`, `full`) says how many kernels are
//! tried, `CUBECL_AUTOTUNE_CACHE=off` keeps nothing.

#[cfg(feature = "wgpu")]
mod adapter;
mod backend;
mod device;
mod operators;
mod panics;
mod plan;
mod session;
mod value;

pub use backend::{BurnBackend, flex, ndarray};
#[cfg(feature = "wgpu")]
pub use backend::{WgpuOptions, wgpu};
