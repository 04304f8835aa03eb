//! Unfolds the fragments of a file (`moof` boxes, ISO/IEC 14496-12, 8.8) into one entry a sample.

use super::boxes::{Fields, boxes, cut_off};
use super::sample_table::Sample;
use crate::VideoError;
use crate::limits::Limits;

/// Values of samples for which a fragment states none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Defaults {
    duration: u32,
    bytes: u32,
}

/// The defaults of a track (`moov/mvex/trex`).
pub(super) fn defaults(movie: &[u8], track: u32) -> Result<Defaults, VideoError> {
    let found = boxes(movie).filter(|(name, _)| name == b"moov").flat_map(|(_, moov)| boxes(moov));
    let found = found.filter(|(name, _)| name == b"mvex").flat_map(|(_, mvex)| boxes(mvex));
    for (_, body) in found.filter(|(name, _)| name == b"trex") {
        let mut fields = Fields(body);
        fields.skip(4)?;
        if fields.word()? == track {
            fields.skip(4)?;
            return Ok(Defaults { duration: fields.word()?, bytes: fields.word()? });
        }
    }
    Ok(Defaults::default())
}

/// The samples of one track, fragment by fragment.
#[derive(Debug)]
pub(super) struct Fragments<'a> {
    track: u32,
    defaults: Defaults,
    limits: &'a Limits,
    /// When the next sample is decoded.
    time: i64,
    /// Samples of all tracks so far.
    passed: u64,
    pub(super) samples: Vec<Sample>,
}

impl<'a> Fragments<'a> {
    /// Fragments that follow these samples.
    pub(super) fn after(
        samples: Vec<Sample>,
        track: u32,
        defaults: Defaults,
        limits: &'a Limits,
    ) -> Self {
        let time = samples.iter().map(|sample| i64::from(sample.duration)).sum();
        Self { track, defaults, limits, time, passed: 0, samples }
    }

    /// Appends the samples of a `moof` box, given whole, that lies at `offset` in the file.
    pub(super) fn append(&mut self, moof: &[u8], offset: u64) -> Result<(), VideoError> {
        let fragments = boxes(moof).filter(|(name, _)| name == b"moof");
        // Where the data of a track begins that says nothing about it: behind that of the track before it.
        let mut base = offset;
        for (_, track) in
            fragments.flat_map(|(_, body)| boxes(body)).filter(|(name, _)| name == b"traf")
        {
            base = self.append_track(track, offset, base)?;
        }
        Ok(())
    }

    /// Returns where the data of its runs ends.
    fn append_track(&mut self, traf: &[u8], moof: u64, behind: u64) -> Result<u64, VideoError> {
        let header = boxes(traf).find(|(name, _)| name == b"tfhd");
        let (_, header) = header.ok_or_else(cut_off)?;
        let header = TrackHeader::read(header, self.defaults)?;
        let base = match header.base {
            Some(base) => base,
            None if header.is_relative_to_fragment => moof,
            None => behind,
        };
        // The data of other tracks must be known too: that of the next may follow it.
        let is_wanted = header.track == self.track;
        if is_wanted && let Some((_, body)) = boxes(traf).find(|(name, _)| name == b"tfdt") {
            self.time = decode_time(body)?;
        }
        let mut end = base;
        for (_, run) in boxes(traf).filter(|(name, _)| name == b"trun") {
            end = self.append_run(run, header.defaults, base, end, is_wanted)?;
        }
        Ok(end)
    }

    fn append_run(
        &mut self,
        run: &[u8],
        defaults: Defaults,
        base: u64,
        behind: u64,
        is_wanted: bool,
    ) -> Result<u64, VideoError> {
        let mut fields = Fields(run);
        let (_, flags) = fields.version_and_flags()?;
        let count = fields.word()?;
        self.passed = self.passed.saturating_add(count.into());
        // Sound has a few times as many samples as video.
        if self.passed > self.limits.frames.saturating_mul(4) {
            return Err(too_many(self.limits));
        }
        let mut offset = behind;
        if flags & 0x1 != 0 {
            let distance = fields.word()?.cast_signed();
            offset = base.checked_add_signed(distance.into()).ok_or_else(cut_off)?;
        }
        if flags & 0x4 != 0 {
            fields.skip(4)?;
        }
        for _ in 0..count {
            let duration = if flags & 0x100 != 0 { fields.word()? } else { defaults.duration };
            let bytes = if flags & 0x200 != 0 { fields.word()? } else { defaults.bytes };
            if flags & 0x400 != 0 {
                fields.skip(4)?;
            }
            // Version 0 is unsigned by the letter and signed in practice.
            let later = if flags & 0x800 != 0 { fields.word()?.cast_signed() } else { 0 };
            if is_wanted {
                if self.samples.len() as u64 >= self.limits.frames {
                    return Err(too_many(self.limits));
                }
                let time = self.time.saturating_add(later.into());
                self.samples.push(Sample { offset, bytes, time, duration, is_shown: true });
                self.time = self.time.saturating_add(duration.into());
            }
            offset = offset.checked_add(bytes.into()).ok_or_else(cut_off)?;
        }
        Ok(offset)
    }
}

