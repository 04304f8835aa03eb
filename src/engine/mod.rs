//! A frame's whole path, assembled from the stages: who runs what on which thread.
//!
//! Every queue here is bounded, and one bad frame or one panic costs that frame alone.

mod finishing;
mod frame;
mod inference;
mod offline;
pub(crate) mod panics;
mod preparation;
mod read_ahead;

pub use frame::{
    FinishedFrame, FrameError, FrameErrorCode, FrameOrigin, FrameResult, SourceFrame, Timings,
};
pub use offline::Offline;
