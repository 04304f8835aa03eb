//! The cases of a benchmark: every model on every backend with every batch size.

use std::fmt;
use std::path::{Path, PathBuf};

use framegate_cpu::Precision;
use serde::{Deserialize, Serialize};

use crate::backends::{BackendId, BackendOptions};

/// One case: a model on a backend with a batch size.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BenchCase {
    /// The model's file.
    pub model: PathBuf,
    /// The backend with its options, as named on the command line.
    pub backend: String,
    /// Images per batch.
    pub batch: usize,
}

/// Everything that a worker must know to measure a case.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RunnerConfig {
    /// The case.
    pub case: BenchCase,
    /// JPEG files; none stands for the known frame.
    pub images: Vec<PathBuf>,
    /// CPU threads, for preprocessing and for the backend.
    pub threads: usize,
    /// Lowest score of a detection.
    pub confidence: f32,
    /// Overlap above which one of two boxes is dropped.
    pub iou: f32,
    /// Backend resources.
    pub options: BackendOptions,
}

impl RunnerConfig {
    /// The precision that the case computes in.
    pub(super) fn precision(&self) -> Precision {
        let id = self.case.backend.parse::<BackendId>();
        id.map_or(self.options.precision, |id| id.precision(self.options.precision))
    }

    /// The options with that precision, calibrated on the images unless on others.
    pub(super) fn backend_options(&self) -> BackendOptions {
        let mut options = self.options.clone();
        options.precision = self.precision();
        options.calibrate = options.calibrate.or_else(|| match &self.images[..] {
            [first, _, ..] => first.parent().map(Path::to_owned),
            images => images.first().cloned(),
        });
        options
    }

    /// Whether the case rounds more than `f32` does.
    pub(super) fn is_rounded(&self) -> bool {
        self.precision() != Precision::F32
    }
}

impl BenchCase {
    /// Name of the model's file, without directory and extension.
    pub fn model_name(&self) -> String {
        self.model.file_stem().unwrap_or_default().to_string_lossy().into_owned()
    }
}

/// The cases of one model: every backend with every batch size, in the order given.
pub fn cases(model: &Path, backends: &[String], batches: &[usize]) -> Vec<BenchCase> {
    let of_backend = |backend: &String| {
        let with = |batch: &usize| BenchCase {
            model: model.to_owned(),
            backend: backend.clone(),
            batch: *batch,
        };
        batches.iter().map(with).collect::<Vec<_>>()
    };
    backends.iter().flat_map(of_backend).collect()
}

impl fmt::Display for BenchCase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} on {}, batch {}", self.model_name(), self.backend, self.batch)
    }
}
