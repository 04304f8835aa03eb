//! What `framegate serve` is to do.

use std::collections::HashSet;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use framegate_models::detector::EMBEDDED_MODEL;

use super::{BackendConfig, ConfigError, MAX_BATCH, MEGABYTE, fraction, within};
use crate::cli;
use crate::engine::EngineSettings;
use crate::front::FrontSettings;
use crate::front::admission::DropThresholds;
use crate::front::origin::{Origin, OriginPolicy};
use crate::front::sessions::SessionLimit;
use crate::stages::Thresholds;

/// Largest frame that can be allowed.
const MAX_FRAME_MEGABYTES: f64 = 1024.0;
/// More sessions than one machine can have open.
const MAX_SESSIONS: usize = 65_535;
/// Longest drain and greatest age that can be asked for.
const LONGEST: Duration = Duration::from_secs(3600);

/// Everything `framegate serve` needs to know.
#[derive(Debug)]
pub struct ServeConfig {
    /// Where to listen; port 0 for any that is free.
    pub address: SocketAddr,
    /// What is served, the default first; none for the null backend's own.
    pub pipelines: Vec<PipelineConfig>,
    /// What computes.
    pub backend: BackendConfig,
    /// Which detections count.
    pub thresholds: Thresholds,
    /// How frames are run.
    pub engine: EngineSettings,
    /// How clients are treated.
    pub front: FrontSettings,
}

/// A detector and the name clients ask for it by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PipelineConfig {
    /// Its name, different from all others.
    pub id: String,
    /// The ONNX file, or [`EMBEDDED_MODEL`].
    pub model: PathBuf,
}

impl TryFrom<cli::ServeArgs> for ServeConfig {
    type Error = ConfigError;

    fn try_from(raw: cli::ServeArgs) -> Result<Self, ConfigError> {
        let backend: BackendConfig = raw.backend.try_into()?;
        let mut pipelines = pipelines(&raw.pipeline)?;
        if pipelines.is_empty() && backend.id.as_ref().is_none_or(|id| id.computes()) {
            let (id, model) = (EMBEDDED_MODEL.to_owned(), EMBEDDED_MODEL.into());
            pipelines.push(PipelineConfig { id, model });
        }
        let origin = |text: &String| {
            Origin::parse(text)
                .map_err(|error| ConfigError::new("--allow-origin", text, error.to_string()))
        };
        let origins = raw.allow_origin.iter().map(origin).collect::<Result<_, _>>()?;
        Ok(Self {
            address: SocketAddr::new(raw.host, raw.port),
            pipelines,
            backend,
            thresholds: raw.detections.try_into()?,
            engine: EngineSettings {
                decode: raw.decode.try_into()?,
                max_batch: within("--batch", raw.batch, MAX_BATCH)?,
                max_age: max_age(raw.max_frame_age_ms)?,
            },
            front: FrontSettings {
                max_frame_bytes: max_frame_bytes(raw.stream_max_frame_size_mb)?,
                thresholds: drop_thresholds(
                    raw.stream_drop_threshold,
                    raw.stream_slowdown_threshold,
                )?,
                sessions: SessionLimit {
                    recommended: within(
                        "STREAM_MAX_SESSIONS",
                        raw.stream_max_sessions,
                        MAX_SESSIONS,
                    )?,
                    enforced: raw.enforce_max_sessions,
                },
                origins: OriginPolicy::new(origins, raw.host.is_loopback()),
                drain: drain(raw.drain_seconds)?,
            },
        })
    }
}

/// Reads `NAME=FILE` and `FILE`.
fn pipelines(texts: &[String]) -> Result<Vec<PipelineConfig>, ConfigError> {
    let mut ids = HashSet::new();
    let mut pipelines = Vec::new();
    for text in texts {
        let wrong = |expected| ConfigError::new("--pipeline", text, expected);
        let (id, model) = match text.split_once('=') {
            Some((id, model)) => (id.trim().to_owned(), model),
            None => {
                let stem = Path::new(text).file_stem().unwrap_or_default();
                (stem.to_string_lossy().into_owned(), text.as_str())
            }
        };
        if id.is_empty() || model.is_empty() {
            return Err(wrong("expected NAME=MODEL.onnx"));
        }
        if !ids.insert(id.clone()) {
            return Err(wrong(
                "another pipeline has this name; give each its own, NAME=MODEL.onnx",
            ));
        }
        pipelines.push(PipelineConfig { id, model: model.into() });
    }
    Ok(pipelines)
}

fn drop_thresholds(drop: f64, slow_down: f64) -> Result<DropThresholds, ConfigError> {
    let drop = fraction("STREAM_DROP_THRESHOLD", drop)?;
    let slow_down = fraction("STREAM_SLOWDOWN_THRESHOLD", slow_down)?;
    if slow_down < drop {
        let expected = format!("expected at least STREAM_DROP_THRESHOLD, which is {drop}");
        return Err(ConfigError::new("STREAM_SLOWDOWN_THRESHOLD", slow_down, expected));
    }
    Ok(DropThresholds { drop, slow_down })
}

fn max_frame_bytes(megabytes: f64) -> Result<usize, ConfigError> {
    let bytes = (megabytes * MEGABYTE as f64) as usize;
    if megabytes <= MAX_FRAME_MEGABYTES && bytes > 0 {
        return Ok(bytes);
    }
    let expected = format!("expected a number above 0, at most {MAX_FRAME_MEGABYTES}");
    Err(ConfigError::new("STREAM_MAX_FRAME_SIZE_MB", megabytes, expected))
}

fn max_age(milliseconds: u64) -> Result<Duration, ConfigError> {
    let age = Duration::from_millis(milliseconds);
    if age > Duration::ZERO && age <= LONGEST {
        return Ok(age);
    }
    let expected = format!("expected a number from 1 to {}", LONGEST.as_millis());
    Err(ConfigError::new("--max-frame-age-ms", milliseconds, expected))
}

fn drain(seconds: f64) -> Result<Duration, ConfigError> {
    let expected = || format!("expected a number from 0 to {}", LONGEST.as_secs());
    Duration::try_from_secs_f64(seconds)
        .ok()
        .filter(|drain| *drain <= LONGEST)
        .ok_or_else(|| ConfigError::new("--drain-seconds", seconds, expected()))
}
