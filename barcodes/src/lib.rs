//! Reads barcodes in grey images of one code each, as a detector finds and cuts them out.
//!
//! ```text
//! GreyImage ─┬─ matrix codes: sizes × thresholds ─ rxing ─────────────────┬─▶ Barcode
//!            └─ linear codes: scan lines across the bars ─ rxing ─ vote ──┘
//! ```
//!
//! A wrong text is worse than none. Matrix codes carry error correction; of linear codes, whose check digits are
//! weak or absent, several scan lines must agree.

//!
//! Without the feature `decoders` nothing is read: see [`CAN_READ`].

#[cfg(feature = "decoders")]
mod attempt;
mod barcode;
mod budget;
#[cfg(feature = "decoders")]
mod data_matrix;
mod grey;
#[cfg(feature = "decoders")]
mod gs1;
mod kind;
#[cfg(feature = "decoders")]
mod linear;
#[cfg(feature = "decoders")]
mod matrix;
mod reader;
#[cfg(feature = "decoders")]
mod rectify;
#[cfg(feature = "decoders")]
mod threshold;

pub use barcode::{Barcode, BarcodeFormat, Content, upc_e_written_out};
pub use budget::{Budget, Pace};
pub use grey::GreyImage;
pub use kind::Kind;
pub use reader::{CAN_READ, read};
