//! The one definition of what every operator of a graph means, in scalar code.
//!
//! Three crates share it: `framegate-models` folds constants with it, `framegate-testkit` takes the
//! values that it expects of a backend from it, and `framegate-backend-simd` falls back to it where it
//! has no kernel.
//!
//! There are two ways to use it:
//!
//! - [`Operation`]: prepared once from an operator and the shapes of its operands, then run on slices
//!   any number of times. Whatever depends on shapes alone is worked out in advance, so that running
//!   allocates nothing.
//! - [`evaluate`] and [`evaluate_graph`]: one call on [`HostTensor`]s, a thin layer over [`Operation`].
//!
//! ```
//! use framegate_backend_api::HostTensor;
//! use framegate_backend_api::graph::{Binary, Operator};
//! use framegate_scalar::evaluate;
//!
//! let column = HostTensor::from_f32([2, 1], vec![1.0, 2.0]);
//! let row = HostTensor::from_f32([3], vec![10.0, 20.0, 30.0]);
//! let sums = evaluate(&Operator::Binary(Binary::Add), &[&column, &row]);
//! let expected = HostTensor::from_f32([2, 3], vec![11.0, 21.0, 31.0, 12.0, 22.0, 32.0]);
//! assert_eq!(sums, [expected]);
//! ```
//!
//! # Shapes
//!
//! Tensors are dense and row-major. Which operands an operator takes, in which order and of which
//! shapes, is documented at [`Operator`]; types and shapes of results are inferred by
//! [`graph::infer`], here as everywhere. Any batch size works, not only the one image that a graph is
//! written down for.
//!
//! # Arithmetic
//!
//! - Floats are widened to `f64`, and a result is rounded to `f32` once, when it is stored: sums,
//!   means and products of any length accumulate in `f64`, and an activation that is fused into a
//!   convolution sees the sum before it is rounded.
//! - Integers never pass through a float. They wrap around, and an integer divided by zero is 0.
//! - A comparison with NaN is false; `Max`, `Min` and their reductions return NaN if an operand is
//!   NaN; sorting places NaN above every number.
//! - An index out of range selects the nearest element.
//! - Source positions of a resize are computed in `f32`, as ONNX Runtime does
//!   (see [`graph::Resize::source_position`]).
//!
//! # What holds it
//!
//! There used to be two copies of this, written apart, each of which checked the other. With one
//! definition, a mistake here would be a mistake in folded constants, in expected values and in the
//! fallback alike, and no comparison between those would show it. What holds it is outside: ONNX's own
//! test cases, which `framegate-models` runs through it, and the comparison of whole networks with ONNX
//! Runtime.
//!
//! [`HostTensor`]: framegate_backend_api::HostTensor
//! [`Operator`]: framegate_backend_api::graph::Operator
//! [`graph::infer`]: framegate_backend_api::graph::infer
//! [`graph::Resize::source_position`]: framegate_backend_api::graph::Resize::source_position

mod activation;
mod arithmetic;
mod convolution;
mod cumulative;
mod elementwise;
mod evaluate;
mod gather;
mod grid_sample;
mod indexing;
mod matmul;
mod movement;
mod normalisation;
mod operands;
mod operation;
mod pad;
mod pooling;
mod prepare;
mod reduction;
mod resize;
mod roi_align;
mod scatter;
mod selection;
mod suppression;
mod windows;

pub use evaluate::{evaluate, evaluate_graph};
pub use gather::element_index;
pub use matmul::stacked_matrices;
pub use operands::{Elements, ElementsMut, Inputs, Operands};
pub use operation::Operation;
pub use resize::{Blend, blends};
pub use roi_align::{Bins, Corner};
