//! H.264 access units → images.

mod bits;
mod colour;
mod decoder;
mod slice_header;
mod units;

pub use decoder::H264Decoder;
pub(crate) use units::holds_key_frame;
pub use units::{annex_b_units, length_prefixed_units};
