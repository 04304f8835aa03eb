//! An open-loop load generator for servers of live video.
//!
//! ```text
//! schedule ─▶ backlog ─▶ socket ─▶ server         one of these a session,
//!    │ due       │ full                │          all sessions spread over one interval
//!    ▼           ▼                     ▼
//! recorder ◀─ not sent          answers, advice ─▶ recorder ─▶ report
//!
//! capacity search ─▶ trial ─▶ report ─▶ did it fit? ─▶ capacity search
//! ```
//!
//! Frames are due at times that no answer moves. What a frame took is counted from the moment it was
//! due, not from when it could be sent, so a server that stops reading cannot hide that it did
//! ("coordinated omission", as Gil Tene calls what closed-loop generators leave out).

pub mod capacity;
mod closing;
mod connecting;
mod failure;
pub mod frames;
mod messages;
mod recorder;
pub mod report;
mod schedule;
mod session;
mod statistics;
mod target;
pub mod trial;
mod watcher;

pub use failure::SessionFailure;
pub use recorder::Progress;
pub use target::{Target, TargetError};
pub use watcher::Watcher;
