//! All that travels with a frame from its arrival to its reply.

use std::sync::Arc;

use super::reading::FrameReading;
use super::reply::Responder;
use crate::engine::frame::SourceFrame;
use crate::stages::Selection;

/// A frame under way.
pub(super) type LiveFrame = SourceFrame<FrameTag>;

/// Belongs to one frame.
pub(super) struct FrameTag {
    pub(super) responder: Responder,
    /// Which detections to report, if not the pipeline's.
    pub(super) selection: Option<Arc<Selection>>,
    /// How its codes are read, if they are: kept when the frame is resized, used when they are found.
    pub(super) reading: Option<FrameReading>,
}
