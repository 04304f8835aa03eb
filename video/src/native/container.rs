//! Finds the video track of an MP4 file: the one user of `mp4parse`.

use std::cmp::Reverse;
use std::io::{Read, SeekFrom};
use std::time::Duration;

use mp4parse::{CodecType, SampleEntry, TimeOffsetVersion, Track, TrackType, VideoCodecSpecific};

use super::boxes;
use super::edits::{Edits, TimeScales};
use super::fragments::{self, Fragments};
use super::sample_table::{self, Sample, Tables};
use crate::image::Orientation;
use crate::input::Readable;
use crate::limits::Limits;
use crate::{VideoError, VideoInfo};

/// The video track of a file.
#[derive(Debug)]
pub(crate) struct VideoTrack {
    pub(crate) info: VideoInfo,
    pub(crate) orientation: Orientation,
    /// Units of time in a second.
    pub(crate) timescale: u32,
    pub(crate) samples: Vec<Sample>,
    pub(crate) codec: Codec,
}

/// The codec of a track.
#[derive(Debug)]
pub(crate) enum Codec {
    /// H.264, with its decoder configuration record (ISO/IEC 14496-15, 5.3.3.1).
    H264(Vec<u8>),
    /// Something that is not decoded here.
    Other(String),
}

/// Reads the tables of a file.
pub(crate) fn read(file: &mut dyn Readable, limits: &Limits) -> Result<VideoTrack, VideoError> {
    let Boxes { movie, fragments } = describing(file, limits)?;
    let damaged = |error: mp4parse::Error| {
        VideoError::Damaged(format!("its description makes no sense ({error:?})"))
    };
    let movie = without_other_tracks(&movie).unwrap_or(movie);
    let media = mp4parse::read_mp4(&mut movie.as_slice()).map_err(damaged)?;
    let name = |fallback: &str| codec_name(&movie).unwrap_or_else(|| fallback.to_owned());
    let tracks = media.tracks.iter().filter(|track| track.track_type == TrackType::Video);
    // The longest; in a file of fragments alone, the first.
    let track = tracks.min_by_key(|track| Reverse(chunks(track))).ok_or(VideoError::NoVideo)?;
    let mut codec = codec(track, &name);
    let edits = Edits::of(&movie, track.track_id.unwrap_or(0))?;
    if edits.are_several && matches!(codec, Codec::H264(_)) {
        codec = Codec::Other("H.264 in a file with several edits".to_owned());
    }
    let samples = samples(track, file, &movie, &fragments, limits);
    let mut samples = match (&codec, samples) {
        (Codec::H264(_), samples) => {
            let samples = samples?;
            let length = file.seek(SeekFrom::End(0))?;
            sample_table::check(&samples, length, limits)?;
            samples
        }
        (Codec::Other(_), Ok(samples)) if !edits.are_several => samples,
        (Codec::Other(_), Err(error @ VideoError::OverLimit(_))) => return Err(error),
        // ffmpeg may know better what is in there.
        (Codec::Other(_), _) => Vec::new(),
    };
    let track_scale = track.timescale.map_or(0, |scale| scale.0);
    let track_scale = u32::try_from(track_scale).ok().filter(|&scale| scale > 0);
    let track_scale = track_scale.ok_or_else(|| VideoError::Damaged("no time scale".to_owned()))?;
    let scales =
        TimeScales { track: track_scale, movie: media.timescale.map_or(0, |scale| scale.0) };
    // The list of a file in fragments is about its beginning.
    edits.apply(&mut samples, scales, !fragments.is_empty());
    describe(track, track_scale, codec, samples, limits)
}

/// A `moov` box without its tracks of sound and the like, whose descriptions the parser may refuse. `None` if it is
/// broken.
fn without_other_tracks(movie: &[u8]) -> Option<Vec<u8>> {
    /// Its size and its name.
    const HEAD: usize = 8;
    let (_, content) = boxes::boxes(movie).next()?;
    let all = || boxes::boxes(content);
    if all().map(|(_, inner)| HEAD + inner.len()).sum::<usize>() != content.len() {
        return None;
    }
    let kept = all().filter(|(name, inner)| name != b"trak" || may_be_video(inner));
    let mut shorter = vec![0; HEAD];
    for (name, inner) in kept {
        shorter.extend(u32::try_from(HEAD + inner.len()).ok()?.to_be_bytes());
        shorter.extend(name);
        shorter.extend(inner);
    }
    let size = u32::try_from(shorter.len()).ok()?;
    shorter[..4].copy_from_slice(&size.to_be_bytes());
    shorter[4..HEAD].copy_from_slice(b"moov");
    Some(shorter)
}

/// Whether the handler of a track (ISO/IEC 14496-12, 8.4.3) is that of videos, or is not there.
fn may_be_video(track: &[u8]) -> bool {
    let child = |parent, wanted| boxes::boxes(parent).find(|(name, _)| name == wanted);
    let media = child(track, b"mdia");
    let handler = media.and_then(|(_, media)| child(media, b"hdlr"));
    handler.is_none_or(|(_, handler)| handler.get(8..12) == Some(b"vide"))
}

