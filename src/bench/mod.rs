//! Backends side by side: how fast each stage is on each, and whether all detect the same.
//!
//! ```text
//! cases ─▶ one worker per case ─▶ interleaved slices ─▶ report
//!          (its own process)      parity, image by image
//! ```
//!
//! Each worker is a process: its peak memory is that of one model on one backend, nothing that one backend
//! leaves behind slows down another, and a crash costs one case. Workers run one at a time, in short
//! interleaved slices, so that a load on the machine affects all of them alike.
//!
//! - `case`: what is compared, and all that a worker must know about it.
//! - `messages`: requests to a worker, and its answers.
//! - `runner`: measures a case in this process.
//! - `worker`: a runner, in its own process or in this one.
//! - `interleave`: measures all cases in alternating slices.
//! - `parity`: compares what two backends make of the same images.
//! - `check`: a known frame through every backend, for `framegate check`.
//! - `report`: the results; their text and page are in `commands/bench`.

pub mod case;
pub mod check;
mod error;
mod images;
mod interleave;
mod known_frame;
mod messages;
mod parity;
pub mod report;
mod runner;
mod statistics;
mod worker;

pub use case::{BenchCase, RunnerConfig, cases};
pub use error::{BenchError, ImagesError, RunnerError};
pub use interleave::{Bench, Progress, Step};
pub use parity::{Comparison, Parity, ParityLimits, Verdict};
pub use runner::Runner;
pub use statistics::Percentiles;
pub use worker::{Worker, serve};
