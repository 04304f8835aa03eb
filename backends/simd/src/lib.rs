//! Framegate's own CPU engine: fused vector kernels on a channel-blocked layout.
//!
//! The README beside this crate's manifest explains layout, plan and kernels on a page. The way of a
//! model:
//!
//! - `backend`: the boundary; options and loading.
//! - `level`: which vector instructions there are; `precision`: what they multiply.
//! - `plan`: a graph becomes steps in memory: what is fused, what is written in place, which buffers
//!   share memory, what may run at the same time.
//! - `steps`: kernels bound to buffers and cut into tasks.
//! - `kernels`, on `vector` and `tiles`: the loops, each written once for every level.
//! - `framegate-scalar`: what runs where there is no kernel, and what the kernels are tested against.
//! - `engine`, with its `crew` of threads: a plan at work.
//! - `session`: a batch through the engine; `profile`: where its time went.

mod backend;
mod crew;
mod engine;
mod kernels;
mod level;
mod memory;
mod plan;
mod precision;
mod profile;
mod session;
mod steps;
#[cfg(any(test, target_arch = "x86_64"))]
mod tiles;
mod vector;
mod waiting;

pub use backend::{SimdBackend, SimdOptions};
pub use framegate_cpu::{Level, Precision};
pub use session::{SessionMemory, SimdSession};
