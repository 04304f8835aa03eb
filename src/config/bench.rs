//! The options of `framegate bench`, checked.

use std::path::PathBuf;
use std::time::Duration;

use super::load::seconds;
use super::{ConfigError, threads, within};
use crate::backends::{BackendId, BackendOptions};
use crate::cli;
use crate::pipeline::MAX_BATCH;
use crate::stages::Thresholds;

/// Shortest measurement of a case.
const MIN_SECONDS: f64 = 0.01;

/// `framegate bench`.
#[derive(Debug)]
pub(crate) struct BenchConfig {
    /// ONNX files or names of built-in models, at least one.
    pub models: Vec<PathBuf>,
    /// The backends to compare; `None` for every one that runs here.
    pub backends: Option<Vec<BackendId>>,
    /// Backend resources.
    pub options: BackendOptions,
    /// CPU threads, at least 1.
    pub threads: usize,
    /// Batch sizes, at least one, each 1 to 16.
    pub batches: Vec<usize>,
    /// How long each case is measured.
    pub duration: Duration,
    /// Which detections count.
    pub thresholds: Thresholds,
    /// JPEG files or a directory of them.
    pub images: PathBuf,
    /// Where to write the report as JSON, if anywhere.
    pub json: Option<PathBuf>,
    /// Where to write the report as a page, if anywhere.
    pub html: Option<PathBuf>,
}

impl TryFrom<cli::BenchArgs> for BenchConfig {
    type Error = ConfigError;

    fn try_from(raw: cli::BenchArgs) -> Result<Self, ConfigError> {
        let batches = raw.batch.into_iter().map(|batch| within("--batch", batch, MAX_BATCH));
        Ok(Self {
            models: raw.model,
            backends: raw.backend.map(|cli::BackendList(backends)| backends),
            options: raw.resources.into(),
            threads: threads(raw.threads)?,
            batches: batches.collect::<Result<_, _>>()?,
            duration: seconds("--seconds", raw.seconds, MIN_SECONDS)?,
            thresholds: raw.detections.try_into()?,
            images: raw.images,
            json: raw.json_file,
            html: raw.html,
        })
    }
}
