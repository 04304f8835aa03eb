//! Backends side by side: how fast each stage is on each, and whether all find the same.
//!
//! ```text
//! combinations ─▶ one worker a combination ─▶ rounds: each in turn, in slices ─▶ report
//!                 (a process of its own)      parity: image by image
//! ```
//!
//! A worker is a process of its own: its memory is that of one model on one backend, what one backend
//! leaves behind slows no other down, and one that crashes takes no other with it. Only one works at a
//! time, and they take turns in short slices, so that a machine that is busy for a while is so for all
//! of them.
//!
//! - `combination`: what is compared.
//! - `messages`: what a worker is asked and answers.
//! - `subject`: a model on a backend in this process, and how it is measured.
//! - `worker`: the same in a process of its own.
//! - `rounds`: the turns.
//! - `parity`: what two backends make of the same images.
//! - `report`: all of it for programs, terminals and people.

pub mod combination;
mod error;
mod images;
mod messages;
mod parity;
pub mod report;
mod rounds;
mod statistics;
mod subject;
mod worker;

pub use combination::{Combination, Job, combinations};
pub use error::BenchError;
pub use parity::{Parity, ParityLimits};
pub use rounds::{Bench, Progress, Step};
pub use subject::Subject;
pub use worker::{Worker, serve};
