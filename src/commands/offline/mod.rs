//! What commands share that run files through a model.

mod annotations;
mod progress;

use framegate_backend_api::{Limits, Session};
use framegate_models::Detector;
use framegate_models::detector::LabelsSource;
use rayon::{ThreadPool, ThreadPoolBuilder};

pub(super) use annotations::write_batch;
pub(super) use progress::Progress;

use super::CommandError;
use crate::backends::{self, Selected};
use crate::config::{BackendConfig, DetectorConfig, FrameConfig};
use crate::engine::{FinishedFrame, FrameError, Offline};
use crate::sources::{self, Source};
use crate::stages::{BoxStage, Thresholds};

/// A detector that is loaded on a backend.
pub(super) struct LoadedDetector {
    pub(super) detector: Detector,
    chosen: Selected,
    pool: ThreadPool,
    session: Box<dyn Session>,
    boxes: BoxStage,
    max_batch: usize,
}

impl LoadedDetector {
    /// Reads the model and hands it to the backend, for batches of up to `max_batch`.
    pub(super) fn load(
        model: &DetectorConfig,
        backend: &BackendConfig,
        thresholds: Thresholds,
        max_batch: usize,
    ) -> Result<Self, CommandError> {
        let detector = Detector::load(&model.path, &model.options)?;
        if detector.labels_source == LabelsSource::Numbers {
            tracing::warn!(
                "no labels are known: classes are called by their numbers; see --labels"
            );
        }
        let boxes = BoxStage::new(&detector, thresholds)?;
        let pool = ThreadPoolBuilder::new().num_threads(backend.threads).build()?;
        let chosen = backends::select(backend.id.as_ref(), &backend.options)?;
        let limits = Limits { max_batch, threads: backend.threads };
        let session = chosen.backend.load(&detector.model, &limits)?;
        Ok(Self { detector, chosen, pool, session, boxes, max_batch })
    }

    /// Runs every frame of the sources. `deliver` gets them in order, a batch at a time, with the pool
    /// that they were prepared in. Returns what it was run on.
    pub(super) fn run(
        mut self,
        sources: Vec<Source>,
        accepted: &FrameConfig,
        mut deliver: impl FnMut(&ThreadPool, Vec<FinishedFrame>) -> Result<(), CommandError>,
    ) -> Result<Selected, CommandError> {
        let offline = Offline {
            detector: &self.detector,
            boxes: self.boxes,
            pool: &self.pool,
            limits: accepted.decode,
            max_batch: self.max_batch,
        };
        let frames = sources::frames(sources, accepted.max_bytes);
        offline.run(self.session.as_mut(), frames, |batch| {
            for frame in &batch {
                if let Err(FrameError { cause: Some(cause), .. }) = &frame.result {
                    tracing::error!(frame = %frame.origin, cause = &**cause, "frame failed");
                }
            }
            deliver(&self.pool, batch)
        })?;
        Ok(self.chosen)
    }
}
