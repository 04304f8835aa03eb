//! An open-loop load generator for live video servers.
//!
//! ```text
//! schedule ─▶ backlog ─▶ socket ─▶ server         one of these per session,
//!    │ due       │ full                │          all sessions spread over one interval
//!    ▼           ▼                     ▼
//! recorder ◀─ not sent          replies, advice ─▶ recorder ─▶ trial report
//!
//! capacity search ─▶ trial ─▶ trial report ─▶ did it fit? ─▶ capacity search
//! ```
//!
//! Frames are due at fixed times, whatever the server replies. A round trip is counted from the moment
//! its frame was due, not from when it could be sent, so a server that stops reading cannot hide it
//! (what closed-loop generators miss, and Gil Tene calls "coordinated omission").

pub mod capacity;
pub mod frames;
mod load_report;
mod observer;
mod reconnecting;
mod recorder;
pub mod report;
mod schedule;
mod session;
mod statistics;
pub mod trial;

pub use load_report::{LoadReport, SourceReport};
pub use observer::Observer;
pub use recorder::Progress;
