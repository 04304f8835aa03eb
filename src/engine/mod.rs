//! A frame's whole path, assembled from the stages: what runs on which thread.
//!
//! Every queue here is bounded, and one bad frame or one panic costs only that frame.

mod batch;
mod blocking;
mod buffer_pool;
mod feed;
mod frame;
mod inference;
pub mod live;
mod loaded;
mod offline;
pub(crate) mod panics;
mod postprocessing;
mod preprocessing;
mod read_ahead;
pub mod reading;

pub use crate::protocol::TimingsMs;
pub use crate::stages::milliseconds;
pub(crate) use batch::BatchImage;
pub use blocking::blocking;
pub use feed::{Feed, FeedLost};
pub use frame::{
    FinishedFrame, Frame, FrameError, FrameErrorCode, FrameOrigin, FramePayload, FrameResult,
    SourceFrame,
};
pub(crate) use inference::infer;
pub use live::{
    Client, DropReason, Engine, EngineError, EngineSettings, FrameOutcome, PipelineId, Reply,
    StreamHandle, UnknownPipeline,
};
pub use loaded::LoadedPipeline;
pub use offline::Offline;
pub(crate) use postprocessing::detect;
pub(crate) use preprocessing::{Preprocessors, warn_of_damage};