fn chunks(track: &Track) -> usize {
    track.stco.as_ref().map_or(0, |stco| stco.offsets.len())
}

/// The samples of a track: those of its tables, then those of the fragments.
fn samples(
    track: &Track,
    file: &mut dyn Readable,
    movie: &[u8],
    places: &[(u64, u64)],
    limits: &Limits,
) -> Result<Vec<Sample>, VideoError> {
    let has_tables = places.is_empty() || chunks(track) > 0;
    let mut samples =
        if has_tables { sample_table::build(&tables(track)?, limits)? } else { Vec::new() };
    if !places.is_empty() {
        let number = track.track_id.unwrap_or(0);
        let defaults = fragments::defaults(movie, number)?;
        let mut fragments = Fragments::after(samples, number, defaults, limits);
        for &(offset, size) in places {
            fragments.append(&read_box(file, offset, size)?, offset)?;
        }
        samples = fragments.samples;
    }
    Ok(samples)
}

fn describe(
    track: &Track,
    timescale: u32,
    codec: Codec,
    samples: Vec<Sample>,
    limits: &Limits,
) -> Result<VideoTrack, VideoError> {
    let header = track.tkhd.as_ref().map(|header| header.matrix);
    let orientation =
        header.map_or(Orientation::Upright, |m| Orientation::from_matrix(m.a, m.b, m.c, m.d));
    let (width, height) = entry_size(track);
    let (width, height) = orientation.turn_size(width, height);
    let codec_name = match &codec {
        Codec::H264(_) => "h264".to_owned(),
        Codec::Other(name) => name.clone(),
    };
    let mut info = VideoInfo { width, height, ..VideoInfo::of_codec(codec_name) };
    // Of what is not decoded here, nothing at all may be known.
    if !samples.is_empty() || matches!(codec, Codec::H264(_)) {
        count(&mut info, &samples, timescale, limits)?;
    }
    Ok(VideoTrack { info, orientation, timescale, samples, codec })
}

/// Adds what the samples say: how many frames there are, and how long they play.
fn count(
    info: &mut VideoInfo,
    samples: &[Sample],
    timescale: u32,
    limits: &Limits,
) -> Result<(), VideoError> {
    let shown = samples.iter().filter(|sample| sample.is_shown);
    let frames = shown.clone().count() as u64;
    let length: u64 = shown.clone().map(|sample| u64::from(sample.duration)).sum();
    let begin = shown.clone().map(|sample| sample.time).min().unwrap_or(0);
    let end = shown.map(|sample| sample.time.saturating_add(sample.duration.into())).max();
    let shown_for = end.map_or(0, |end| u64::try_from(end.saturating_sub(begin)).unwrap_or(0));
    // Durations are from one frame to the next as they are coded: where those differ, their sum may be too small.
    let duration = ticks(length.max(shown_for), timescale);
    if duration > limits.duration {
        return Err(limits.plays_too_long(duration));
    }
    info.frames = Some(frames);
    info.duration = Some(duration);
    info.fps = (!duration.is_zero()).then(|| frames as f64 / duration.as_secs_f64());
    Ok(())
}

/// A time of a track with this many units in a second.
pub(super) fn ticks(ticks: u64, timescale: u32) -> Duration {
    let scale = u128::from(timescale.max(1));
    let nanos = u128::from(ticks) * 1_000_000_000 / scale;
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}

/// The boxes at the top of a file that describe its samples.
struct Boxes {
    /// The `moov` box alone, so that the parser need not read past the frames.
    movie: Vec<u8>,
    /// Place and size of each `moof` box.
    fragments: Vec<(u64, u64)>,
}

/// Finds the boxes that describe samples. All of them together are held to the limit.
fn describing(file: &mut dyn Readable, limits: &Limits) -> Result<Boxes, VideoError> {
    /// Files in fragments have two boxes for each.
    const MOST_BOXES: usize = 1_000_000;
    let length = file.seek(SeekFrom::End(0))?;
    let (mut at, mut described) = (0u64, 0u64);
    let (mut movie, mut fragments) = (None, Vec::new());
    for number in 0.. {
        if number == MOST_BOXES {
            return Err(VideoError::OverLimit("the file has too many fragments".to_owned()));
        }
        file.seek(SeekFrom::Start(at))?;
        let mut head = [0; 16];
        let read = read_up_to(file, &mut head)?;
        if read < 8 {
            break;
        }
        let declared = u64::from(u32::from_be_bytes([head[0], head[1], head[2], head[3]]));
        let size = match declared {
            // Up to the end of the file.
            0 => length - at,
            1 if read == 16 => {
                let mut wide = [0; 8];
                wide.copy_from_slice(&head[8..]);
                u64::from_be_bytes(wide)
            }
            size => size,
        };
        if size < 8 {
            break;
        }
        let name = &head[4..8];
        if name == b"moof" || name == b"moov" && movie.is_none() {
            described = described.saturating_add(size);
            if described > limits.header_bytes {
                let detail = format!("the file's tables ({described} bytes) are too large");
                return Err(VideoError::OverLimit(detail));
            }
            let size = size.min(length - at);
            if name == b"moof" {
                fragments.push((at, size));
            } else {
                movie = Some(read_box(file, at, size)?);
            }
        }
        match at.checked_add(size) {
            Some(next) if next < length => at = next,
            _ => break,
        }
    }
    let missing = || VideoError::Damaged("it has no moov box: was it cut off?".to_owned());
    Ok(Boxes { movie: movie.ok_or_else(missing)?, fragments })
}

