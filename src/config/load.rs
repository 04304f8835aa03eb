//! The options of `framegate load`, checked.

use std::path::PathBuf;
use std::time::Duration;

use super::{ConfigError, within};
use crate::cli;
use crate::client::Target;
use crate::load::frames::FrameSource;
use crate::load::report::TrialPlan;

/// More sessions than one machine can have open.
const MAX_SESSIONS: usize = 10_000;
/// One frame per millisecond, the resolution of the timers.
const MAX_FPS: f64 = 1000.0;
const MIN_FPS: f64 = 0.01;
/// Longest run.
const MAX_SECONDS: f64 = 86_400.0;
/// Greatest `--target-age-ms`.
const MAX_AGE_MS: f64 = 60_000.0;
/// Default warm-up of each trial of a search.
const WARM_UP_SECONDS: f64 = 2.0;

/// `framegate load`.
#[derive(Debug)]
pub(crate) struct LoadConfig {
    /// The server.
    pub target: Target,
    /// The frames to send.
    pub frames: FrameSource,
    /// Parameters of the trial; in a search, of every trial.
    pub plan: TrialPlan,
    /// Search for the capacity instead of running one trial.
    pub search: Option<SearchConfig>,
    /// Where to write the report as JSON, if anywhere.
    pub json: Option<PathBuf>,
    /// Where to write the report as a page, if anywhere.
    pub html: Option<PathBuf>,
}

/// A search for the largest number of sessions that fit.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SearchConfig {
    /// The p99 of the round trips must not exceed this.
    pub target_age: Duration,
    /// The most sessions to try, at least 1.
    pub upper_bound: usize,
}

impl TryFrom<cli::LoadArgs> for LoadConfig {
    type Error = ConfigError;

    fn try_from(raw: cli::LoadArgs) -> Result<Self, ConfigError> {
        let target = Target::parse(&raw.address, raw.pipeline_id.as_deref())
            .map_err(|error| ConfigError::new("ADDRESS", &raw.address, error.to_string()))?;
        let exclusive = |option, other: &str| {
            Err(ConfigError::new(option, format!("with {other}"), "give one of the two"))
        };
        let frames = match (raw.images, raw.video) {
            (None, None) => FrameSource::BuiltIn,
            (Some(directory), None) => FrameSource::Images(directory),
            (None, Some(file)) => FrameSource::Video(file),
            (Some(_), Some(_)) => return exclusive("--images", "--video"),
        };
        if raw.obey && raw.ignore {
            return exclusive("--obey", "--ignore");
        }
        if raw.find_capacity && raw.obey {
            let expected =
                "a search needs a steady load, so sessions must not slow down when advised to";
            return Err(ConfigError::new("--find-capacity", "with --obey", expected));
        }
        if raw.find_capacity && raw.reconnect {
            let expected = "a search needs to know which sessions a server refuses";
            return Err(ConfigError::new("--find-capacity", "with --reconnect", expected));
        }
        if raw.find_capacity && raw.sessions.is_some() {
            let expected =
                "the search chooses the number of sessions; bound it with --max-sessions";
            return Err(ConfigError::new("--find-capacity", "with --sessions", expected));
        }
        let default_warm_up = if raw.find_capacity { WARM_UP_SECONDS } else { 0.0 };
        let plan = TrialPlan {
            sessions: within("--sessions", raw.sessions.unwrap_or(1), MAX_SESSIONS)?,
            fps: between("--fps", raw.fps, MIN_FPS, MAX_FPS)?,
            duration: seconds("--seconds", raw.seconds, 0.1)?,
            warm_up: seconds(
                "--warm-up-seconds",
                raw.warm_up_seconds.unwrap_or(default_warm_up),
                0.0,
            )?,
            follow_advice: raw.obey,
            reconnect: raw.reconnect,
        };
        let target_age_ms = between("--target-age-ms", raw.target_age_ms, 1.0, MAX_AGE_MS)?;
        let search = SearchConfig {
            target_age: Duration::from_secs_f64(target_age_ms / 1000.0),
            upper_bound: within("--max-sessions", raw.max_sessions, MAX_SESSIONS)?,
        };
        let search = raw.find_capacity.then_some(search);
        Ok(Self { target, frames, plan, search, json: raw.json_file, html: raw.html })
    }
}

pub(super) fn seconds(
    option: &'static str,
    value: f64,
    least: f64,
) -> Result<Duration, ConfigError> {
    between(option, value, least, MAX_SECONDS).map(Duration::from_secs_f64)
}

fn between(option: &'static str, value: f64, least: f64, most: f64) -> Result<f64, ConfigError> {
    if (least..=most).contains(&value) {
        return Ok(value);
    }
    Err(ConfigError::new(option, value, format!("expected a number from {least} to {most}")))
}
