//! The stages of a frame by name, and how long a frame spent in each.

use std::ops::{Index, IndexMut};
use std::time::{Duration, Instant};

use tracing::Span;

/// A stage of a frame's path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Stage {
    /// JPEG to pixels. Frames that arrive decoded skip it.
    Decode,
    /// Pixels to the size that the model asks for, and upright.
    Resize,
    /// Pixels to the values that the model asks for.
    Normalise,
    /// The model's run on the whole batch that the frame was part of.
    Inference,
    /// Raw outputs to detections.
    Postprocess,
    /// Codes to their texts, where there are any and they are read.
    Read,
}

impl Stage {
    /// Every stage, in the order in which a frame passes them.
    pub const ALL: [Self; 6] = [
        Self::Decode,
        Self::Resize,
        Self::Normalise,
        Self::Inference,
        Self::Postprocess,
        Self::Read,
    ];

    /// Name on the wire, in metrics and in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Decode => "decode",
            Self::Resize => "resize",
            Self::Normalise => "normalise",
            Self::Inference => "inference",
            Self::Postprocess => "postprocess",
            Self::Read => "read",
        }
    }

    /// A span of the current frame's span for this stage. Costs next to nothing unless the log's level is
    /// `debug`.
    pub fn span(self) -> Span {
        tracing::debug_span!("stage", name = self.name())
    }
}

/// Time that one frame spent in each stage.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct StageTimes([Duration; Stage::ALL.len()]);

impl StageTimes {
    /// No time in any stage.
    pub const ZERO: Self = Self([Duration::ZERO; Stage::ALL.len()]);

    /// The stages with their times, in the order in which a frame passes them.
    pub fn iter(&self) -> impl Iterator<Item = (Stage, Duration)> {
        Stage::ALL.into_iter().zip(self.0)
    }

    /// Time spent in all stages together.
    pub fn total(&self) -> Duration {
        self.0.iter().sum()
    }

    /// Runs `work` in the stage's span and adds the time it took.
    pub fn measure<T>(&mut self, stage: Stage, work: impl FnOnce() -> T) -> T {
        let span = stage.span().entered();
        let start = Instant::now();
        let result = work();
        self[stage] += start.elapsed();
        drop(span);
        result
    }
}

impl Index<Stage> for StageTimes {
    type Output = Duration;

    fn index(&self, stage: Stage) -> &Duration {
        &self.0[stage as usize]
    }
}

impl IndexMut<Stage> for StageTimes {
    fn index_mut(&mut self, stage: Stage) -> &mut Duration {
        &mut self.0[stage as usize]
    }
}

/// Adds up the times of each stage; a stage that is not among them took no time.
impl FromIterator<(Stage, Duration)> for StageTimes {
    fn from_iter<I: IntoIterator<Item = (Stage, Duration)>>(times: I) -> Self {
        times.into_iter().fold(Self::ZERO, |mut sum, (stage, time)| {
            sum[stage] += time;
            sum
        })
    }
}

/// Milliseconds, to the microsecond, as they are written in JSON: more digits would be noise.
pub fn milliseconds(duration: Duration) -> f64 {
    duration.as_micros() as f64 / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_stage_indexes_its_own_time() {
        for (index, stage) in Stage::ALL.into_iter().enumerate() {
            assert_eq!(stage as usize, index);
            let times = StageTimes::from_iter([(stage, Duration::from_millis(3))]);
            assert_eq!(times[stage], Duration::from_millis(3));
            assert_eq!(times.total(), Duration::from_millis(3));
            let timed: Vec<Stage> =
                times.iter().filter(|(_, time)| !time.is_zero()).map(|(stage, _)| stage).collect();
            assert_eq!(timed, [stage]);
        }
    }

    #[test]
    fn measuring_adds_to_its_stage_alone() {
        let mut times = StageTimes::ZERO;
        let pause = Duration::from_millis(2);
        assert_eq!(times.measure(Stage::Resize, || 7), 7);
        times.measure(Stage::Resize, || std::thread::sleep(pause));
        assert!(times[Stage::Resize] >= pause);
        assert_eq!(times.total(), times[Stage::Resize]);
    }
}
