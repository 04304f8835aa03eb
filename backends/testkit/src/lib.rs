//! For testing compute backends and what is built on them.
//!
//! - [`conformance`]: one suite that every backend is run through.
//! - [`ReferenceBackend`]: runs a graph by the scalar meaning of its operators; slow and right.
//! - [`fake`]: a backend that takes as long, fails and errs as a script says.

#![warn(missing_docs)]

pub mod conformance;
pub mod fake;
mod random;
mod reference_backend;

pub use reference_backend::ReferenceBackend;
