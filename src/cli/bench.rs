//! Options of `framegate bench`.

use std::path::PathBuf;
use std::str::FromStr;

use clap::Args;
use framegate_models::detector::EMBEDDED_MODEL;

use super::{BackendResourceArgs, DetectionArgs, FetchArgs};
use crate::backends::{BackendId, BackendIdError};

/// Options of `framegate bench`.
#[derive(Debug, Args)]
#[command(
    after_help = "Each case, a model on a backend with a batch size, runs in its own process; the processes take\n\
    turns. Each stage is timed by itself, then the whole path with its stages overlapping. At the end,\n\
    the boxes and raw outputs of each backend are compared with those of the first.\n\
    \n\
    Exit status: 1 when a case could not be measured or the results of a backend differ from those of\n\
    the first.\n\
    \n\
    Examples:\n  \
    framegate bench --model yolox_nano.onnx --images photos/\n  \
    framegate bench --model a.onnx,b.onnx --backend ort,flex --batch 1,4 --images photos/ --html r.html"
)]
pub struct BenchArgs {
    /// The models: ONNX files, or `codes` for the built-in model
    #[arg(
        long,
        env = "FRAMEGATE_MODEL",
        value_name = "FILE.onnx,…",
        value_delimiter = ',',
        default_value = EMBEDDED_MODEL
    )]
    pub model: Vec<PathBuf>,
    /// Directory of the JPEG files to measure with, or one file
    #[arg(long, env = "FRAMEGATE_IMAGES", value_name = "DIR", required = true)]
    pub images: PathBuf,
    /// Backends to compare; the first is the reference for the others [default: all that run here,
    /// except null]
    #[arg(long, env = "FRAMEGATE_BACKEND", value_name = "NAME,…", help_heading = "Backend")]
    pub backend: Option<BackendList>,
    /// Backend resources.
    #[command(flatten)]
    pub resources: BackendResourceArgs,
    /// CPU threads for preprocessing and for CPU backends [default: one per core]
    #[arg(long, env = "FRAMEGATE_THREADS", value_name = "N", help_heading = "Backend")]
    pub threads: Option<usize>,
    /// Batch sizes, 1 to 16
    #[arg(
        long,
        env = "FRAMEGATE_BATCH",
        value_name = "N,…",
        value_delimiter = ',',
        default_value = "1"
    )]
    pub batch: Vec<usize>,
    /// Seconds to measure each case
    #[arg(long, env = "FRAMEGATE_SECONDS", value_name = "S", default_value_t = 10.0)]
    pub seconds: f64,
    /// Detection thresholds.
    #[command(flatten)]
    pub detections: DetectionArgs,
    /// Fetched models.
    #[command(flatten)]
    pub fetch: FetchArgs,
    /// Write all measurements to this file as JSON
    #[arg(long, env = "FRAMEGATE_JSON_FILE", value_name = "FILE", help_heading = "Reports")]
    pub json_file: Option<PathBuf>,
    /// Write an HTML page with charts to this file
    #[arg(long, env = "FRAMEGATE_HTML", value_name = "FILE", help_heading = "Reports")]
    pub html: Option<PathBuf>,
}

/// Several backends, separated by commas.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackendList(pub Vec<BackendId>);

impl FromStr for BackendList {
    type Err = BackendIdError;

    fn from_str(text: &str) -> Result<Self, BackendIdError> {
        let mut names: Vec<String> = Vec::new();
        for part in text.split(',') {
            match names.last_mut() {
                // Commas also separate the options of one backend.
                Some(last) if last.contains(':') && part.contains('=') && !part.contains(':') => {
                    last.push(',');
                    last.push_str(part);
                }
                _ => names.push(part.to_owned()),
            }
        }
        names.iter().map(|name| name.parse()).collect::<Result<_, _>>().map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> Result<Vec<String>, BackendIdError> {
        let BackendList(backends) = text.parse()?;
        Ok(backends.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn options_stay_with_their_backend() {
        assert_eq!(names("flex").unwrap(), ["flex"]);
        assert_eq!(
            names("flex,null:latency_ms=1,per_frame_ms=2,ndarray").unwrap(),
            ["flex", "null:latency_ms=1,per_frame_ms=2", "ndarray"]
        );
    }

    #[test]
    fn precisions_of_one_backend_can_be_compared() {
        assert_eq!(names("simd,simd:precision=bf16").unwrap(), ["simd", "simd:precision=bf16"]);
    }

    #[test]
    fn unknown_backends_and_options_are_refused() {
        for wrong in ["", "flex,", "abacus", "flex,auto", "flex,latency_ms=1", "null:latency_ms=x"]
        {
            assert!(names(wrong).is_err(), "{wrong}");
        }
    }
}
