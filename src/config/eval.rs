//! The options of `framegate eval`, checked.

use std::path::PathBuf;

use super::{ConfigError, max_frame_bytes, pipeline_options, read_budget, tiling};
use crate::cli;
use crate::eval::GroundTruthFormat;
use crate::pipeline::{PipelineOptions, ReadOptions};

/// Fastest sequence that can be asked for.
const MOST_FRAMES_PER_SECOND: f64 = 1000.0;

/// `framegate eval`.
#[derive(Debug)]
pub(crate) struct EvalConfig {
    /// The labels, and so what is evaluated.
    pub subject: EvalSubject,
    /// Its format; `None` recognises it.
    pub format: Option<GroundTruthFormat>,
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

impl From<cli::GroundTruthFormat> for GroundTruthFormat {
    fn from(raw: cli::GroundTruthFormat) -> Self {
        match raw {
            cli::GroundTruthFormat::Framegate => Self::Framegate,
            cli::GroundTruthFormat::Coco => Self::Coco,
            cli::GroundTruthFormat::Yolo => Self::Yolo,
            cli::GroundTruthFormat::Voc => Self::Voc,
        }
    }
}

/// The labels that `eval` compares with.
#[derive(Debug)]
pub(crate) enum EvalSubject {
    /// Which objects are found in images.
    Objects {
        /// The file or folder that says which objects are in them.
        ground_truth: PathBuf,
    },
    /// Which numbers objects are given in a sequence.
    Tracks(TracksConfig),
}

/// A sequence whose objects are known.
#[derive(Debug)]
pub(crate) struct TracksConfig {
    /// The labels, in MOTChallenge's format.
    pub labels: PathBuf,
    /// A directory of images, or a video.
    pub frames: PathBuf,
    /// Frames per second of images; `None` for what is stated beside the labels.
    pub frame_rate: Option<f64>,
    /// The class that the labels are about; `None` for the only one of the model.
    pub class: Option<String>,
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
        let subject = subject(raw.ground_truth, raw.tracks, raw.images.as_ref())?;
        let conf = match subject {
            EvalSubject::Objects { .. } => raw.map_conf,
            EvalSubject::Tracks(_) => raw.conf,
        };
        let detections = cli::DetectionArgs { conf, overlap: raw.overlap };
        Ok(Self {
            subject,
            format: raw.ground_truth_format.map(GroundTruthFormat::from),
            images: raw.images,
            negatives: raw.negatives,
            model: raw.model.model,
            conf: raw.conf,
            max_frame_bytes: max_frame_bytes(&raw.frames)?,
            // One image at a time, so that the time measured for an image is its own.
            pipeline: PipelineOptions {
                // Boxes below are for average precision alone.
                tiles: raw.tiles.tiles.as_deref().map(tiling).transpose()?,
                read: ReadOptions { least_score: raw.conf, budget: read_budget(raw.read.read_ms)? },
                ..pipeline_options(model_file, raw.backend, detections, raw.frames.decode, 1)?
            },
            annotate: raw.annotate,
            json: raw.report.json,
        })
    }
}

fn subject(
    ground_truth: Option<PathBuf>,
    raw: cli::TracksArgs,
    images: Option<&PathBuf>,
) -> Result<EvalSubject, ConfigError> {
    let cli::TracksArgs { tracks, frame_rate, class } = raw;
    if let Some(labels) = tracks {
        let Some(frames) = images.filter(|path| path.as_os_str() != "-").cloned() else {
            let expected = "name its frames, a directory or a video (--images)";
            return Err(ConfigError::new("--tracks", labels.display(), expected));
        };
        if let Some(rate) =
            frame_rate.filter(|rate| !(*rate > 0.0 && *rate <= MOST_FRAMES_PER_SECOND))
        {
            let expected = format!("expected a number above 0, up to {MOST_FRAMES_PER_SECOND}");
            return Err(ConfigError::new("--frame-rate", rate, expected));
        }
        return Ok(EvalSubject::Tracks(TracksConfig { labels, frames, frame_rate, class }));
    }
    let ground_truth = ground_truth.ok_or_else(|| {
        ConfigError::new(
            "--ground-truth",
            "",
            "expected the labels, or those of a sequence (--tracks)",
        )
    })?;
    Ok(EvalSubject::Objects { ground_truth })
}
