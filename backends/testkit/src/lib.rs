//! Tools for testing compute backends and the code that uses them.
//!
//! - [`conformance`]: a suite that every backend must pass.
//! - [`ReferenceBackend`]: runs a graph by the definition of its operators; slow and correct.
//! - [`fake`]: a backend whose latency, failures and wrong results follow a script.
//! - [`evaluate_graph`]: the expected outputs of a graph.

#![warn(missing_docs)]

pub mod conformance;
pub mod fake;
mod random;
mod reference_backend;

pub use framegate_scalar::evaluate_graph;
pub use reference_backend::ReferenceBackend;
