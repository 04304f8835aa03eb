//! The options of `framegate eval`, checked.

use std::path::PathBuf;

use super::{ConfigError, max_frame_bytes, pipeline_options};
use crate::cli;
use crate::pipeline::PipelineOptions;

/// `framegate eval`.
#[derive(Debug)]
pub struct EvalConfig {
    /// The file that says which objects are in the images.
    pub ground_truth: PathBuf,
    /// Directory of the images that it names.
    pub images: PathBuf,
    /// Files and directories in which there is nothing to find.
    pub negatives: Vec<PathBuf>,
    /// The ONNX file, or the name of the built-in model.
    pub model: PathBuf,
    /// How it is loaded.
    pub pipeline: PipelineOptions,
    /// Largest JPEG in bytes, at least 1.
    pub max_frame_bytes: usize,
    /// Directory for annotated images, if they are wanted.
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
        let model_file = cli::ModelFileArgs { labels: None, input_size: raw.input_size };
        let detections = cli::DetectionArgs { conf: raw.conf, overlap: raw.overlap };
        Ok(Self {
            ground_truth: raw.ground_truth,
            images: raw.images,
            negatives: raw.negatives,
            model: raw.model.model,
            max_frame_bytes: max_frame_bytes(&raw.frames)?,
            // One image at a time, so that the time measured for an image is its own.
            pipeline: pipeline_options(model_file, raw.backend, detections, raw.frames.decode, 1)?,
            annotate: raw.annotate,
            json: raw.report.json,
        })
    }
}
