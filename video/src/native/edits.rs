//! Reads which part of a track is shown, and when (`edts/elst`, ISO/IEC 14496-12, 8.6.6).

use super::boxes::{Fields, boxes};
use super::sample_table::Sample;
use crate::VideoError;

/// The edit list of a track.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Edits {
    /// How long nothing is shown first, in units of the movie's time scale.
    empty: u64,
    /// The first part that is shown.
    segment: Option<Segment>,
    /// Whether there are more, or one that is not shown at its own speed.
    pub(super) are_several: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Segment {
    /// Where it begins, in units of the track's time scale.
    start: i64,
    /// How long it is, in units of the movie's time scale; 0 is up to the end.
    length: u64,
}

/// Units of time in a second.
#[derive(Debug, Clone, Copy)]
pub(super) struct TimeScales {
    pub(super) track: u32,
    pub(super) movie: u64,
}

impl Edits {
    /// Those of a track in a `moov` box; without any all of it is shown.
    pub(super) fn of(movie: &[u8], track: u32) -> Result<Self, VideoError> {
        let tracks = boxes(movie).filter(|(name, _)| name == b"moov");
        let tracks = tracks.flat_map(|(_, moov)| boxes(moov)).filter(|(name, _)| name == b"trak");
        for (_, body) in tracks {
            if number(body) == Some(track) {
                let edits = boxes(body).filter(|(name, _)| name == b"edts");
                let list =
                    edits.flat_map(|(_, edts)| boxes(edts)).find(|(name, _)| name == b"elst");
                return list.map_or(Ok(Self::default()), |(_, list)| Self::read(list));
            }
        }
        Ok(Self::default())
    }

    fn read(list: &[u8]) -> Result<Self, VideoError> {
        let mut fields = Fields(list);
        let (version, _) = fields.version_and_flags()?;
        let count = fields.word()?;
        let mut edits = Self::default();
        for _ in 0..count {
            let (length, start) = if version == 1 {
                (fields.long()?, fields.long()?.cast_signed())
            } else {
                (fields.word()?.into(), fields.word()?.cast_signed().into())
            };
            let speed = fields.word()?;
            if start == -1 {
                // What comes after the last part is nothing in any case.
                if edits.segment.is_none() {
                    edits.empty = edits.empty.saturating_add(length);
                }
            } else {
                edits.are_several |= edits.segment.is_some() || speed != 1 << 16;
                edits.segment.get_or_insert(Segment { start: start.max(0), length });
            }
        }
        // Empty edits alone are ignored, as players do.
        Ok(if edits.segment.is_some() { edits } else { Self::default() })
    }

    /// Counts times from the beginning of the presentation, and hides what is not shown. What comes after the last
    /// frame that is shown is left out. `is_whole` means that the end of the part is the end of the track.
    pub(super) fn apply(&self, samples: &mut Vec<Sample>, scales: TimeScales, is_whole: bool) {
        let in_track = |time: u64| -> i64 {
            let movie = u128::from(scales.movie.max(1));
            let scaled = (u128::from(time) * u128::from(scales.track) + movie / 2) / movie;
            i64::try_from(scaled).unwrap_or(i64::MAX)
        };
        let (start, length) = self.segment.map_or((0, 0), |part| (part.start, part.length));
        let end =
            if length == 0 || is_whole { i64::MAX } else { start.saturating_add(in_track(length)) };
        let empty = in_track(self.empty);
        for sample in &mut *samples {
            sample.is_shown = start <= sample.time && sample.time < end;
            sample.time = sample.time.saturating_sub(start).saturating_add(empty);
        }
        let shown = samples.iter().rposition(|sample| sample.is_shown);
        samples.truncate(shown.map_or(0, |last| last + 1));
    }
}

/// The number of a track (`tkhd`).
fn number(track: &[u8]) -> Option<u32> {
    let (_, header) = boxes(track).find(|(name, _)| name == b"tkhd")?;
    let mut fields = Fields(header);
    let (version, _) = fields.version_and_flags().ok()?;
    // When it was made and changed.
    fields.skip(if version == 1 { 16 } else { 8 }).ok()?;
    fields.word().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(edits: &[[u32; 3]]) -> Edits {
        let words = [0, u32::try_from(edits.len()).unwrap()];
        let words = words.into_iter().chain(edits.iter().flatten().copied());
        Edits::read(&words.flat_map(u32::to_be_bytes).collect::<Vec<_>>()).unwrap()
    }

    /// Ten samples, 100 units each, of which this list shows those that come back with their times.
    fn shown(edits: Edits, is_whole: bool) -> (Vec<i64>, usize) {
        let sample = |time| Sample { offset: 0, bytes: 1, time, duration: 100, is_shown: true };
        let mut samples: Vec<Sample> = (0..10).map(|number| sample(100 * number)).collect();
        edits.apply(&mut samples, TimeScales { track: 1000, movie: 600 }, is_whole);
        let times = samples.iter().filter(|sample| sample.is_shown).map(|sample| sample.time);
        (times.collect(), samples.len())
    }

    const NORMAL: u32 = 1 << 16;
    const NOTHING: u32 = u32::MAX;

    #[test]
    fn a_part_has_a_beginning_and_an_end() {
        let edits = list(&[[180, 200, NORMAL]]);
        assert_eq!(shown(edits, false), (vec![0, 100, 200], 5));
        assert_eq!(shown(edits, true).0.len(), 8);
        assert_eq!(shown(list(&[[0, 200, NORMAL]]), false).0.len(), 8);
        assert_eq!(shown(Edits::default(), false).0.len(), 10);
        assert_eq!(shown(list(&[[60, 5000, NORMAL]]), false), (vec![], 0));
    }

    #[test]
    fn nothing_may_be_shown_before_and_after() {
        let edits = list(&[[60, NOTHING, NORMAL], [120, 0, NORMAL], [60, NOTHING, NORMAL]]);
        assert_eq!(shown(edits, false).0, [100, 200]);
        assert!(!edits.are_several);
        assert_eq!(list(&[[60, NOTHING, NORMAL]]), Edits::default());
    }

    #[test]
    fn several_parts_and_other_speeds_are_noticed() {
        assert!(list(&[[60, 0, NORMAL], [60, 500, NORMAL]]).are_several);
        assert!(list(&[[60, 0, NORMAL / 2]]).are_several);
    }
}
