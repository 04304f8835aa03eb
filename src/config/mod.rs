//! The checked form of [`crate::cli`]: one struct per command, in which every value is within its range.

mod bench;
mod check;
mod eval;
mod fetch;
mod file;
mod load;
mod pipelines;
mod serve;
mod watch;

use std::num::NonZero;
use std::path::PathBuf;
use std::time::Duration;

use framegate_models::Size;
use framegate_models::detector::{LoadOptions, check_input_size};

use crate::backends::{BackendId, BackendOptions};
use crate::cli;
use crate::pipeline::{MAX_BATCH, MAX_THREADS, PipelineOptions, ReadOptions};
use crate::sources::FrameSelection;
use crate::stages::{DecodeLimits, DecodeOptions, MAX_DETECTIONS, MAX_TILES, Thresholds, Tiling};

pub(crate) use bench::BenchConfig;
pub(crate) use check::CheckConfig;
pub(crate) use eval::{EvalConfig, EvalSubject, TracksConfig};
pub(crate) use fetch::{NamesModels, hub};
pub(crate) use file::{file_problems, served_by};
pub(crate) use load::{LoadConfig, SearchConfig};
pub(crate) use watch::WatchConfig;

/// Greatest width and height that the JPEG format can express.
const MAX_EXTENT: usize = 65_535;
/// More frames than any video has.
const MAX_FRAMES: usize = 1_000_000_000;
/// Three gigabytes of pixels.
const MAX_PIXELS: usize = 1 << 30;
/// One megabyte, as the wire protocol counts them.
const MEGABYTE: usize = 1024 * 1024;

/// Longest drain and greatest age that can be asked for.
const LONGEST: Duration = Duration::from_secs(3600);

/// A value on the command line, or in an environment variable, that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{option} {value}: {expected}")]
pub struct ConfigError {
    /// The option it was given for.
    pub option: &'static str,
    /// The value as given.
    pub value: String,
    /// The expected form.
    pub expected: String,
    /// Which of the configuration file's pipelines it is about, from 0, if it is about one.
    pub table: Option<usize>,
}

impl ConfigError {
    fn new(option: &'static str, value: impl ToString, expected: impl Into<String>) -> Self {
        Self { option, value: value.to_string(), expected: expected.into(), table: None }
    }
}

/// `framegate infer`.
#[derive(Debug)]
pub(crate) struct InferConfig {
    /// The ONNX file, or the name of the built-in model.
    pub model: PathBuf,
    /// How it is loaded.
    pub pipeline: PipelineOptions,
    /// Largest JPEG in bytes, at least 1.
    pub max_frame_bytes: usize,
    /// Directory for annotated images, or name of an annotated video, if they are wanted.
    pub annotate: Option<PathBuf>,
    /// How results are written.
    pub format: ResultFormat,
    /// Which frames of videos are wanted.
    pub selection: FrameSelection,
    /// Files, directories, and `-` at most once.
    pub paths: Vec<PathBuf>,
}

/// How results are written, to standard output unless they have a directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ResultFormat {
    /// A JSON object on a line for each image.
    JsonLines,
    /// One JSON object in COCO's format.
    Coco,
    /// A table.
    Csv,
    /// A text file for each image.
    Yolo {
        /// Where they are written.
        directory: PathBuf,
    },
}

/// A model file and how to read it.
#[derive(Debug)]
pub(crate) struct DetectorConfig {
    /// The ONNX file, or the name of the built-in model.
    pub path: PathBuf,
    /// Options that add to the file.
    pub options: LoadOptions,
}

/// The backend.
#[derive(Debug, Clone)]
pub(crate) struct BackendConfig {
    /// The backend; `None` selects the best that runs here.
    pub id: Option<BackendId>,
    /// Backend resources.
    pub options: BackendOptions,
    /// CPU threads, at least 1.
    pub threads: usize,
}

/// `framegate models inspect`.
#[derive(Debug)]
pub(crate) struct InspectConfig {
    /// The model.
    pub detector: DetectorConfig,
    /// The backend to load it on, if any.
    pub backend: Option<BackendId>,
    /// Print JSON.
    pub json: bool,
}

/// `framegate models run`.
#[derive(Debug)]
pub(crate) struct RunConfig {
    /// The ONNX file, or the name of the built-in model.
    pub model: PathBuf,
    /// The input tensor's file.
    pub input: PathBuf,
    /// Directory for the output tensors.
    pub output_directory: PathBuf,
    /// Whether to print the time per layer.
    pub profile: bool,
    /// The backend.
    pub backend: BackendConfig,
}

