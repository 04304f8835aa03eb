//! One code in one image, within a budget.

use crate::barcode::Barcode;
use crate::budget::Budget;
use crate::grey::GreyImage;
use crate::kind::Kind;
#[cfg(feature = "decoders")]
use crate::{linear, matrix};

/// Whether this build reads codes.
pub const CAN_READ: bool = cfg!(feature = "decoders");

/// Reads the code in an image that shows one and a margin around it. `None` if nothing can be read within the budget.
pub fn read(image: &GreyImage, kind: Kind, budget: Budget<'_>) -> Option<Barcode> {
    /// No code is smaller.
    const LEAST: usize = 8;
    if image.width < LEAST || image.height < LEAST || budget.is_spent() {
        return None;
    }
    decode(image, kind, budget)
}

#[cfg(feature = "decoders")]
fn decode(image: &GreyImage, kind: Kind, budget: Budget<'_>) -> Option<Barcode> {
    match kind {
        Kind::Linear => linear::read(image, budget),
        Kind::Aztec | Kind::DataMatrix | Kind::Pdf417 | Kind::QrCode => {
            matrix::read(image, kind, budget)
        }
    }
}

#[cfg(not(feature = "decoders"))]
fn decode(_: &GreyImage, _: Kind, _: Budget<'_>) -> Option<Barcode> {
    None
}
