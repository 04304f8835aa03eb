//! The options of `framegate eval`, checked.

use std::path::PathBuf;

use super::{ConfigError, max_frame_bytes, pipeline_options};
use crate::cli;
use crate::eval::LabelFormat;
use crate::pipeline::PipelineOptions;

/// `framegate eval`.
#[derive(Debug)]
pub struct EvalConfig {
    /// The file or folder that says which objects are in the images.
    pub ground_truth: PathBuf,
    /// Its format; `None` recognises it.
    pub format: Option<LabelFormat>,
    /// Directory of the images that it names; `None` for its own.
    pub images: Option<PathBuf>,
    /// Files and directories in which there is nothing to find.
    pub negatives: Vec<PathBuf>,
    /// The ONNX file, or the name of the built-in model.
    pub model: PathBuf,
    /// Lowest score of a box, for everything but average precision: 0 to 1.
    pub conf: f32,
    /// How it is loaded. Its confidence is the lowest score that counts for average precision, at most `conf`.
    pub pipeline: PipelineOptions,
    /// Largest JPEG in bytes, at least 1.
    pub max_frame_bytes: usize,
    /// Directory for annotated images, if they are wanted.
    pub annotate: Option<PathBuf>,
    /// Print JSON.
    pub json: bool,
}

impl From<cli::LabelFormat> for LabelFormat {
    fn from(raw: cli::LabelFormat) -> Self {
        match raw {
            cli::LabelFormat::Framegate => Self::Framegate,
            cli::LabelFormat::Coco => Self::Coco,
            cli::LabelFormat::Yolo => Self::Yolo,
            cli::LabelFormat::Voc => Self::Voc,
        }
    }
}

impl TryFrom<cli::EvalArgs> for EvalConfig {
    type Error = ConfigError;

    fn try_from(raw: cli::EvalArgs) -> Result<Self, ConfigError> {
        let is_stream = |path: &&PathBuf| path.as_os_str() == "-";
        if raw.negatives.iter().any(|path| is_stream(&path)) {
            return Err(ConfigError::new("--negatives", "-", "expected files and directories"));
        }
        let model_file = cli::ModelFileArgs { labels: None, input_size: raw.input_size };
        if !(0.0..=1.0).contains(&raw.conf) {
            return Err(ConfigError::new("--conf", raw.conf, "expected a number from 0 to 1"));
        }
        if !(0.0..=raw.conf).contains(&raw.map_conf) {
            let expected = format!("expected a number from 0 to {} (--conf)", raw.conf);
            return Err(ConfigError::new("--map-conf", raw.map_conf, expected));
        }
        let detections = cli::DetectionArgs { conf: raw.map_conf, overlap: raw.overlap };
        Ok(Self {
            ground_truth: raw.ground_truth,
            format: raw.format.map(LabelFormat::from),
            images: raw.images,
            negatives: raw.negatives,
            model: raw.model.model,
            conf: raw.conf,
            max_frame_bytes: max_frame_bytes(&raw.frames)?,
            // One image at a time, so that the time measured for an image is its own.
            pipeline: pipeline_options(model_file, raw.backend, detections, raw.frames.decode, 1)?,
            annotate: raw.annotate,
            json: raw.report.json,
        })
    }
}
