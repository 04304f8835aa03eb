//! MP4 files with H.264, read and decoded in this process.

mod container;
mod h264;
mod mp4;
mod sample_table;
mod sequence;

use crate::input::Readable;
use crate::limits::Limits;
use crate::{VideoError, VideoFrame, VideoInfo};
use container::Codec;
use mp4::Mp4Frames;

pub use h264::{H264Decoder, annex_b_units, length_prefixed_units};

/// Opens an MP4 file.
///
/// # Errors
/// [`VideoError::Unsupported`] for what ffmpeg may be able to decode.
pub(crate) fn open(
    mut file: Box<dyn Readable>,
    limits: &Limits,
) -> Result<(VideoInfo, impl Iterator<Item = VideoFrame> + Send + use<>), VideoError> {
    let track = container::read(file.as_mut(), limits)?;
    let record = match &track.codec {
        Codec::H264(record) => record.clone(),
        Codec::Other(codec) => return Err(VideoError::Unsupported { codec: codec.clone() }),
    };
    Mp4Frames::open(file, track, &record, limits)
}
