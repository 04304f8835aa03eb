//! The two steps of loading: a model file becomes a detector, a detector gets a session.

use std::path::Path;
use std::sync::Arc;

use framegate_backend_api::{Backend, BackendError, Limits, Session};
use framegate_models::Detector;
use framegate_models::detector::{LabelsSource, ModelError, SecondStage};

use super::calibration::calibrated;
use super::{PipelineError, PipelineOptions, tiles};
use crate::backends::{self, DeviceEvent, FailoverSession, LoadOn, Selected};
use crate::engine::reading::{CAN_READ, SECOND_BATCH, TextReader};
use crate::stages::{BoxError, BoxStage};

/// A detector with a session on some backend: the parts that an engine or a benchmark drives itself.
pub struct LoadedPipeline {
    /// What to detect, and how frames are preprocessed for it.
    pub detector: Detector,
    /// The model on the backend, warmed up.
    pub session: Box<dyn Session>,
    /// Turns raw outputs into detections.
    pub boxes: BoxStage,
    /// Reads what is in the boxes, if the detector has a second stage.
    pub reader: Option<TextReader>,
}

/// A second model sees few images at once, and is run beside what the first is run on.
const SECOND_LIMITS: Limits = Limits { max_batch: SECOND_BATCH, threads: 1 };

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
        let second = match &detector.second {
            Some(SecondStage::Model(second)) => {
                Some(backend.load(&second.reader.model, &SECOND_LIMITS)?)
            }
            _ => None,
        };
        Self::assemble(detector, session, boxes, second, options)
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
        if let Some(warning) = unread_codes(&detector, options, CAN_READ) {
            tracing::warn!(model = detector.model.name, "{warning}");
        }
        let detector = calibrated(detector, options)?;
        let (session, on) = selected.load(&detector.model, &limits(options))?;
        let second = second_session(&detector, &on, options)?;
        Ok((Self::assemble(detector, session, boxes, second, options)?, on))
    }

    fn assemble(
        detector: Detector,
        session: Box<dyn Session>,
        boxes: BoxStage,
        second: Option<Box<dyn Session>>,
        options: &PipelineOptions,
    ) -> Result<Self, PipelineError> {
        for guess in &detector.guesses {
            tracing::info!(model = detector.model.name, "guessed about the model: {guess}");
        }
        if let Some(SecondStage::Model(second)) = &detector.second {
            for guess in &second.reader.guesses {
                tracing::info!(
                    model = second.reader.model.name,
                    "guessed about the model: {guess}"
                );
            }
        }
        let reader = TextReader::of(&detector, second, options.decode).map_err(BoxError::from)?;
        Ok(Self { detector, session, boxes, reader })
    }
}

/// Thresholds are checked before a model is loaded, which takes longer.
fn box_stage(detector: &Detector, options: &PipelineOptions) -> Result<BoxStage, PipelineError> {
    tiles::check(detector, options)?;
    let selection = Arc::new(options.selection(&detector.labels)?);
    let stage = BoxStage::new(detector, options.thresholds)?;
    Ok(stage.with_masks(options.masks).with_selection(selection))
}

/// The warning about codes whose texts are wanted, in a build that cannot read them.
fn unread_codes(
    detector: &Detector,
    options: &PipelineOptions,
    can_read: bool,
) -> Option<&'static str> {
    let has_codes = matches!(detector.second, Some(SecondStage::Codes));
    (has_codes && options.text && !can_read).then_some(
        "codes are found and their texts are not read: this program was built without the Cargo feature `codes`; \
         build it with `--features codes` to have them",
    )
}

fn limits(options: &PipelineOptions) -> Limits {
    Limits { max_batch: options.most_images(), threads: options.threads }
}

/// The second model on what the first runs on, if there is one. The session outlives its device.
fn second_session(
    detector: &Detector,
    on: &Arc<Selected>,
    options: &PipelineOptions,
) -> Result<Option<Box<dyn Session>>, BackendError> {
    let Some(SecondStage::Model(second)) = &detector.second else { return Ok(None) };
    let session = on.backend.load(&second.reader.model, &SECOND_LIMITS)?;
    let spares = backends::spares(on.backend.name(), &options.backend_options);
    let second = Arc::clone(second);
    let load: LoadOn = Box::new(move |backend| backend.load(&second.reader.model, &SECOND_LIMITS));
    Ok(Some(Box::new(FailoverSession::new(session, Arc::clone(on), spares, load, |_| ()))))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_build_that_cannot_read_codes_says_so_if_texts_are_wanted() {
        let wanted = PipelineOptions::default();
        let mut detector = read_detector(Path::new("codes"), &wanted).unwrap();
        let warning = unread_codes(&detector, &wanted, false);
        assert!(warning.is_some_and(|words| words.contains("--features codes")), "{warning:?}");
        assert_eq!(unread_codes(&detector, &wanted, true), None);
        let unwanted = PipelineOptions { text: false, ..PipelineOptions::default() };
        assert_eq!(unread_codes(&detector, &unwanted, false), None);
        detector.second = None;
        assert_eq!(unread_codes(&detector, &wanted, false), None);
    }
}
