//! H.264 access units → images.

mod bits;
mod colour;
mod decoder;
mod slice_header;
mod units;

pub use decoder::H264Decoder;
pub use units::{annex_b_units, length_prefixed_units};
pub(crate) use units::{holds_key_frame, length_prefixed_heads};
