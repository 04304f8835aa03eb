//! How long a call of the backend takes.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// The longest time that can be asked for: a longer call looks like a hang.
const MAX_MS: f64 = 60_000.0;

/// How long a call takes: `latency`, plus `per_frame` for each frame of the batch.
///
/// Read from `latency_ms=100,per_frame_ms=2.5`; either may be left out and is then 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NullOptions {
    /// Time per call, whatever the batch.
    pub latency: Duration,
    /// Additional time per frame of the batch.
    pub per_frame: Duration,
}

/// An option that [`NullOptions::from_str`] cannot use.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NullOptionsError {
    /// The key is unknown.
    #[error("unknown option `{0}`; use latency_ms=N or per_frame_ms=N")]
    Unknown(String),
    /// The value is not a number, or not in range.
    #[error("{0} must be a number from 0 to {MAX_MS}")]
    OutOfRange(&'static str),
}

impl NullOptions {
    /// Calls that take no time.
    pub const INSTANT: Self = Self { latency: Duration::ZERO, per_frame: Duration::ZERO };

    /// How long a call with a batch of `frames` takes.
    pub(crate) fn duration(&self, frames: usize) -> Duration {
        self.latency + self.per_frame * u32::try_from(frames).unwrap_or(u32::MAX)
    }
}

impl FromStr for NullOptions {
    type Err = NullOptionsError;

    fn from_str(text: &str) -> Result<Self, NullOptionsError> {
        let mut options = Self::INSTANT;
        for pair in text.split(',').filter(|pair| !pair.is_empty()) {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            let (key, field) = match key.trim() {
                "latency_ms" => ("latency_ms", &mut options.latency),
                "per_frame_ms" => ("per_frame_ms", &mut options.per_frame),
                _ => return Err(NullOptionsError::Unknown(key.to_owned())),
            };
            *field = milliseconds(value).ok_or(NullOptionsError::OutOfRange(key))?;
        }
        Ok(options)
    }
}

fn milliseconds(text: &str) -> Option<Duration> {
    let milliseconds: f64 = text.trim().parse().ok()?;
    (0.0..=MAX_MS).contains(&milliseconds).then(|| Duration::from_secs_f64(milliseconds / 1000.0))
}

impl fmt::Display for NullOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [latency, per_frame] =
            [self.latency, self.per_frame].map(|duration| duration.as_secs_f64() * 1000.0);
        write!(f, "{latency} ms per call and {per_frame} ms per frame")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_takes_its_latency_and_the_time_of_its_frames() {
        let options: NullOptions = "latency_ms=100,per_frame_ms=2.5".parse().expect("well formed");
        assert_eq!(options.duration(4), Duration::from_millis(110));
        assert_eq!(options.to_string(), "100 ms per call and 2.5 ms per frame");
        assert_eq!("".parse(), Ok(NullOptions::INSTANT));
    }

    #[test]
    fn errors_name_the_option() {
        let unknown = NullOptionsError::Unknown("latency".to_owned());
        let [latency, per_frame] = ["latency_ms", "per_frame_ms"].map(NullOptionsError::OutOfRange);
        for (text, expected) in [
            ("latency=1", &unknown),
            ("latency_ms", &latency),
            ("latency_ms=-1", &latency),
            ("latency_ms=NaN", &latency),
            ("per_frame_ms=1e9", &per_frame),
        ] {
            assert_eq!(text.parse::<NullOptions>().as_ref(), Err(expected), "{text}");
        }
        assert!(unknown.to_string().contains("latency_ms"), "{unknown}");
        assert!(per_frame.to_string().contains("per_frame_ms must be"), "{per_frame}");
    }
}
