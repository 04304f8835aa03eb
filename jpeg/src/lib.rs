//! Decodes JPEG (ITU-T T.81) at full, half, quarter and eighth scale.
//!
//! ```
//! use framegate_jpeg::{Decoder, Header, Options, Scale};
//!
//! # let mut jpeg = vec![];
//! # let encoder = jpeg_encoder::Encoder::new(&mut jpeg, 90);
//! # encoder.encode(&[100; 3 * 40 * 30], 40, 30, jpeg_encoder::ColorType::Rgb).unwrap();
//! let header = Header::read(&jpeg)?;
//! assert_eq!((header.width(), header.height()), (40, 30));
//!
//! // A decoder keeps its memory and tables from one JPEG to the next.
//! let mut decoder = Decoder::new();
//! let mut pixels = vec![];
//! let options = Options { scale: Scale::Quarter, ..Options::default() };
//! let decoded = decoder.decode(&header, &options, &mut pixels)?;
//! assert_eq!((decoded.width, decoded.height, pixels.len()), (10, 8, 3 * 10 * 8));
//! # Ok::<(), framegate_jpeg::Error>(())
//! ```
//!
//! A JPEG passes through the modules in this order:
//!
//! ```text
//! markers ─ headers ─▶ layout (planes) ─▶ limits checked, memory allocated
//! intervals ─ bits ─ huffman ─▶ scan ─▶ transform (kernels) ─▶ rows (planes) ─ colours (kernels) ─▶ pixels
//! ```

mod bits;
mod decoder;
mod error;
mod headers;
mod huffman;
mod intervals;
mod kernels;
mod level;
mod markers;
mod options;
mod planes;
mod scan;
mod zigzag;

pub use decoder::{Decoded, Decoder};
pub use error::{Coding, Error};
pub use headers::Header;
pub use level::Level;
#[cfg(target_arch = "x86_64")]
pub use level::{Avx2, Avx512};
pub use options::{Format, Limits, Options, Scale};