impl TryFrom<cli::InferArgs> for InferConfig {
    type Error = ConfigError;

    fn try_from(raw: cli::InferArgs) -> Result<Self, ConfigError> {
        if raw.paths.iter().filter(|path| path.as_os_str() == "-").count() > 1 {
            return Err(ConfigError::new("PATH", "-", "standard input can be read only once"));
        }
        let pipeline = pipeline_options(
            raw.model_file,
            raw.backend,
            raw.detections,
            raw.frames.decode,
            within("--batch", raw.batch, MAX_BATCH)?,
        )?;
        Ok(Self {
            model: raw.model.model,
            max_frame_bytes: max_frame_bytes(&raw.frames)?,
            pipeline: PipelineOptions {
                masks: raw.details.masks,
                text: !raw.details.no_text,
                read: ReadOptions {
                    budget: read_budget(raw.read.read_ms)?,
                    ..ReadOptions::DEFAULT
                },
                tiles: raw.tiles.tiles.as_deref().map(tiling).transpose()?,
                ..pipeline
            },
            annotate: raw.annotate,
            format: result_format(raw.format, raw.output_dir)?,
            selection: raw.selection.try_into()?,
            paths: raw.paths,
        })
    }
}

fn result_format(
    format: cli::ResultFormat,
    directory: Option<PathBuf>,
) -> Result<ResultFormat, ConfigError> {
    match (format, directory) {
        (cli::ResultFormat::Yolo, Some(directory)) => Ok(ResultFormat::Yolo { directory }),
        (cli::ResultFormat::Yolo, None) => {
            let expected = "name the directory for its files (--output-dir)";
            Err(ConfigError::new("--format", "yolo", expected))
        }
        (_, Some(directory)) => {
            let expected = "only --format yolo writes files; others write to standard output";
            Err(ConfigError::new("--output-dir", directory.display(), expected))
        }
        (cli::ResultFormat::Jsonl, None) => Ok(ResultFormat::JsonLines),
        (cli::ResultFormat::Coco, None) => Ok(ResultFormat::Coco),
        (cli::ResultFormat::Csv, None) => Ok(ResultFormat::Csv),
    }
}

impl TryFrom<cli::SelectionArgs> for FrameSelection {
    type Error = ConfigError;

