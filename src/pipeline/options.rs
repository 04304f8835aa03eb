//! How a pipeline is loaded.

use std::num::NonZero;
use std::path::{Path, PathBuf};

use framegate_cpu::Precision;
use framegate_models::Size;
use framegate_models::detector::LoadOptions;

use super::PipelineError;
use crate::backends::{BackendId, BackendOptions};
use crate::classes::read_classes;
use crate::engine::reading::ReadOptions;
use crate::stages::{DecodeLimits, DecodeOptions, MAX_DETECTIONS, Selection, Thresholds, Tiling};

/// Largest batch a session can be loaded for.
pub const MAX_BATCH: usize = 16;
/// More threads than any machine this is meant for has: a larger number is a typing error.
pub const MAX_THREADS: usize = 1024;

/// How to load a [`Pipeline`](crate::Pipeline). The default suits most models: the best backend that
/// runs here, on all cores, one image at a time.
///
/// ```
/// use framegate::{PipelineOptions, Thresholds};
///
/// let options = PipelineOptions {
///     thresholds: Thresholds { confidence: 0.5, ..Thresholds::DEFAULT },
///     threads: 2,
///     ..PipelineOptions::default()
/// };
/// assert_eq!(options.max_batch, 1);
/// ```
#[derive(Debug, Clone)]
pub struct PipelineOptions {
    /// The backend to run on and no other; `None` selects the best that runs here.
    pub backend: Option<BackendId>,
    /// What backends may use beyond the safe defaults.
    pub backend_options: BackendOptions,
    /// A text file with one class name per line; `None` uses the names in the model or its sidecar.
    pub labels: Option<PathBuf>,
    /// The input size, for a model that does not fix it.
    pub input_size: Option<Size>,
    /// Which detections count.
    pub thresholds: Thresholds,
    /// The classes that are reported: labels or numbers, each perhaps with a lowest score of its own, as in `person:0.6`;
    /// all, if there are none.
    pub classes: Vec<String>,
    /// Most detections of a frame, those with the highest scores; never more than [`MAX_DETECTIONS`].
    pub max_detections: usize,
    /// Report masks, where the model has them.
    pub masks: bool,
    /// Read what is in the boxes, if the model has a second stage: codes, in builds that have decoders for them, or
    /// another model.
    pub text: bool,
    /// Which boxes are read in frames that can wait, and for how long.
    pub read: ReadOptions,
    /// How each frame is cut into tiles, which are a batch with it; `None` runs it as a whole.
    pub tiles: Option<Tiling>,
    /// How frames are decoded, and the largest that are.
    pub decode: DecodeOptions,
    /// CPU threads for preprocessing and for the backend, at least 1.
    pub threads: usize,
    /// Most images in one batch of [`Pipeline::run`](crate::Pipeline::run) and
    /// [`Pipeline::detect_batch`](crate::Pipeline::detect_batch), 1 to 16.
    pub max_batch: usize,
}

impl PipelineOptions {
    /// The detections that are reported of a detector with these labels, with texts if they are asked for.
    pub(crate) fn selection(&self, labels: &[String]) -> Result<Selection, PipelineError> {
        let named = |classes: &[String]| {
            read_classes(labels, classes).map_err(|problem| {
                let labels = labels.join(", ");
                PipelineError::Classes { problem: problem.to_string(), labels }
            })
        };
        Ok(Selection {
            thresholds: self.thresholds,
            max_detections: self.max_detections,
            classes: (!self.classes.is_empty()).then(|| named(&self.classes)).transpose()?,
            text: self.text,
        })
    }

    /// Most images that the model is run on at once.
    pub(super) fn most_images(&self) -> usize {
        self.max_batch.max(self.tiles.map_or(1, |tiling| 1 + tiling.most()))
    }

    /// The frames to calibrate on, if the backend is to compute in `int8`.
    pub(super) fn calibration(&self) -> Option<&Path> {
        let path = self.backend_options.calibrate.as_deref()?;
        (self.precision() == Precision::Int8).then_some(path)
    }

    pub(super) fn precision(&self) -> Precision {
        let asked = self.backend_options.precision;
        self.backend.as_ref().map_or(asked, |id| id.precision(asked))
    }

    pub(super) fn of_model(&self) -> LoadOptions {
        LoadOptions { labels: self.labels.clone(), input_size: self.input_size }
    }
}

impl Default for PipelineOptions {
    fn default() -> Self {
        Self {
            backend: None,
            backend_options: BackendOptions::default(),
            labels: None,
            input_size: None,
            thresholds: Thresholds::DEFAULT,
            classes: Vec::new(),
            max_detections: MAX_DETECTIONS,
            masks: false,
            text: true,
            read: ReadOptions::DEFAULT,
            tiles: None,
            decode: DecodeLimits::DEFAULT.into(),
            threads: std::thread::available_parallelism().map_or(1, NonZero::get),
            max_batch: 1,
        }
    }
}
