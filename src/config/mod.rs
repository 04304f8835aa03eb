//! What a command is to do, checked: made from the raw values of [`crate::cli`], one struct a
//! subject. Whoever holds one of these need not check it again.

mod bench;
mod eval;
mod load;
mod serve;

use framegate_models::Size;
use std::num::NonZero;
use std::path::PathBuf;

use framegate_models::detector::{LoadOptions, check_input_size};

use crate::backends::{BackendId, BackendOptions};
use crate::cli;
use crate::stages::{DecodeLimits, Thresholds};

pub use bench::BenchConfig;
pub use eval::EvalConfig;
pub use load::{LoadConfig, SearchConfig};
pub use serve::{PipelineConfig, ServeConfig};

/// Largest batch a session can be loaded for.
pub const MAX_BATCH: usize = 16;
/// More threads than any machine this is meant for has; a slip of the finger above it.
const MAX_THREADS: usize = 1024;
/// Greatest width and height that the JPEG format can express.
const MAX_EXTENT: usize = 65_535;
/// Three gigabytes of pixels.
const MAX_PIXELS: usize = 1 << 30;
/// One megabyte, as the wire protocol counts them.
const MEGABYTE: usize = 1024 * 1024;

/// A value on the command line, or in an environment variable, that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{option} {value}: {expected}")]
pub struct ConfigError {
    /// The option it was given for.
    pub option: &'static str,
    /// The value as given.
    pub value: String,
    /// What is expected.
    pub expected: String,
}

impl ConfigError {
    fn new(option: &'static str, value: impl ToString, expected: impl Into<String>) -> Self {
        Self { option, value: value.to_string(), expected: expected.into() }
    }
}

/// Everything `framegate infer` needs to know.
#[derive(Debug)]
pub struct InferConfig {
    /// Which detector.
    pub detector: DetectorConfig,
    /// What computes it.
    pub backend: BackendConfig,
    /// Which detections count.
    pub thresholds: Thresholds,
    /// Which frames are accepted.
    pub frames: FrameConfig,
    /// Most frames run at once, 1 to 16.
    pub max_batch: usize,
    /// Where annotated images are written, if anywhere.
    pub annotate: Option<PathBuf>,
    /// Files, directories, and `-` at most once.
    pub paths: Vec<PathBuf>,
}

/// A detector and how to read it.
#[derive(Debug)]
pub struct DetectorConfig {
    /// The ONNX file, or the name of the model in the program.
    pub path: PathBuf,
    /// What was said about it beside the file.
    pub options: LoadOptions,
}

/// What computes.
#[derive(Debug, Clone)]
pub struct BackendConfig {
    /// The backend; `None` selects the best that runs here.
    pub id: Option<BackendId>,
    /// What backends may use.
    pub options: BackendOptions,
    /// CPU threads, at least 1.
    pub threads: usize,
}

/// Which frames are accepted.
#[derive(Debug, Clone, Copy)]
pub struct FrameConfig {
    /// Largest JPEG in bytes, at least 1.
    pub max_bytes: usize,
    /// Bounds on its decoded size.
    pub decode: DecodeLimits,
}

/// Everything `framegate models inspect` needs to know.
#[derive(Debug)]
pub struct InspectConfig {
    /// Which model.
    pub detector: DetectorConfig,
    /// The backend to load it on, if any.
    pub backend: Option<BackendId>,
    /// Print JSON.
    pub json: bool,
}

/// Everything `framegate models run` needs to know.
#[derive(Debug)]
pub struct RunConfig {
    /// The ONNX file.
    pub model: PathBuf,
    /// The input tensor's file.
    pub input: PathBuf,
    /// Where outputs go.
    pub output_directory: PathBuf,
    /// Whether to print where the time goes.
    pub profile: bool,
    /// What computes.
    pub backend: BackendConfig,
}

impl TryFrom<cli::InferArgs> for InferConfig {
    type Error = ConfigError;

    fn try_from(raw: cli::InferArgs) -> Result<Self, ConfigError> {
        if raw.paths.iter().filter(|path| path.as_os_str() == "-").count() > 1 {
            return Err(ConfigError::new("PATH", "-", "standard input can be read only once"));
        }
        Ok(Self {
            detector: detector(raw.model.model, raw.model_file)?,
            backend: raw.backend.try_into()?,
            thresholds: raw.detections.try_into()?,
            frames: raw.frames.try_into()?,
            max_batch: within("--batch", raw.batch, MAX_BATCH)?,
            annotate: raw.annotate,
            paths: raw.paths,
        })
    }
}

