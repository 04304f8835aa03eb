//! What is compared: models, backends and batch sizes, each with each.

use std::fmt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::backends::BackendOptions;

/// A model on a backend with a batch size.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Combination {
    /// The model's file.
    pub model: PathBuf,
    /// The backend, as it is named on the command line, with its options.
    pub backend: String,
    /// Images in a batch.
    pub batch: usize,
}

/// Everything that a worker needs to know.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Job {
    /// What it measures.
    pub combination: Combination,
    /// JPEG files, at least one.
    pub images: Vec<PathBuf>,
    /// CPU threads, for preparing frames and for the backend.
    pub threads: usize,
    /// Lowest score of a detection.
    pub confidence: f32,
    /// Overlap above which one of two boxes is dropped.
    pub iou: f32,
    /// What the backend may use.
    pub options: BackendOptions,
}

impl Combination {
    /// The model's file without folder and extension.
    pub fn model_name(&self) -> String {
        self.model.file_stem().unwrap_or_default().to_string_lossy().into_owned()
    }
}

/// Every backend with every batch size on one model, in the order they were named.
pub fn combinations(model: &Path, backends: &[String], batches: &[usize]) -> Vec<Combination> {
    let of_backend = |backend: &String| {
        let with = |batch: &usize| Combination {
            model: model.to_owned(),
            backend: backend.clone(),
            batch: *batch,
        };
        batches.iter().map(with).collect::<Vec<_>>()
    };
    backends.iter().flat_map(of_backend).collect()
}

impl fmt::Display for Combination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} on {}, batch {}", self.model_name(), self.backend, self.batch)
    }
}
