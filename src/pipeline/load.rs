//! Loading: a model file becomes a detector, a detector gets a session.

use std::path::Path;
use std::sync::Arc;

use framegate_backend_api::{Backend, BackendError, Limits, Session};
use framegate_models::Detector;
use framegate_models::detector::{LabelsSource, ModelError, SecondStage};

use super::calibration::calibrated;
use super::{PipelineError, PipelineOptions, tiles};
use crate::backends::{self, DeviceEvent, FailoverSession, LoadOn, Selected};
use crate::engine::LoadedPipeline;
use crate::engine::reading::{CAN_READ, SECOND_BATCH, TextReader};
use crate::stages::{BoxError, BoxStage};

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
    /// Loads a detector on `backend` and no other, and warms it up.
    ///
    /// # Errors
    /// [`PipelineError::Backend`] when the backend cannot run it.
    pub fn load(
        detector: Detector,
        backend: &dyn Backend,
        options: &PipelineOptions,
    ) -> Result<Self, PipelineError> {
        let (detector, boxes) = prepared(detector, options)?;
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
        let (detector, boxes) = prepared(detector, options)?;
        let (session, on) = selected.load(&detector.model, &limits(options))?;
        let second = second_session(&detector, &on, options)?;
        Ok((Self::assemble(detector, session, boxes, second, options)?, on))
    }

    /// The same pipeline with a session that outlives its device: `on`, which it was loaded on.
    #[must_use]
    pub(crate) fn with_failover(
        self,
        on: &Arc<Selected>,
        options: &PipelineOptions,
        observe: impl Fn(DeviceEvent) + Send + 'static,
    ) -> Self {
        let spares = backends::spares(on.backend.name(), &options.backend_options);
        let (detector, limits) = (Arc::clone(&self.detector), limits(options));
        let load: LoadOn = Box::new(move |backend| backend.load(&detector.model, &limits));
        let session = FailoverSession::new(self.session, Arc::clone(on), spares, load, observe);
        Self { session: Box::new(session), ..self }
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
        Ok(Self { detector: Arc::new(detector), session, boxes, reader })
    }
}

/// Checks what can be checked before a model is loaded, which takes longer, and calibrates it if that is asked for.
fn prepared(
    detector: Detector,
    options: &PipelineOptions,
) -> Result<(Detector, BoxStage), PipelineError> {
    tiles::check(&detector, options)?;
    let selection = Arc::new(options.selection(&detector.labels)?);
    let boxes = BoxStage::new(&detector, options.thresholds)?
        .with_masks(options.masks)
        .with_selection(selection);
    if let Some(warning) = unread_codes(&detector, options, CAN_READ) {
        tracing::warn!(model = detector.model.name, "{warning}");
    }
    Ok((calibrated(detector, options)?, boxes))
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