fn read_box(file: &mut dyn Readable, offset: u64, size: u64) -> Result<Vec<u8>, VideoError> {
    file.seek(SeekFrom::Start(offset))?;
    let mut bytes = Vec::new();
    file.take(size).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn read_up_to(file: &mut dyn Readable, buffer: &mut [u8]) -> Result<usize, VideoError> {
    let mut filled = 0;
    while filled < buffer.len() {
        match file.read(&mut buffer[filled..])? {
            0 => break,
            read => filled += read,
        }
    }
    Ok(filled)
}

fn codec(track: &Track, name: &dyn Fn(&str) -> String) -> Codec {
    let descriptions = track.stsd.as_ref().map_or(&[][..], |stsd| &stsd.descriptions);
    match descriptions {
        [SampleEntry::Video(entry)] => match (&entry.codec_type, &entry.codec_specific) {
            (CodecType::H264, VideoCodecSpecific::AVCConfig(record)) => {
                Codec::H264(record.to_vec())
            }
            (CodecType::EncryptedVideo, _) => Codec::Other("encrypted video".to_owned()),
            (kind, _) => Codec::Other(name(&format!("{kind:?}"))),
        },
        [_] | [] => Codec::Other(name("an unknown codec")),
        _ => Codec::Other("a track in several formats".to_owned()),
    }
}

fn entry_size(track: &Track) -> (usize, usize) {
    let descriptions = track.stsd.as_ref().map_or(&[][..], |stsd| &stsd.descriptions);
    match descriptions.first() {
        Some(SampleEntry::Video(entry)) => (entry.width.into(), entry.height.into()),
        _ => (0, 0),
    }
}

/// The name of the first codec in the file's descriptions that is one of video.
fn codec_name(header: &[u8]) -> Option<String> {
    const VIDEO: [(&[u8; 4], &str); 11] = [
        (b"hvc1", "HEVC"),
        (b"hev1", "HEVC"),
        (b"dvh1", "HEVC with Dolby Vision"),
        (b"dvhe", "HEVC with Dolby Vision"),
        (b"av01", "AV1"),
        (b"vp09", "VP9"),
        (b"vp08", "VP8"),
        (b"mp4v", "MPEG-4 Part 2"),
        (b"s263", "H.263"),
        (b"jpeg", "Motion JPEG"),
        (b"apcn", "ProRes"),
    ];
    let tables = header.windows(20).filter(|window| window.starts_with(b"stsd"));
    // Version, flags and number of entries; the entry's size; its name.
    let names = tables.map(|table| &table[16..20]);
    let mut known = names.filter_map(|name| VIDEO.iter().find(|(code, _)| code.as_slice() == name));
    known.next().map(|(_, name)| (*name).to_owned())
}

/// Copies the sample tables out of the parser's types.
fn tables(track: &Track) -> Result<Tables<'_>, VideoError> {
    let missing = |name: &str| VideoError::Damaged(format!("it has no {name} box"));
    let stsc = track.stsc.as_ref().ok_or_else(|| missing("stsc"))?;
    let stco = track.stco.as_ref().ok_or_else(|| missing("stco"))?;
    let stsz = track.stsz.as_ref().ok_or_else(|| missing("stsz"))?;
    let stts = track.stts.as_ref().ok_or_else(|| missing("stts"))?;
    let offsets = track.ctts.as_ref().map_or(&[][..], |ctts| &ctts.samples);
    Ok(Tables {
        chunk_offsets: &stco.offsets,
        chunks: stsc.samples.iter().map(|run| (run.first_chunk, run.samples_per_chunk)).collect(),
        sample_size: stsz.sample_size,
        sample_sizes: &stsz.sample_sizes,
        durations: stts.samples.iter().map(|run| (run.sample_count, run.sample_delta)).collect(),
        composition_offsets: offsets
            .iter()
            .map(|run| {
                let offset = match run.time_offset {
                    // Version 0 is unsigned by the letter and signed in practice.
                    TimeOffsetVersion::Version0(offset) => i64::from(offset.cast_signed()),
                    TimeOffsetVersion::Version1(offset) => i64::from(offset),
                };
                (run.sample_count, offset)
            })
            .collect(),
    })
}
