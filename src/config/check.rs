//! The options of `framegate check`, checked.

use std::path::PathBuf;

use super::{ConfigError, threads};
use crate::backends::{BackendId, BackendOptions};
use crate::cli;
use crate::stages::Thresholds;

/// `framegate check`.
#[derive(Debug)]
pub(crate) struct CheckConfig {
    /// ONNX files or names of built-in models, besides the built-in one and its known frame.
    pub models: Vec<PathBuf>,
    /// JPEG files or a directory of them for `models`, or without any for the built-in one; `None` for the known frame.
    pub images: Option<PathBuf>,
    /// The backends to check; `None` for all that compute.
    pub backends: Option<Vec<BackendId>>,
    /// Limits and switches of backends.
    pub options: BackendOptions,
    /// CPU threads, at least 1.
    pub threads: usize,
    /// Which detections count.
    pub thresholds: Thresholds,
    /// Whether to print JSON.
    pub json: bool,
}

impl TryFrom<cli::CheckArgs> for CheckConfig {
    type Error = ConfigError;

    fn try_from(raw: cli::CheckArgs) -> Result<Self, ConfigError> {
        Ok(Self {
            models: raw.model,
            images: raw.images,
            backends: raw.backend.map(|cli::BackendList(backends)| backends),
            options: raw.resources.into(),
            threads: threads(raw.threads)?,
            thresholds: raw.detections.try_into()?,
            json: raw.report.json,
        })
    }
}
