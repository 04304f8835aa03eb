//! The options of `framegate serve`, checked.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use framegate_fetch::without_secrets;

use super::pipelines::{own, typed};
use super::{
    BackendConfig, ConfigError, LONGEST, MEGABYTE, decode_options, device_check, fraction, max_age,
    read_budget, within,
};
use crate::cli;
use crate::front::VideoSettings;
use crate::front::origin::Origin;
use crate::pipeline::{MAX_BATCH, PipelineOptions, ReadOptions};
use crate::server::{ServedPipeline, ServerOptions};
use crate::stages::{DecodeLimits, MAX_DETECTIONS};

/// Largest frame that can be allowed.
const MAX_FRAME_MEGABYTES: f64 = 1024.0;
/// More sessions than one machine can have open.
const MAX_SESSIONS: usize = 65_535;
/// Largest video that can be allowed: it is held in memory.
const MAX_VIDEO_MEGABYTES: usize = 16 * 1024;
/// Longest video that can be allowed: a day.
const MAX_VIDEO_SECONDS: usize = 86_400;
/// Most memory that can be allowed for videos, or for results.
const MAX_MEMORY_MEGABYTES: usize = 1024 * 1024;
/// More jobs than anybody can look through.
const MAX_JOBS: usize = 10_000;
/// Longest time that a job can be kept: a year.
const MAX_TTL_SECONDS: usize = 366 * 86_400;
/// Longest limit on the age or the pause of a session: a month.
const LONGEST_SESSION_SECONDS: f64 = 30.0 * 86_400.0;
/// More videos at once than one machine can decode.
const MAX_VIDEOS: usize = 64;

impl TryFrom<cli::ServeArgs> for ServerOptions {
    type Error = ConfigError;

    fn try_from(raw: cli::ServeArgs) -> Result<Self, ConfigError> {
        let BackendConfig { id: backend, options, threads } = raw.backend.try_into()?;
        let pipeline = PipelineOptions {
            backend: backend.clone(),
            backend_options: options,
            labels: None,
            input_size: None,
            thresholds: raw.detections.try_into()?,
            classes: raw.reported.classes,
            max_detections: within("--max-det", raw.reported.max_det, MAX_DETECTIONS)?,
            masks: raw.details.masks,
            text: !raw.details.no_text,
            read: ReadOptions::DEFAULT,
            tiles: None,
            decode: decode_options(raw.decode, DecodeLimits::LIVE)?,
            threads,
            max_batch: within("--batch", raw.batch, MAX_BATCH)?,
        };
        let mut pipelines = match raw.own_pipelines.is_empty() {
            true => typed(&raw.pipeline)?,
            false => own(raw.own_pipelines, &pipeline)?,
        };
        if pipelines.is_empty() && backend.as_ref().is_none_or(|id| id.computes()) {
            pipelines.push(ServedPipeline::built_in());
        }
        check_traces(&raw.traces)?;
        let origin = |text: &String| {
            Origin::parse(text)
                .map_err(|error| ConfigError::new("--allow-origin", text, error.to_string()))
        };
        let allowed_origins = raw.allow_origin.iter().map(origin).collect::<Result<_, _>>()?;
        let (drop_threshold, slow_down_threshold) =
            drop_thresholds(raw.stream_drop_threshold, raw.stream_slowdown_threshold)?;
        Ok(Self {
            address: SocketAddr::new(host(&raw.host)?, raw.port),
            pipelines,
            pipeline,
            max_frame_bytes: max_frame_bytes(raw.stream_max_frame_size_mb)?,
            max_frame_age: max_age(raw.age.max_frame_age_ms)?,
            device_check: device_check(raw.self_check),
            read_budget: read_budget(raw.age.read_ms)?,
            drop_threshold,
            slow_down_threshold,
            recommended_sessions: within(
                "STREAM_MAX_SESSIONS",
                raw.stream_max_sessions,
                MAX_SESSIONS,
            )?,
            enforce_sessions: raw.enforce_max_sessions,
            max_connections: within("--max-connections", raw.max_connections, MAX_SESSIONS)?,
            max_connections_per_address: within(
                "--max-connections-per-address",
                raw.max_connections_per_address,
                MAX_SESSIONS,
            )?,
            video: video(&raw.video)?,
            jobs_folder: raw.jobs_dir,
            allowed_origins,
            drain: drain(raw.drain_seconds)?,
            max_session_age: raw
                .max_session_age
                .map(|age| session_seconds("--max-session-age", age))
                .transpose()?,
            session_idle: session_seconds("--session-idle-seconds", raw.session_idle_seconds)?,
            deepstack: raw.compat == Some(cli::Compat::Deepstack),
            settings: raw.settings,
        })
    }
}

/// Whether spans can be sent as asked for.
fn check_traces(raw: &cli::TraceArgs) -> Result<(), ConfigError> {
    fraction("--otlp-share", raw.otlp_share)?;
    let Some(collector) = &raw.otlp else { return Ok(()) };
    framegate_traces::check(collector)
        .map_err(|error| ConfigError::new("--otlp", without_secrets(collector), error.to_string()))
}

