//! The frames that a model is quantised by, from where the user keeps them.

use std::path::Path;

use framegate_models::Detector;

use super::{PipelineError, PipelineOptions};
use crate::backends::{self, MOST_CALIBRATION_IMAGES};
use crate::engine::{FrameError, Preprocessors};
use crate::sources::{self, Source};
use crate::stop::StopFlag;

/// Cameras send no larger frames.
const MOST_FRAME_BYTES: usize = 64 << 20;

/// The detector with its model quantised by the frames that the options name, if they ask for that.
pub(super) fn calibrated(
    mut detector: Detector,
    options: &PipelineOptions,
) -> Result<Detector, PipelineError> {
    let Some(path) = options.calibration() else { return Ok(detector) };
    let problem = |problem: String| PipelineError::Calibration { path: path.to_owned(), problem };
    let images = images(&detector, path, options).map_err(|error| problem(error.to_string()))?;
    let backend_options = &options.backend_options;
    detector.model =
        backends::quantise(backend_options, &detector.model, &images, options.threads)?;
    Ok(detector)
}

/// The frames as inputs of the model. Damaged ones are left out.
fn images(
    detector: &Detector,
    path: &Path,
    options: &PipelineOptions,
) -> Result<Vec<Vec<f32>>, FrameError> {
    let preprocessors = Preprocessors::new(&detector.input, options.decode);
    let len = detector.model.graph.image_shape().iter().product();
    let mut images = Vec::new();
    let mut first_error = None;
    let sources = thinned(sources::expand(&[path.to_owned()]));
    for frame in sources::frames(sources, MOST_FRAME_BYTES, StopFlag::new()) {
        let mut image = vec![0.0; len];
        let written = frame
            .payload
            .and_then(|payload| preprocessors.preprocess((&payload).into(), &mut image));
        match written {
            Ok(_) => images.push(image),
            Err(error) => {
                tracing::warn!("not calibrated on a frame: {error}");
                first_error.get_or_insert(error);
            }
        }
        if images.len() == MOST_CALIBRATION_IMAGES {
            break;
        }
    }
    match first_error {
        Some(error) if images.is_empty() => Err(error),
        _ => Ok(images),
    }
}

/// Of many files some from everywhere: neighbours are often alike.
fn thinned(sources: Vec<Source>) -> Vec<Source> {
    let step = sources.len().div_ceil(MOST_CALIBRATION_IMAGES).max(1);
    sources.into_iter().step_by(step).collect()
}