impl TryFrom<cli::DetectionArgs> for Thresholds {
    type Error = ConfigError;

    fn try_from(raw: cli::DetectionArgs) -> Result<Self, ConfigError> {
        let confidence = fraction("--conf", raw.conf)?;
        Ok(Self { confidence, iou: fraction("--iou", raw.overlap.iou)? })
    }
}

impl TryFrom<cli::FrameArgs> for FrameConfig {
    type Error = ConfigError;

    fn try_from(raw: cli::FrameArgs) -> Result<Self, ConfigError> {
        Ok(Self {
            max_bytes: within("--max-frame-size-mb", raw.max_frame_size_mb, 1024)? * MEGABYTE,
            decode: raw.decode.try_into()?,
        })
    }
}

impl TryFrom<cli::DecodeArgs> for DecodeLimits {
    type Error = ConfigError;

    fn try_from(raw: cli::DecodeArgs) -> Result<Self, ConfigError> {
        Ok(Self {
            max_width: within("--max-frame-width", raw.max_frame_width, MAX_EXTENT)?,
            max_height: within("--max-frame-height", raw.max_frame_height, MAX_EXTENT)?,
            max_pixels: within("--max-frame-pixels", raw.max_frame_pixels, MAX_PIXELS)?,
        })
    }
}

impl TryFrom<cli::BackendArgs> for BackendConfig {
    type Error = ConfigError;

    fn try_from(raw: cli::BackendArgs) -> Result<Self, ConfigError> {
        Ok(Self { id: raw.backend, options: raw.resources.into(), threads: threads(raw.threads)? })
    }
}

/// The number of threads, by default one per core.
fn threads(asked: Option<usize>) -> Result<usize, ConfigError> {
    let available = || std::thread::available_parallelism().map_or(1, NonZero::get);
    within("--threads", asked.unwrap_or_else(available), MAX_THREADS)
}

impl From<cli::BackendResourceArgs> for BackendOptions {
    fn from(raw: cli::BackendResourceArgs) -> Self {
        let cli::BackendResourceArgs { allow_software_gpu, simd_level, precision, ort_lib } = raw;
        Self { allow_software_gpu, simd_level, precision, ort_library: ort_lib }
    }
}

impl TryFrom<cli::InspectArgs> for InspectConfig {
    type Error = ConfigError;

    fn try_from(raw: cli::InspectArgs) -> Result<Self, ConfigError> {
        Ok(Self {
            detector: detector(raw.model, raw.model_file)?,
            backend: raw.backend.flatten(),
            json: raw.report.json,
        })
    }
}

impl TryFrom<cli::RunArgs> for RunConfig {
    type Error = ConfigError;

    fn try_from(raw: cli::RunArgs) -> Result<Self, ConfigError> {
        let cli::RunArgs { model, input, output_dir, profile, backend } = raw;
        Ok(Self {
            model,
            input,
            output_directory: output_dir,
            profile,
            backend: backend.try_into()?,
        })
    }
}

fn detector(path: PathBuf, raw: cli::ModelFileArgs) -> Result<DetectorConfig, ConfigError> {
    let input_size = raw.input_size.as_deref().map(input_size).transpose()?;
    Ok(DetectorConfig { path, options: LoadOptions { labels: raw.labels, input_size } })
}

/// Reads `WIDTHxHEIGHT`.
fn input_size(text: &str) -> Result<Size, ConfigError> {
    let wrong = |expected: String| ConfigError::new("--input-size", text, expected);
    let (width, height) = text
        .split_once(['x', 'X'])
        .and_then(|(width, height)| width.parse().ok().zip(height.parse().ok()))
        .ok_or_else(|| wrong("expected WIDTHxHEIGHT, such as 640x384".to_owned()))?;
    check_input_size(Size { width, height }).map_err(|error| wrong(error.to_string()))
}

fn fraction<T>(option: &'static str, value: T) -> Result<T, ConfigError>
where
    T: PartialOrd + From<u8> + ToString,
{
    if (T::from(0)..=T::from(1)).contains(&value) {
        return Ok(value);
    }
    Err(ConfigError::new(option, value, "expected a number from 0 to 1"))
}

fn within(option: &'static str, value: usize, largest: usize) -> Result<usize, ConfigError> {
    if (1..=largest).contains(&value) {
        return Ok(value);
    }
    Err(ConfigError::new(option, value, format!("expected a whole number from 1 to {largest}")))
}