/// Reads an address, with or without the brackets that an IPv6 address has in a URL.
fn host(text: &str) -> Result<IpAddr, ConfigError> {
    if text.eq_ignore_ascii_case("localhost") {
        return Ok(Ipv4Addr::LOCALHOST.into());
    }
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    let expected = "expected an IP address such as 0.0.0.0 or [::1], or localhost";
    bare.parse().map_err(|_| ConfigError::new("--host", text, expected))
}

fn drop_thresholds(drop: f64, slow_down: f64) -> Result<(f64, f64), ConfigError> {
    let drop = fraction("STREAM_DROP_THRESHOLD", drop)?;
    let slow_down = fraction("STREAM_SLOWDOWN_THRESHOLD", slow_down)?;
    if slow_down < drop {
        let expected = format!("expected at least STREAM_DROP_THRESHOLD, which is {drop}");
        return Err(ConfigError::new("STREAM_SLOWDOWN_THRESHOLD", slow_down, expected));
    }
    Ok((drop, slow_down))
}

fn max_frame_bytes(megabytes: f64) -> Result<usize, ConfigError> {
    let bytes = (megabytes * MEGABYTE as f64) as usize;
    if megabytes <= MAX_FRAME_MEGABYTES && bytes > 0 {
        return Ok(bytes);
    }
    let expected = format!("expected a number above 0, at most {MAX_FRAME_MEGABYTES}");
    Err(ConfigError::new("STREAM_MAX_FRAME_SIZE_MB", megabytes, expected))
}

fn video(raw: &cli::VideoArgs) -> Result<VideoSettings, ConfigError> {
    let size = within("VIDEO_MAX_SIZE_MB", raw.video_max_size_mb, MAX_VIDEO_MEGABYTES)?;
    let seconds = within("VIDEO_MAX_SECONDS", raw.video_max_seconds, MAX_VIDEO_SECONDS)?;
    let memory = raw.video_max_memory_mb.unwrap_or(2 * size);
    let memory = within("VIDEO_MAX_MEMORY_MB", memory, MAX_MEMORY_MEGABYTES)?;
    if memory < size {
        let expected = format!("expected at least VIDEO_MAX_SIZE_MB, which is {size}");
        return Err(ConfigError::new("VIDEO_MAX_MEMORY_MB", memory, expected));
    }
    let results = within("VIDEO_MAX_RESULTS_MB", raw.video_max_results_mb, MAX_MEMORY_MEGABYTES)?;
    let ttl = within("VIDEO_JOBS_TTL_S", raw.video_jobs_ttl_s, MAX_TTL_SECONDS)?;
    Ok(VideoSettings {
        max_bytes: size * MEGABYTE,
        max_duration: Duration::from_secs(seconds as u64),
        max_concurrent: within("VIDEO_MAX_CONCURRENT", raw.video_max_concurrent, MAX_VIDEOS)?,
        max_kept_bytes: memory * MEGABYTE,
        max_jobs: within("VIDEO_MAX_JOBS", raw.video_max_jobs, MAX_JOBS)?,
        max_result_bytes: results * MEGABYTE,
        jobs_ttl: Duration::from_secs(ttl as u64),
    })
}

fn drain(seconds: f64) -> Result<Duration, ConfigError> {
    let expected = || format!("expected a number from 0 to {}", LONGEST.as_secs());
    Duration::try_from_secs_f64(seconds)
        .ok()
        .filter(|drain| *drain <= LONGEST)
        .ok_or_else(|| ConfigError::new("--drain-seconds", seconds, expected()))
}

fn session_seconds(option: &'static str, seconds: f64) -> Result<Duration, ConfigError> {
    let least = 1.0;
    if (least..=LONGEST_SESSION_SECONDS).contains(&seconds) {
        return Ok(Duration::from_secs_f64(seconds));
    }
    let expected = format!("expected a number from {least} to {LONGEST_SESSION_SECONDS}");
    Err(ConfigError::new(option, seconds, expected))
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[test]
    fn the_host_is_an_address_or_localhost() {
        for (text, expected) in [
            ("127.0.0.1", "127.0.0.1"),
            ("localhost", "127.0.0.1"),
            ("::1", "::1"),
            ("[::1]", "::1"),
            ("[::]", "::"),
        ] {
            assert_eq!(host(text), Ok(expected.parse().unwrap()), "{text}");
        }
        for wrong in ["", "nowhere", "[::1", "127.0.0.1:8000", "[127.0.0.1]:1"] {
            assert!(host(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_program_and_the_library_have_the_same_defaults() {
        let cli = cli::Cli::try_parse_from(["framegate", "serve"]).unwrap();
        let cli::Command::Serve(raw) = cli.command else { panic!("{:?}", cli.command) };
        let mut options = ServerOptions::try_from(*raw).unwrap();
        // A machine may say by a variable where its ONNX Runtime is.
        options.pipeline.backend_options.ort_library = None;
        assert_eq!(format!("{options:?}"), format!("{:?}", ServerOptions::default()));
    }
}
