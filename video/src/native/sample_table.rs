//! Unfolds the run-length tables of a track (ISO/IEC 14496-12, 8.6 and 8.7) into one entry a sample.

use crate::VideoError;
use crate::limits::Limits;

/// One encoded frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sample {
    /// Where it lies in the file.
    pub(crate) offset: u64,
    /// How long it is.
    pub(crate) bytes: u32,
    /// When it is shown, in units of the track's time scale.
    pub(crate) time: i64,
    /// How long until the next is decoded, in the same units.
    pub(crate) duration: u32,
    /// Whether it is shown at all: an edit list may begin later.
    pub(crate) is_shown: bool,
}

/// The tables of a track, each a list of runs.
#[derive(Debug, Default)]
pub(crate) struct Tables<'a> {
    pub(crate) chunk_offsets: &'a [u64],
    /// First chunk, from 1, and samples in each chunk from there on.
    pub(crate) chunks: Vec<(u32, u32)>,
    /// Of all samples; 0 if each has its own.
    pub(crate) sample_size: u32,
    pub(crate) sample_sizes: &'a [u32],
    /// Number of samples and duration of each.
    pub(crate) durations: Vec<(u32, u32)>,
    /// Number of samples and how much later than decoded they are shown.
    pub(crate) composition_offsets: Vec<(u32, i64)>,
}

/// Unfolds the tables.
pub(crate) fn build(tables: &Tables<'_>, limits: &Limits) -> Result<Vec<Sample>, VideoError> {
    let damaged = |detail: &str| VideoError::Damaged(detail.to_owned());
    let mut samples = Vec::new();
    let mut durations = Runs::new(&tables.durations);
    let mut offsets = Runs::new(&tables.composition_offsets);
    let mut decode_time = 0i64;
    let mut run = 0;
    for (chunk, &chunk_offset) in tables.chunk_offsets.iter().enumerate() {
        while tables.chunks.get(run + 1).is_some_and(|&(first, _)| first as usize <= chunk + 1) {
            run += 1;
        }
        let &(_, count) = tables.chunks.get(run).ok_or_else(|| damaged("it has no chunks"))?;
        let mut offset = chunk_offset;
        for _ in 0..count {
            if samples.len() as u64 >= limits.frames {
                let detail = format!("the video has more than {} frames", limits.frames);
                return Err(VideoError::OverLimit(detail));
            }
            let bytes = match tables.sample_size {
                0 => match tables.sample_sizes.get(samples.len()) {
                    Some(&bytes) => bytes,
                    None => return Ok(samples),
                },
                bytes => bytes,
            };
            let duration = durations.next_value().unwrap_or(0);
            let time = decode_time.saturating_add(offsets.next_value().unwrap_or(0));
            samples.push(Sample { offset, bytes, time, duration, is_shown: true });
            decode_time = decode_time.saturating_add(duration.into());
            offset = offset
                .checked_add(bytes.into())
                .ok_or_else(|| damaged("an offset is too large"))?;
        }
    }
    Ok(samples)
}

/// Refuses a file without a frame, with one that is too long, or without the data of most: what is cut off may be read
/// up to there, and what was never there costs nothing.
pub(crate) fn check(samples: &[Sample], length: u64, limits: &Limits) -> Result<(), VideoError> {
    if samples.is_empty() {
        return Err(VideoError::NoVideo);
    }
    let is_missing = |sample: &&Sample| sample.offset.saturating_add(sample.bytes.into()) > length;
    let missing = samples.iter().filter(is_missing).count();
    if missing > samples.len() / 2 {
        let all = samples.len();
        let detail =
            format!("the data of {missing} of its {all} frames is missing: was it cut off?");
        return Err(VideoError::Damaged(detail));
    }
    if let Some(largest) = samples.iter().map(|sample| sample.bytes as usize).max()
        && largest > limits.frame_bytes
    {
        let limit = limits.frame_bytes;
        let detail = format!("a frame ({largest} bytes) exceeds the limit ({limit} bytes)");
        return Err(VideoError::OverLimit(detail));
    }
    Ok(())
}

/// The values of a run-length table, one a sample.
struct Runs<'a, T> {
    runs: std::slice::Iter<'a, (u32, T)>,
    left: u32,
    value: Option<T>,
}

impl<'a, T: Copy> Runs<'a, T> {
    fn new(runs: &'a [(u32, T)]) -> Self {
        Self { runs: runs.iter(), left: 0, value: None }
    }

    fn next_value(&mut self) -> Option<T> {
        while self.left == 0 {
            let &(count, value) = self.runs.next()?;
            (self.left, self.value) = (count, Some(value));
        }
        self.left -= 1;
        self.value
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_unfold_in_order() {
        let tables = Tables {
            chunk_offsets: &[100, 200, 300],
            chunks: vec![(1, 2), (3, 1)],
            sample_sizes: &[10, 20, 30, 40, 50],
            durations: vec![(2, 5), (3, 7)],
            composition_offsets: vec![(1, 10), (4, -1)],
            ..Tables::default()
        };
        let samples = build(&tables, &Limits::standard()).unwrap();
        let found: Vec<_> =
            samples.iter().map(|s| (s.offset, s.bytes, s.time, s.duration)).collect();
        let expected = [
            (100, 10, 10, 5),
            (110, 20, 4, 5),
            (200, 30, 9, 7),
            (230, 40, 16, 7),
            (300, 50, 23, 7),
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn tables_that_promise_billions_are_refused() {
        let tables = Tables {
            chunk_offsets: &[0; 1000],
            chunks: vec![(1, u32::MAX)],
            sample_size: 1,
            ..Tables::default()
        };
        let limits = Limits { frames: 1000, ..Limits::standard() };
        assert!(matches!(build(&tables, &limits), Err(VideoError::OverLimit(_))));
    }

    #[test]
    fn a_table_of_frames_that_are_not_there_is_refused() {
        let sample = |offset| Sample { offset, bytes: 10, time: 0, duration: 1, is_shown: true };
        let samples: Vec<_> = (0..10).map(|number| sample(10 * number)).collect();
        let check = |length| check(&samples, length, &Limits::standard());
        assert!(check(100).is_ok() && check(50).is_ok());
        let Err(VideoError::Damaged(detail)) = check(49) else { panic!("it is accepted") };
        assert!(detail.contains("6 of its 10 frames"), "{detail}");
    }

    #[test]
    fn runs_of_nothing_end() {
        let tables = Tables {
            chunk_offsets: &[0],
            chunks: vec![(1, 1)],
            sample_size: 1,
            durations: vec![(0, 5); 1000],
            ..Tables::default()
        };
        assert_eq!(build(&tables, &Limits::standard()).unwrap()[0].duration, 0);
    }
}
