//! The options of `framegate watch`, checked.

use std::collections::HashSet;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use super::{
    ConfigError, MEGABYTE, decode_options, device_check, max_age, pipeline_options, read_budget,
    within,
};
use crate::cli;
use crate::pipeline::{MAX_BATCH, PipelineOptions};
use crate::stages::DecodeLimits;
use crate::watch::{
    CameraAddress, CameraLimits, MqttAddress, RemoteTarget, SinkAddressError, SinkAddresses,
    WebhookAddress,
};

/// Largest frame that can be allowed.
const MAX_FRAME_MEGABYTES: usize = 1024;

/// `framegate watch`.
#[derive(Debug)]
pub(crate) struct WatchConfig {
    /// The ONNX file, or the name of the built-in model.
    pub model: PathBuf,
    /// How it is loaded.
    pub pipeline: PipelineOptions,
    /// At least one, each with its own name.
    pub cameras: Vec<CameraAddress>,
    /// Bounds of their frames.
    pub limits: CameraLimits,
    /// Age above which a frame is dropped.
    pub max_frame_age: Duration,
    /// How often the device is checked; `None` for never.
    pub device_check: Option<Duration>,
    /// Longest that the boxes of one frame are read.
    pub read_budget: Duration,
    /// The server that analyses the frames; `None` for this process.
    pub to: Option<RemoteTarget>,
    /// The sinks that learn of changes.
    pub sinks: SinkAddresses,
    /// Where to serve metrics.
    pub metrics: Option<SocketAddr>,
}

impl TryFrom<cli::WatchArgs> for WatchConfig {
    type Error = ConfigError;

    fn try_from(raw: cli::WatchArgs) -> Result<Self, ConfigError> {
        let cameras = cameras(&raw.sources)?;
        let target = |text: &String| {
            RemoteTarget::parse(text, raw.pipeline_id.as_deref())
                .map_err(|error| ConfigError::new("--to", text, error.to_string()))
        };
        let to = raw.to.as_ref().map(target).transpose()?;
        let max_batch = cameras.len().clamp(1, 4).min(MAX_BATCH);
        let pipeline =
            pipeline_options(raw.model_file, raw.backend, raw.detections, raw.decode, max_batch)?;
        let megabytes = within("--max-frame-size-mb", raw.max_frame_size_mb, MAX_FRAME_MEGABYTES)?;
        Ok(Self {
            model: raw.model.model,
            pipeline: PipelineOptions {
                masks: raw.details.masks,
                text: !raw.details.no_text,
                decode: decode_options(raw.decode, DecodeLimits::LIVE)?,
                ..pipeline
            },
            cameras,
            limits: CameraLimits {
                max_frame_bytes: megabytes * MEGABYTE,
                fps: fps(raw.fps)?,
                key_frames: raw.keyframes,
            },
            max_frame_age: max_age(raw.age.max_frame_age_ms)?,
            device_check: device_check(raw.self_check),
            read_budget: read_budget(raw.age.read_ms)?,
            to,
            sinks: sinks(raw.webhook.as_deref(), raw.mqtt.as_deref())?,
            metrics: raw.metrics,
        })
    }
}

fn cameras(texts: &[String]) -> Result<Vec<CameraAddress>, ConfigError> {
    let mut names = HashSet::new();
    let mut cameras = Vec::new();
    for (number, text) in (1..).zip(texts) {
        let camera = CameraAddress::parse(text);
        // What cannot be read may hold a password in any place: its number says which it is.
        let wrong = |expected: String| ConfigError::new("SOURCE", number, expected);
        let camera = camera.map_err(|error| wrong(error.to_string()))?;
        if !names.insert(camera.name().to_owned()) {
            return Err(wrong(format!(
                "two sources are called {}; give each its own name, NAME=SOURCE",
                camera.name()
            )));
        }
        cameras.push(camera);
    }
    Ok(cameras)
}

fn sinks(webhook: Option<&str>, mqtt: Option<&str>) -> Result<SinkAddresses, ConfigError> {
    // What cannot be read may hold a password in any place.
    let wrong = |option| {
        move |error: SinkAddressError| ConfigError::new(option, "ADDRESS", error.to_string())
    };
    Ok(SinkAddresses {
        webhook: webhook.map(WebhookAddress::parse).transpose().map_err(wrong("--webhook"))?,
        mqtt: mqtt.map(MqttAddress::parse).transpose().map_err(wrong("--mqtt"))?,
    })
}

fn fps(fps: Option<f64>) -> Result<Option<f64>, ConfigError> {
    match fps {
        Some(fps) if !(0.001..=1000.0).contains(&fps) => {
            Err(ConfigError::new("--fps", fps, "expected a number from 0.001 to 1000"))
        }
        fps => Ok(fps),
    }
}