/// A track's part of a fragment (`tfhd`).
struct TrackHeader {
    track: u32,
    base: Option<u64>,
    is_relative_to_fragment: bool,
    defaults: Defaults,
}

impl TrackHeader {
    fn read(body: &[u8], mut defaults: Defaults) -> Result<Self, VideoError> {
        let mut fields = Fields(body);
        let (_, flags) = fields.version_and_flags()?;
        let track = fields.word()?;
        let base = if flags & 0x1 != 0 { Some(fields.long()?) } else { None };
        if flags & 0x2 != 0 {
            fields.skip(4)?;
        }
        if flags & 0x8 != 0 {
            defaults.duration = fields.word()?;
        }
        if flags & 0x10 != 0 {
            defaults.bytes = fields.word()?;
        }
        Ok(Self { track, base, is_relative_to_fragment: flags & 0x2_0000 != 0, defaults })
    }
}

fn decode_time(tfdt: &[u8]) -> Result<i64, VideoError> {
    let mut fields = Fields(tfdt);
    let (version, _) = fields.version_and_flags()?;
    let time = if version == 1 { fields.long()? } else { fields.word()?.into() };
    i64::try_from(time).map_err(|_| VideoError::Damaged("a time is too large".to_owned()))
}

fn too_many(limits: &Limits) -> VideoError {
    VideoError::OverLimit(format!("the video has more than {} frames", limits.frames))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn boxed(name: &[u8; 4], body: &[u8]) -> Vec<u8> {
        let size = u32::try_from(body.len() + 8).unwrap();
        [&size.to_be_bytes()[..], name, body].concat()
    }

    fn words(words: &[u32]) -> Vec<u8> {
        words.iter().flat_map(|word| word.to_be_bytes()).collect()
    }

    fn moof(tracks: &[Vec<u8>]) -> Vec<u8> {
        boxed(b"moof", &[boxed(b"mfhd", &words(&[0, 1])), tracks.concat()].concat())
    }

    #[test]
    fn runs_follow_each_other_and_take_what_they_leave_open_from_the_track() {
        let trex = boxed(b"trex", &words(&[0, 7, 1, 40, 0, 0]));
        let movie = boxed(b"moov", &boxed(b"mvex", &trex));
        let defaults = defaults(&movie, 7).unwrap();
        assert_eq!(defaults, Defaults { duration: 40, bytes: 0 });
        let limits = Limits::standard();
        let mut fragments = Fragments::after(Vec::new(), 7, defaults, &limits);
        // Another track first, whose data begins where the fragment does; ours follows it.
        let other =
            [boxed(b"tfhd", &words(&[0x10, 8, 100])), boxed(b"trun", &words(&[0, 2]))].concat();
        let ours = [
            boxed(b"tfhd", &words(&[0, 7])),
            boxed(b"tfdt", &words(&[0, 1000])),
            // Sizes and composition offsets.
            boxed(b"trun", &words(&[0xA00, 2, 30, 80, 20, 0])),
            boxed(b"trun", &words(&[0x300, 1, 5, 10])),
        ]
        .concat();
        let moof = moof(&[boxed(b"traf", &other), boxed(b"traf", &ours)]);
        fragments.append(&moof, 5000).unwrap();
        let found: Vec<_> =
            fragments.samples.iter().map(|s| (s.offset, s.bytes, s.time, s.duration)).collect();
        let expected = [(5200, 30, 1080, 40), (5230, 20, 1040, 40), (5250, 10, 1080, 5)];
        assert_eq!(found, expected);
    }

    #[test]
    fn a_fragment_that_promises_billions_of_samples_is_refused() {
        let limits = Limits { frames: 1000, ..Limits::standard() };
        for count in [u32::MAX, 600] {
            let mut fragments = Fragments::after(Vec::new(), 1, Defaults::default(), &limits);
            let track =
                [boxed(b"tfhd", &words(&[0, 1])), boxed(b"trun", &words(&[0, count]))].concat();
            let moof = moof(&[boxed(b"traf", &track), boxed(b"traf", &track)]);
            assert!(matches!(fragments.append(&moof, 0), Err(VideoError::OverLimit(_))));
            assert!(fragments.samples.len() <= 1000);
        }
    }

    #[test]
    fn a_fragment_that_is_cut_off_is_damaged() {
        let track = [boxed(b"tfhd", &words(&[0, 1])), boxed(b"trun", &words(&[0x200, 2, 9]))];
        let moof = moof(&[boxed(b"traf", &track.concat())]);
        let limits = Limits::standard();
        let mut fragments = Fragments::after(Vec::new(), 1, Defaults::default(), &limits);
        assert!(matches!(fragments.append(&moof, 0), Err(VideoError::Damaged(_))));
    }
}
