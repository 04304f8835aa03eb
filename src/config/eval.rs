//! What `framegate eval` is to do.

use std::path::PathBuf;

use super::{BackendConfig, ConfigError, DetectorConfig, FrameConfig, detector};
use crate::cli;
use crate::stages::Thresholds;

/// Everything `framegate eval` needs to know.
#[derive(Debug)]
pub struct EvalConfig {
    /// The file of labels.
    pub labels: PathBuf,
    /// Where the images are that it names.
    pub images: PathBuf,
    /// Files and directories without anything to be found.
    pub negatives: Vec<PathBuf>,
    /// Which detector.
    pub detector: DetectorConfig,
    /// What computes it.
    pub backend: BackendConfig,
    /// Which boxes count.
    pub thresholds: Thresholds,
    /// Which frames are accepted.
    pub frames: FrameConfig,
    /// Where annotated images are written, if anywhere.
    pub annotate: Option<PathBuf>,
    /// Print JSON.
    pub json: bool,
}

impl TryFrom<cli::EvalArgs> for EvalConfig {
    type Error = ConfigError;

    fn try_from(raw: cli::EvalArgs) -> Result<Self, ConfigError> {
        let is_stream = |path: &&PathBuf| path.as_os_str() == "-";
        if raw.negatives.iter().any(|path| is_stream(&path)) {
            return Err(ConfigError::new("--negatives", "-", "expected files and directories"));
        }
        let of_model = cli::ModelFileArgs { labels: None, input_size: raw.input_size };
        let detections = cli::DetectionArgs { conf: raw.conf, overlap: raw.overlap };
        Ok(Self {
            labels: raw.labels,
            images: raw.images,
            negatives: raw.negatives,
            detector: detector(raw.model.model, of_model)?,
            backend: raw.backend.try_into()?,
            thresholds: detections.try_into()?,
            frames: raw.frames.try_into()?,
            annotate: raw.annotate,
            json: raw.report.json,
        })
    }
}
