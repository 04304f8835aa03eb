//! A code's text, and its kind.

use std::fmt;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A code that was read.
#[derive(Debug, Clone, PartialEq)]
pub struct Barcode {
    /// Its text. Of [`Content::Binary`], each byte is the character of that number (ISO 8859-1).
    ///
    /// Numbers of products (EAN-13, UPC-A, UPC-E) are written as 13 digits, whatever the code is short for. GS1 messages
    /// have their application identifiers in parentheses, as they are printed: `(01)09501101530003(10)AB12`. One that is
    /// not made of such elements is as encoded, `01095…`, where U+001D ends an element of variable length. Codabar has
    /// its start and stop letters.
    pub text: String,
    /// Its symbology.
    pub format: BarcodeFormat,
    /// The nature of the text.
    pub content: Content,
    /// Its corners as `[x, y]` in pixels of the image, clockwise, of a QR Code from its own top left one, where the
    /// decoder finds all four.
    pub corners: Option<[[f32; 2]; 4]>,
}

/// The symbology of a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum BarcodeFormat {
    /// Aztec Code.
    Aztec,
    /// Codabar.
    Codabar,
    /// Code 128, GS1-128 included.
    #[serde(rename = "code_128")]
    Code128,
    /// Code 39.
    #[serde(rename = "code_39")]
    Code39,
    /// Code 93.
    #[serde(rename = "code_93")]
    Code93,
    /// Data Matrix.
    DataMatrix,
    /// GS1 DataBar, stacked forms included.
    Databar,
    /// GS1 DataBar Expanded, stacked forms included.
    DatabarExpanded,
    /// EAN-13; UPC-A is the same with a leading zero.
    #[serde(rename = "ean_13")]
    Ean13,
    /// EAN-8.
    #[serde(rename = "ean_8")]
    Ean8,
    /// Interleaved 2 of 5.
    Itf,
    /// Micro QR Code.
    MicroQrCode,
    /// PDF417.
    Pdf417,
    /// QR Code.
    QrCode,
    /// Rectangular Micro QR Code (rMQR).
    RectangularMicroQrCode,
    /// UPC-E.
    UpcE,
}

/// Its name on the wire.
impl fmt::Display for BarcodeFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(f)
    }
}

/// The nature of a code's text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Content {
    /// Written for people.
    #[default]
    Text,
    /// Elements with application identifiers (GS1 General Specifications), written in parentheses.
    Gs1,
    /// Bytes, some of which no text has: control characters other than tabs, line breaks and separators.
    Binary,
}

/// Its name on the wire.
impl fmt::Display for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(f)
    }
}

/// The 13 digits that the 8 of UPC-E are short for (GS1 General Specifications, 5.2.2.4.2): number system, six digits of
/// which the last says where zeros were left out, check digit. `None` where there are not 8.
pub fn upc_e_written_out(upc_e: &str) -> Option<String> {
    if upc_e.len() != 8 || !upc_e.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let (system, rest) = upc_e.split_at_checked(1)?;
    let (digits, check) = rest.split_at_checked(6)?;
    let (maker, item) = match digits.chars().last()? {
        zeros @ '0'..='2' => (format!("{}{zeros}00", &digits[..2]), format!("00{}", &digits[2..5])),
        '3' => (format!("{}00", &digits[..3]), format!("000{}", &digits[3..5])),
        '4' => (format!("{}0", &digits[..4]), format!("0000{}", &digits[4..5])),
        item => (digits[..5].to_owned(), format!("0000{item}")),
    };
    Some(format!("0{system}{maker}{item}{check}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_format_is_called_what_it_is_on_the_wire() {
        assert_eq!(BarcodeFormat::Ean13.to_string(), "ean_13");
        assert_eq!(BarcodeFormat::QrCode.to_string(), "qr_code");
        assert_eq!(Content::Gs1.to_string(), "gs1");
    }

    #[test]
    fn short_product_numbers_are_written_out() {
        for (short, long) in [
            ("01234505", "0012000003455"),
            ("04963406", "0049000006346"),
            ("04124498", "0041244000098"),
            ("05096893", "0050968000093"),
            ("01234133", "0012300000413"),
            ("01234143", "0012340000013"),
        ] {
            assert_eq!(upc_e_written_out(short).as_deref(), Some(long));
        }
        for other in ["0123450", "012345050", "0123450x", ""] {
            assert_eq!(upc_e_written_out(other), None, "{other}");
        }
    }
}
