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
//! - `level`: which vector instructions there are; `precision`: what they multiply.

mod backend;
mod executor;
mod kernels;
mod level;
#[cfg(all(test, loom))]
mod loom_tests;
mod memory;
mod panics;
mod plain;
mod plan;
mod precision;
mod profile;
mod session;
mod spin;
mod steps;
mod sync;
mod team;
#[cfg(any(test, all(feature = "amx", target_arch = "x86_64")))]
mod tiles;
/// What `level` asks in a build without AMX.
#[cfg(not(any(test, all(feature = "amx", target_arch = "x86_64"))))]
mod tiles {
    #[cfg(target_arch = "x86_64")]
    pub(crate) fn is_usable() -> bool {
        false
    }
}
mod vector;

pub use backend::{SimdBackend, SimdOptions};
pub use level::SimdLevel;
#[cfg(target_arch = "x86_64")]
pub use level::{Amx, Avx2, Avx512};
pub use precision::Precision;
pub use session::{SessionMemory, SimdSession};
