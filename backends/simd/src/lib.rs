//! Framegate's own CPU engine: fused vector kernels on a channel-blocked layout.
//!
//! The README beside this crate's manifest explains layout, plan and kernels on a page. From the outside
//! in:
//!
//! - `backend`: the boundary; options and loading.
//! - `session`: runs batches; `profile`: records where their time goes.
//! - `executor`, with its `team` of threads: runs a plan.
//! - `plan`: turns a graph into steps in memory: what is fused, what is written in place, which buffers
//!   share memory, what may run at the same time.
//! - `steps`: kernels bound to buffers and cut into tasks.
//! - `kernels`, on `vector` and `tiles`: the loops, each written once for every level.
//! - `plain`: every operator in scalar code, for what has no kernel and for testing what has one.
//!
//! The crate `framegate-cpu` says which vector instructions there are ([`Level`]) and what they may
//! multiply ([`Precision`]).

mod backend;
mod executor;
mod kernels;
#[cfg(all(test, loom))]
mod loom_tests;
mod memory;
mod plain;
mod plan;
mod profile;
mod session;
mod spin;
mod steps;
mod sync;
mod team;
#[cfg(any(test, all(feature = "amx", target_arch = "x86_64")))]
mod tiles;
mod vector;

pub use backend::{SimdBackend, SimdOptions};
pub use framegate_cpu::{Level, Precision};
pub use session::{SessionMemory, SimdSession};
