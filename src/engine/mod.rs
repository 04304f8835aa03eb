//! A frame's whole path, assembled from the stages: who runs what on which thread.
//!
//! Every queue here is bounded, and one bad frame or one panic costs that frame alone.

mod finishing;
mod frame;
mod inference;
pub mod live;
mod offline;
pub(crate) mod panics;
mod preparation;
mod read_ahead;
mod rotating;
mod timings;

pub use frame::{FinishedFrame, FrameError, FrameErrorCode, FrameOrigin, FrameResult, SourceFrame};
pub use live::{Answer, DropReason, Engine, EngineSettings, Outcome, Pipeline, StreamHandle};
pub use offline::Offline;
pub use timings::{Timings, TimingsMs, milliseconds};
