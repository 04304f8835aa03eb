//! How long a call takes.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// Longest time that can be asked for: a call that takes longer only looks like a hang.
const LONGEST_MS: f64 = 60_000.0;

/// How long a call takes: `latency` and, for each frame of the batch, `per_frame` more.
///
/// Read from `latency_ms=100,per_frame_ms=2.5`; what is left out is 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NullOptions {
    /// Time of a call, whatever the batch.
    pub latency: Duration,
    /// Time that each frame of the batch adds.
    pub per_frame: Duration,
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
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut options = Self::INSTANT;
        for pair in text.split(',').filter(|pair| !pair.is_empty()) {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            let field = match key.trim() {
                "latency_ms" => &mut options.latency,
                "per_frame_ms" => &mut options.per_frame,
                _ => {
                    return Err(format!(
                        "`{key}` is not known; use latency_ms=N or per_frame_ms=N"
                    ));
                }
            };
            *field = milliseconds(value)
                .ok_or_else(|| format!("{key} must be a number from 0 to {LONGEST_MS}"))?;
        }
        Ok(options)
    }
}

fn milliseconds(text: &str) -> Option<Duration> {
    let milliseconds: f64 = text.trim().parse().ok()?;
    (0.0..=LONGEST_MS)
        .contains(&milliseconds)
        .then(|| Duration::from_secs_f64(milliseconds / 1000.0))
}

impl fmt::Display for NullOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [latency, per_frame] =
            [self.latency, self.per_frame].map(|duration| duration.as_secs_f64() * 1000.0);
        write!(f, "{latency} ms a call and {per_frame} ms a frame")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_takes_its_latency_and_its_frames_time() {
        let options: NullOptions = "latency_ms=100,per_frame_ms=2.5".parse().expect("well formed");
        assert_eq!(options.duration(4), Duration::from_millis(110));
        assert_eq!(options.to_string(), "100 ms a call and 2.5 ms a frame");
        assert_eq!("".parse(), Ok(NullOptions::INSTANT));
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (text, word) in [
            ("latency=1", "latency_ms"),
            ("latency_ms", "from 0"),
            ("latency_ms=-1", "from 0"),
            ("latency_ms=NaN", "from 0"),
            ("per_frame_ms=1e9", "per_frame_ms"),
        ] {
            let error = text.parse::<NullOptions>().expect_err(text);
            assert!(error.contains(word), "{error}");
        }
    }
}