    fn try_from(raw: cli::SelectionArgs) -> Result<Self, ConfigError> {
        let cli::SelectionArgs { stride, max_frames, fps } = raw;
        let stride = within("--stride", stride, MAX_FRAMES)? as u64;
        let max_frames =
            max_frames.map(|most| within("--max-frames", most, MAX_FRAMES)).transpose()?;
        if let Some(fps) = fps.filter(|fps| !(*fps > 0.0 && *fps <= 1000.0)) {
            return Err(ConfigError::new("--fps", fps, "expected a number above 0, up to 1000"));
        }
        Ok(Self {
            stride: NonZero::new(stride).unwrap_or(NonZero::<u64>::MIN),
            max_frames: max_frames.map(|most| most as u64),
            fps,
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

/// The age above which a live frame is dropped.
fn max_age(milliseconds: u64) -> Result<Duration, ConfigError> {
    let age = Duration::from_millis(milliseconds);
    if age > Duration::ZERO && age <= LONGEST {
        return Ok(age);
    }
    let expected = format!("expected a number from 1 to {}", LONGEST.as_millis());
    Err(ConfigError::new("--max-frame-age-ms", milliseconds, expected))
}

/// Longest that the boxes of one frame are read.
fn read_budget(milliseconds: u64) -> Result<Duration, ConfigError> {
    const LONGEST: u64 = 10_000;
    if (1..=LONGEST).contains(&milliseconds) {
        return Ok(Duration::from_millis(milliseconds));
    }
    let expected = format!("expected a number from 1 to {LONGEST}; --no-text reads none");
    Err(ConfigError::new("--read-ms", milliseconds, expected))
}

/// How often the device is checked.
fn device_check(raw: cli::SelfCheckArgs) -> Option<Duration> {
    (raw.self_check_seconds > 0).then(|| Duration::from_secs(raw.self_check_seconds.into()))
}

/// The options of a pipeline that runs files, for batches of up to `max_batch` images.
fn pipeline_options(
    model_file: cli::ModelFileArgs,
    backend: cli::BackendArgs,
    detections: cli::DetectionArgs,
    decode: cli::DecodeArgs,
    max_batch: usize,
) -> Result<PipelineOptions, ConfigError> {
    let LoadOptions { labels, input_size } = load_options(model_file)?;
    let BackendConfig { id: backend, options: backend_options, threads } = backend.try_into()?;
    let thresholds = detections.try_into()?;
    let decode = decode_options(decode, DecodeLimits::DEFAULT)?;
    Ok(PipelineOptions {
        backend,
        backend_options,
        labels,
        input_size,
        thresholds,
        classes: Vec::new(),
        max_detections: MAX_DETECTIONS,
        masks: false,
        text: true,
        read: ReadOptions::DEFAULT,
        tiles: None,
        decode,
        threads,
        max_batch,
    })
}

fn max_frame_bytes(raw: &cli::FrameArgs) -> Result<usize, ConfigError> {
    Ok(within("--max-frame-size-mb", raw.max_frame_size_mb, 1024)? * MEGABYTE)
}

/// How frames are decoded: of as many pixels as `default` has unless another number was requested.
fn decode_options(
    raw: cli::DecodeArgs,
    default: DecodeLimits,
) -> Result<DecodeOptions, ConfigError> {
    let max_pixels = raw.max_frame_pixels.unwrap_or(default.max_pixels);
    let limits = DecodeLimits {
        max_width: within("--max-frame-width", raw.max_frame_width, MAX_EXTENT)?,
        max_height: within("--max-frame-height", raw.max_frame_height, MAX_EXTENT)?,
        max_pixels: within("--max-frame-pixels", max_pixels, MAX_PIXELS)?,
    };
    let cli::DecodeArgs { decoder, scale, lenient, .. } = raw;
    Ok(DecodeOptions { limits, decoder, scale: scale.decode_scale, lenient })
}

impl TryFrom<cli::BackendArgs> for BackendConfig {
    type Error = ConfigError;

    fn try_from(raw: cli::BackendArgs) -> Result<Self, ConfigError> {
        let skip_self_check = raw.no_self_check;
        let options = BackendOptions { skip_self_check, ..raw.resources.into() };
        Ok(Self { id: raw.backend, options, threads: threads(raw.threads)? })
    }
}

/// The number of threads, by default one per core.
fn threads(asked: Option<usize>) -> Result<usize, ConfigError> {
    let available = || std::thread::available_parallelism().map_or(1, NonZero::get);
    within("--threads", asked.unwrap_or_else(available), MAX_THREADS)
}

impl From<cli::BackendResourceArgs> for BackendOptions {
    fn from(raw: cli::BackendResourceArgs) -> Self {
        let cli::BackendResourceArgs {
            allow_software_gpu,
            device,
            simd_level,
            precision,
            calibrate,
            ort_lib,
        } = raw;
        Self {
            allow_software_gpu,
            gpu: device,
            skip_self_check: false,
            simd_level,
            precision,
            calibrate,
            ort_library: ort_lib,
        }
    }
}

impl TryFrom<cli::InspectArgs> for InspectConfig {
    type Error = ConfigError;

    fn try_from(raw: cli::InspectArgs) -> Result<Self, ConfigError> {
        Ok(Self {
            detector: DetectorConfig { path: raw.model, options: load_options(raw.model_file)? },
            backend: raw.backend.flatten(),
            json: raw.report.json,
        })
    }
}

impl TryFrom<cli::RunArgs> for RunConfig {
    type Error = ConfigError;

    fn try_from(raw: cli::RunArgs) -> Result<Self, ConfigError> {
        let cli::RunArgs { model, input, output_dir, profile, backend, fetch: _ } = raw;
        Ok(Self {
            model,
            input,
            output_directory: output_dir,
            profile,
            backend: backend.try_into()?,
        })
    }
}

fn load_options(raw: cli::ModelFileArgs) -> Result<LoadOptions, ConfigError> {
    let input_size = raw.input_size.as_deref().map(input_size).transpose()?;
    Ok(LoadOptions { labels: raw.labels, input_size })
}

/// Reads `auto` or `COLUMNSxROWS`.
fn tiling(text: &str) -> Result<Tiling, ConfigError> {
    if text == "auto" {
        return Ok(Tiling::Auto);
    }
    let parts = text.split_once(['x', 'X']);
    let counts = parts.and_then(|(columns, rows)| columns.parse().ok().zip(rows.parse().ok()));
    let is_possible = |(columns, rows): &(usize, usize)| {
        (1..=MAX_TILES).contains(columns) && (1..=MAX_TILES / columns).contains(rows)
    };
    let (columns, rows) = counts.filter(is_possible).ok_or_else(|| {
        let expected =
            format!("expected auto, or COLUMNSxROWS such as 3x2, at most {MAX_TILES} tiles");
        ConfigError::new("--tiles", text, expected)
    })?;
    Ok(Tiling::Grid { columns, rows })
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
