//! MP4 files with H.264, read and decoded in this process.

mod boxes;
mod container;
mod edits;
mod fragments;
mod h264;
mod mp4;
mod sample_table;
mod sequence;

use crate::VideoError;
use crate::input::Readable;
use crate::limits::Limits;
use crate::opened::Opened;
use container::Codec;

pub(crate) use mp4::Mp4Frames as NativeFrames;

pub use h264::{H264Decoder, annex_b_units, length_prefixed_units};

/// Opens an MP4 file.
pub(crate) fn open(
    mut file: Box<dyn Readable>,
    limits: &Limits,
) -> Result<Opened<NativeFrames>, VideoError> {
    let track = container::read(file.as_mut(), limits)?;
    let record = match &track.codec {
        Codec::H264(record) => record.clone(),
        Codec::Other(_) => return Ok(Opened::Foreign(track.info)),
    };
    NativeFrames::open(file, track, &record, limits)
}
