//! The frames of an MP4 file with H.264.

use std::io::{Read, Seek, SeekFrom};
use std::time::{Duration, Instant};

use super::container::VideoTrack;
use super::h264::H264Decoder;
use super::sample_table::Sample;
use super::sequence::{self, InOrder};
use crate::frame::{VideoFrame, VideoInfo};
use crate::image::{Rotation, YuvImage};
use crate::input::Readable;
use crate::limits::Limits;
use crate::{DecodeError, VideoError};

/// Reads and decodes one sample after another.
pub(crate) struct Mp4Frames {
    file: Box<dyn Readable>,
    samples: Vec<Sample>,
    places: Vec<Option<u32>>,
    next: usize,
    decoder: H264Decoder,
    length_bytes: usize,
    rotation: Rotation,
    timescale: u32,
    ready: InOrder<Decoded>,
    buffer: Vec<u8>,
}

/// A frame that waits until it is shown.
struct Decoded {
    time: Duration,
    decoding: Duration,
    image: Result<YuvImage, DecodeError>,
}

impl Mp4Frames {
    /// Prepares to decode a track of a file, whose configuration record is given.
    ///
    /// # Errors
    /// [`VideoError::Unsupported`] if the stream uses what the decoder does not know.
    pub(crate) fn open(
        file: Box<dyn Readable>,
        track: VideoTrack,
        record: &[u8],
        limits: &Limits,
    ) -> Result<(VideoInfo, Self), VideoError> {
        let mut decoder = H264Decoder::new(limits);
        let length_bytes = decoder.configure(record).map_err(|error| match error {
            DecodeError::Unsupported(what) => {
                VideoError::Unsupported { codec: format!("H.264 with {what}") }
            }
            DecodeError::OverLimit(detail) => VideoError::OverLimit(detail),
            error => VideoError::Damaged(error.to_string()),
        })?;
        let VideoTrack { mut info, rotation, timescale, samples, codec: _ } = track;
        let places = sequence::places(&samples)?;
        describe(&mut info, &samples, timescale, limits)?;
        let frames = Self {
            file,
            samples,
            places,
            next: 0,
            decoder,
            length_bytes,
            rotation,
            timescale,
            ready: InOrder::new(),
            buffer: Vec::new(),
        };
        Ok((info, frames))
    }

    fn decode(&mut self, sample: Sample) -> Result<YuvImage, DecodeError> {
        let missing = || DecodeError::Damaged("its data is missing from the file".to_owned());
        self.buffer.clear();
        self.file.seek(SeekFrom::Start(sample.offset)).map_err(|_| missing())?;
        let mut bytes = (&mut self.file).take(u64::from(sample.bytes));
        let read = bytes.read_to_end(&mut self.buffer).map_err(|_| missing())?;
        if read < sample.bytes as usize {
            return Err(missing());
        }
        let mut image = self.decoder.decode_sample(&self.buffer, self.length_bytes)?;
        image.rotation = self.rotation;
        Ok(image)
    }

    fn time(&self, sample: &Sample) -> Duration {
        ticks(u64::try_from(sample.time).unwrap_or(0), self.timescale)
    }
}

impl Iterator for Mp4Frames {
    type Item = VideoFrame;

    fn next(&mut self) -> Option<VideoFrame> {
        loop {
            if let Some((index, Decoded { time, decoding, image })) = self.ready.take() {
                return Some(VideoFrame { index, time, decoding, image });
            }
            let sample = *self.samples.get(self.next)?;
            let place = self.places[self.next];
            self.next += 1;
            let start = Instant::now();
            let image = self.decode(sample);
            let decoding = start.elapsed();
            if let Some(place) = place {
                let time = self.time(&sample);
                self.ready.put(place.into(), Decoded { time, decoding, image });
            }
        }
    }
}

fn ticks(ticks: u64, timescale: u32) -> Duration {
    let scale = u128::from(timescale.max(1));
    let nanos = u128::from(ticks) * 1_000_000_000 / scale;
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}

/// Adds what the samples say: how many frames there are, and how long they play.
fn describe(
    info: &mut VideoInfo,
    samples: &[Sample],
    timescale: u32,
    limits: &Limits,
) -> Result<(), VideoError> {
    let shown = samples.iter().filter(|sample| sample.is_shown);
    let (frames, length) = shown.fold((0u64, 0u64), |(frames, length), sample| {
        (frames + 1, length + u64::from(sample.duration))
    });
    let duration = ticks(length, timescale);
    if duration > limits.duration {
        let (seconds, limit) = (duration.as_secs(), limits.duration.as_secs());
        let detail = format!("the video plays {seconds} s, more than the limit of {limit} s");
        return Err(VideoError::OverLimit(detail));
    }
    info.frames = Some(frames);
    info.duration = Some(duration);
    info.fps = (!duration.is_zero()).then(|| frames as f64 / duration.as_secs_f64());
    Ok(())
}
