//! A detector that is loaded and ready to run.

use std::sync::Arc;

use framegate_backend_api::Session;
use framegate_models::Detector;

use super::reading::TextReader;
use crate::stages::BoxStage;

/// A detector with a session on some backend: the parts that an engine, a [`Pipeline`](crate::Pipeline) or a benchmark
/// drives.
pub struct LoadedPipeline {
    /// What to detect, and how frames are preprocessed for it.
    pub detector: Arc<Detector>,
    /// The model on the backend, warmed up.
    pub session: Box<dyn Session>,
    /// Turns raw outputs into detections.
    pub boxes: BoxStage,
    /// Reads what is in the boxes, if the detector has a second stage.
    pub reader: Option<TextReader>,
}
