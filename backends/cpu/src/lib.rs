//! What this processor can do: vector [`Level`]s, [`Precision`]s, and proofs that an instruction set is there.
//!
//! Everything in Framegate that depends on the processor's instructions asks this crate: the stages, the backend
//! `simd`, device names, reports and the command line.
//!
//! A [`Level`] carries a proof: [`Level::Avx2`] holds an [`Avx2`], which only [`Avx2::detect`] makes. So a
//! `match` on a level can call a `#[target_feature]` function without asking the processor again, and a level
//! that this processor lacks cannot be named, typed on the command line or read from a file.
//!
//! ```
//! use framegate_cpu::{Level, Precision};
//!
//! let level = Level::best(Precision::F32);
//! assert!(Level::available().contains(&level));
//! assert_eq!(level.name().parse(), Ok(level));
//! ```
//!
//! AMX is a level of its own on every x86-64 build, so that a `match` needs no `cfg` beyond that of the
//! architecture; without the feature `amx`, [`Amx::detect`] never finds it.

#[cfg(all(feature = "amx", target_arch = "x86_64"))]
mod amx;
mod level;
mod precision;
#[cfg(target_arch = "x86_64")]
mod proof;

pub use level::{Level, LevelError, vector_instructions};
pub use precision::{Precision, UnknownPrecision};
#[cfg(target_arch = "x86_64")]
pub use proof::{Amx, Avx2, Avx512};
