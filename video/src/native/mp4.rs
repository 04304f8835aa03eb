//! The frames of an MP4 file with H.264.

use std::io::{Read, Seek, SeekFrom};
use std::time::{Duration, Instant};

use super::container::{VideoTrack, ticks};
use super::h264::{H264Decoder, holds_key_frame, length_prefixed_heads, length_prefixed_units};
use super::sample_table::Sample;
use super::sequence::{self, InOrder};
use crate::frame::{VideoFrame, VideoInfo};
use crate::image::{Orientation, YuvImage};
use crate::input::Readable;
use crate::limits::Limits;
use crate::opened::Opened;
use crate::{DecodeError, VideoError};

/// Reads and decodes one sample after another.
pub(crate) struct Mp4Frames {
    file: Box<dyn Readable>,
    samples: Vec<Sample>,
    places: Vec<Option<u32>>,
    next: usize,
    decoder: H264Decoder,
    length_bytes: usize,
    orientation: Orientation,
    timescale: u32,
    /// Without an image where a frame is left out.
    ready: InOrder<Option<Decoded>>,
    buffer: Vec<u8>,
    wants_all: Box<dyn FnMut(Duration) -> bool + Send>,
    /// The first sample since the last key frame that was left out.
    left_out: Option<usize>,
}

/// Most frames that were left out and are decoded late, for those that refer to them.
const MOST_CAUGHT_UP: usize = 64;

/// A frame that waits until it is shown.
struct Decoded {
    time: Duration,
    decoding: Duration,
    image: Result<YuvImage, DecodeError>,
}

impl Mp4Frames {
    /// Prepares to decode a track of a file, whose configuration record is given.
    ///
    /// If the stream uses what the decoder does not know, it is for ffmpeg.
    pub(super) fn open(
        file: Box<dyn Readable>,
        track: VideoTrack,
        record: &[u8],
        limits: &Limits,
    ) -> Result<Opened<Self>, VideoError> {
        let mut decoder = H264Decoder::new(limits);
        let VideoTrack { info, orientation, timescale, samples, codec: _ } = track;
        let foreign = |info: VideoInfo, what: &str| {
            Ok(Opened::Foreign(VideoInfo { codec: format!("H.264 with {what}"), ..info }))
        };
        let length_bytes = match decoder.configure(record) {
            Ok(length_bytes) => length_bytes,
            Err(DecodeError::Unsupported(what)) => return foreign(info, &what),
            Err(DecodeError::OverLimit(detail)) => return Err(VideoError::OverLimit(detail)),
            Err(error) => return Err(VideoError::Damaged(error.to_string())),
        };
        let places = sequence::places(&samples)?;
        let mut frames = Self {
            file,
            samples,
            places,
            next: 0,
            decoder,
            length_bytes,
            orientation,
            timescale,
            ready: InOrder::new(),
            buffer: Vec::new(),
            wants_all: Box::new(|_| true),
            left_out: None,
        };
        if frames.holds_fields() {
            // Each may be a sample of its own, so that frames cannot be counted.
            let info = VideoInfo { frames: None, fps: None, ..info };
            return foreign(info, "frames that are coded as two fields");
        }
        Ok(Opened::Native(info, Box::new(frames)))
    }

    /// Whether a frame is coded as two fields, of which the decoder knows nothing. Only streams that may hold any are
    /// searched.
    fn holds_fields(&mut self) -> bool {
        /// More than comes before the first slice of a frame.
        const HEAD_BYTES: u64 = 4096;
        if !self.decoder.may_hold_fields() {
            return false;
        }
        (0..self.samples.len()).any(|number| {
            let Sample { offset, bytes, .. } = self.samples[number];
            self.buffer.clear();
            let found = self.file.seek(SeekFrom::Start(offset));
            let mut head = (&mut self.file).take(HEAD_BYTES.min(bytes.into()));
            let read = found.and_then(|_| head.read_to_end(&mut self.buffer));
            let mut units = length_prefixed_heads(&self.buffer, self.length_bytes);
            read.is_ok() && units.any(|unit| self.decoder.is_field(unit))
        })
    }

    /// Decodes key frames alone whenever `wants_all` is false, which is asked with the time of each other frame. Once
    /// it is true, what was left out since the last key frame is decoded first, or everything up to the next is left
    /// out if that is much.
    pub(crate) fn key_frames_unless(
        &mut self,
        wants_all: impl FnMut(Duration) -> bool + Send + 'static,
    ) {
        self.wants_all = Box::new(wants_all);
    }

    /// Reads a sample into the buffer, and decodes it if it is wanted.
    fn decode_wanted(&mut self, number: usize) -> Option<Result<YuvImage, DecodeError>> {
        let time = self.time(number);
        let read = self.read(number);
        if read.is_err() || holds_key_frame(self.units()) {
            self.left_out = None;
        } else if !(self.wants_all)(time) {
            self.left_out.get_or_insert(number);
            return None;
        } else if let Some(first) = self.left_out {
            if number - first > MOST_CAUGHT_UP {
                return None;
            }
            self.left_out = None;
            for earlier in first..number {
                // What fails here fails the frames that refer to it.
                let _ = self.read(earlier).and_then(|()| self.decode());
            }
            return Some(self.read(number).and_then(|()| self.decode()));
        }
        Some(read.and_then(|()| self.decode()))
    }

    fn read(&mut self, number: usize) -> Result<(), DecodeError> {
        let missing = || DecodeError::Damaged("its data is missing from the file".to_owned());
        let sample = self.samples[number];
        self.buffer.clear();
        self.file.seek(SeekFrom::Start(sample.offset)).map_err(|_| missing())?;
        let mut bytes = (&mut self.file).take(u64::from(sample.bytes));
        let read = bytes.read_to_end(&mut self.buffer).map_err(|_| missing())?;
        if read < sample.bytes as usize { Err(missing()) } else { Ok(()) }
    }

    fn units(&self) -> impl Iterator<Item = &[u8]> {
        length_prefixed_units(&self.buffer, self.length_bytes).map_while(Result::ok)
    }

    fn decode(&mut self) -> Result<YuvImage, DecodeError> {
        let mut image = self.decoder.decode_sample(&self.buffer, self.length_bytes)?;
        image.orientation = self.orientation;
        Ok(image)
    }

    fn time(&self, number: usize) -> Duration {
        ticks(u64::try_from(self.samples[number].time).unwrap_or(0), self.timescale)
    }
}

impl Iterator for Mp4Frames {
    type Item = VideoFrame;

    fn next(&mut self) -> Option<VideoFrame> {
        loop {
            match self.ready.take() {
                Some((index, Some(Decoded { time, decoding, image }))) => {
                    return Some(VideoFrame { index, time, decoding, image });
                }
                Some((_, None)) => continue,
                None => {}
            }
            let number = self.next;
            let place = *self.places.get(number)?;
            self.next += 1;
            let start = Instant::now();
            let image = self.decode_wanted(number);
            let decoding = start.elapsed();
            if let Some(place) = place {
                let time = self.time(number);
                let decoded = image.map(|image| Decoded { time, decoding, image });
                self.ready.put(place.into(), decoded);
            }
        }
    }
}
