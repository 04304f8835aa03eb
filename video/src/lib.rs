//! Reads the frames of a video file, in the order in which they are shown, as YUV planes.
//!
//! MP4 files with H.264, in fragments or not, are read and decoded here, in Rust; everything else (HEVC, AV1, VP9,
//! Matroska, …) by an `ffmpeg` that is installed. Where there is none, the error says what the file holds
//! and what to do about it.
//!
//! ```no_run
//! use framegate_video::{Input, Limits, Video};
//!
//! let limits = Limits::standard();
//! let video = Video::open(Input::file("clip.mp4"), &limits)?;
//! println!("{:?}", video.info());
//! for frame in video {
//!     let frame = frame?;
//!     match frame.image {
//!         Ok(image) => println!("{} {:?}: {}x{}", frame.index, frame.time, image.width, image.height),
//!         Err(error) => println!("{} is damaged: {error}", frame.index),
//!     }
//! }
//! # Ok::<(), framegate_video::VideoError>(())
//! ```
//!
//! A damaged frame is an error of that frame; a file that cannot be read at all is a [`VideoError`]. Hostile
//! files cost an error: sizes, tables, frames and the time for each are bounded by [`Limits`], and a panic of
//! the decoder is caught.
//!
//! [`H264Decoder`] decodes single access units, as live streams (RTSP) deliver them. There is one with the Cargo
//! feature `native`, which is on by default; without it MP4 files are for ffmpeg too.

mod error;
mod ffmpeg;
mod frame;
mod image;
mod input;
mod limits;
#[cfg(feature = "native")]
mod native;
#[cfg(not(feature = "native"))]
#[path = "without_native.rs"]
mod native;
mod opened;
mod probe;
mod video;
mod y4m;

pub use error::{DecodeError, VideoError};
pub use frame::{VideoFrame, VideoInfo};
pub use image::{ColourMatrix, ColourRange, Orientation, YuvImage};
pub use input::Input;
pub use limits::Limits;
pub use native::H264Decoder;
#[cfg(feature = "native")]
pub use native::{annex_b_units, length_prefixed_units};
pub use video::Video;
