//! `/video/…`: video files, frame by frame, with what live sessions leave of the server.
//!
//! ```text
//! upload ─▶ feed (a thread that decodes) ─▶ analysis (the engine) ─▶ lines, as fast as they are read
//!    └─▶ a job, which keeps its lines until they are asked for
//! ```

mod accepts;
mod analysis;
mod busy;
pub(super) mod jobs;
mod lines;
mod opening;
mod process;
mod receive;
mod upload;

pub(super) use process::{__path_process, process};
