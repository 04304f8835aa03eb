//! A frame's whole path, assembled from the stages: what runs on which thread.
//!
//! Every queue here is bounded, and one bad frame or one panic costs only that frame.

mod batch;
mod blocking;
mod buffer_pool;
mod feed;
mod frame;
pub mod live;
mod offline;
pub(crate) mod panics;
mod postprocessing;
mod preprocessing;
mod read_ahead;
pub mod reading;

pub use crate::protocol::TimingsMs;
pub use crate::stages::milliseconds;
pub use blocking::blocking;
pub use feed::{Feed, FeedLost};
pub use frame::{
    FinishedFrame, FrameError, FrameErrorCode, FrameOrigin, FramePayload, FrameResult, SourceFrame,
};
pub use live::{
    Client, DropReason, Engine, EngineError, EngineSettings, FrameOutcome, PipelineId,
    PipelineParts, Reply, StreamHandle, UnknownPipeline,
};
pub use offline::Offline;
pub(crate) use preprocessing::preprocess_payload;
