//! The two steps of loading: a model file becomes a detector, a detector gets a session.

use std::path::Path;
use std::sync::Arc;

use framegate_backend_api::{Backend, Limits, Session};
use framegate_models::Detector;
use framegate_models::detector::{LabelsSource, ModelError};

use super::calibration::calibrated;
use super::{PipelineError, PipelineOptions};
use crate::backends::{self, DeviceEvent, FailoverSession, LoadOn, Selected};
use crate::stages::BoxStage;

/// A detector with a session on some backend: the parts that an engine or a benchmark drives itself.
pub struct LoadedPipeline {
    /// What to detect, and how frames are preprocessed for it.
    pub detector: Detector,
    /// The model on the backend, warmed up.
    pub session: Box<dyn Session>,
    /// Turns raw outputs into detections.
    pub boxes: BoxStage,
}

/// Reads a model with its sidecar and labels, and warns when its classes have no names.
///
/// # Errors
/// [`ModelError`] when the model cannot be used.
pub fn read_detector(model: &Path, options: &PipelineOptions) -> Result<Detector, ModelError> {
    let detector = Detector::load(model, &options.of_model())?;
    if detector.labels_source == LabelsSource::Numbers {
        tracing::warn!(
            model = %model.display(),
            "the model names no labels, so classes are reported by number; give --labels, or write \
             `labels` into the .toml file beside the model"
        );
    }
    Ok(detector)
}

impl LoadedPipeline {
    /// Loads a detector on `backend` and warms it up.
    ///
    /// # Errors
    /// [`PipelineError::Backend`] when the backend cannot run it.
    pub fn load(
        detector: Detector,
        backend: &dyn Backend,
        options: &PipelineOptions,
    ) -> Result<Self, PipelineError> {
        let boxes = box_stage(&detector, options)?;
        let detector = calibrated(detector, options)?;
        let session = backend.load(&detector.model, &limits(options))?;
        Ok(Self::assemble(detector, session, boxes))
    }

    /// Loads a detector on what was selected or, where that is faster, on its rival, and warms it up. Returns which of
    /// them it is.
    ///
    /// # Errors
    /// [`PipelineError::Backend`] when the selected backend cannot run it.
    pub fn load_on_fastest(
        detector: Detector,
        selected: &Arc<Selected>,
        options: &PipelineOptions,
    ) -> Result<(Self, Arc<Selected>), PipelineError> {
        let boxes = box_stage(&detector, options)?;
        let detector = calibrated(detector, options)?;
        let (session, on) = selected.load(&detector.model, &limits(options))?;
        Ok((Self::assemble(detector, session, boxes), on))
    }

    fn assemble(detector: Detector, session: Box<dyn Session>, boxes: BoxStage) -> Self {
        for guess in &detector.guesses {
            tracing::info!(model = detector.model.name, "guessed about the model: {guess}");
        }
        Self { detector, session, boxes }
    }
}

/// Thresholds are checked before a model is loaded, which takes longer.
fn box_stage(detector: &Detector, options: &PipelineOptions) -> Result<BoxStage, PipelineError> {
    Ok(BoxStage::new(detector, options.thresholds)?.with_masks(options.masks))
}

fn limits(options: &PipelineOptions) -> Limits {
    Limits { max_batch: options.max_batch, threads: options.threads }
}

/// A session that outlives its device: `session`, which runs on `selected`.
pub(crate) fn lasting_session(
    session: Box<dyn Session>,
    selected: &Arc<Selected>,
    detector: &Arc<Detector>,
    options: &PipelineOptions,
    observe: impl Fn(DeviceEvent) + Send + 'static,
) -> Box<dyn Session> {
    let spares = backends::spares(selected.backend.name(), &options.backend_options);
    let (detector, limits) = (Arc::clone(detector), limits(options));
    let load: LoadOn = Box::new(move |backend| backend.load(&detector.model, &limits));
    Box::new(FailoverSession::new(session, Arc::clone(selected), spares, load, observe))
}
