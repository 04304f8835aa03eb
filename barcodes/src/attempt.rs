//! Calls into the decoders, whose panics cost the attempt alone.

use std::panic::{AssertUnwindSafe, catch_unwind};

use rxing::common::Result;
use rxing::{RXingResult, RXingResultMetadataType, RXingResultMetadataValue};

use crate::barcode::{Barcode, BarcodeFormat, Content, upc_e_written_out};
use crate::{data_matrix, gs1};

/// A code, or `None` where the decoder finds none. Positions are as the decoder has them.
pub(crate) fn attempt(decode: impl FnOnce() -> Result<RXingResult>) -> Option<Barcode> {
    // Whatever a decoder has left half done is dropped with the attempt.
    let result = catch_unwind(AssertUnwindSafe(decode)).ok()?.ok()?;
    barcode(&result)
}

fn barcode(result: &RXingResult) -> Option<Barcode> {
    let format = format(*result.getBarcodeFormat())?;
    let (text, content) = text(result, format)?;
    if text.is_empty() {
        return None;
    }
    let text = match content {
        Content::Gs1 => gs1::printed(&text).unwrap_or(text),
        _ => text,
    };
    let corners = match *result.getPoints() {
        [a, b, c, d] => Some(clockwise([a, b, c, d].map(|point| [point.x, point.y]))),
        _ => None,
    };
    Some(Barcode { text, format, content, corners })
}

/// The points in their order around their centre, on a screen clockwise, from the first.
fn clockwise(points: [[f32; 2]; 4]) -> [[f32; 2]; 4] {
    let centre = [0, 1].map(|axis| points.iter().map(|point| point[axis]).sum::<f32>() / 4.0);
    let angle = |point: &[f32; 2]| (point[1] - centre[1]).atan2(point[0] - centre[0]);
    let first = angle(&points[0]);
    let turn = |point: &[f32; 2]| (angle(point) - first).rem_euclid(std::f32::consts::TAU);
    let mut sorted = points;
    sorted[1..].sort_by(|a, b| turn(a).total_cmp(&turn(b)));
    sorted
}

fn format(format: rxing::BarcodeFormat) -> Option<BarcodeFormat> {
    use rxing::BarcodeFormat as Rxing;
    Some(match format {
        Rxing::AZTEC => BarcodeFormat::Aztec,
        Rxing::CODABAR => BarcodeFormat::Codabar,
        Rxing::CODE_39 => BarcodeFormat::Code39,
        Rxing::CODE_93 => BarcodeFormat::Code93,
        Rxing::CODE_128 => BarcodeFormat::Code128,
        Rxing::DATA_MATRIX => BarcodeFormat::DataMatrix,
        Rxing::EAN_8 => BarcodeFormat::Ean8,
        Rxing::EAN_13 | Rxing::UPC_A => BarcodeFormat::Ean13,
        Rxing::ITF => BarcodeFormat::Itf,
        Rxing::MICRO_QR_CODE => BarcodeFormat::MicroQrCode,
        Rxing::PDF_417 => BarcodeFormat::Pdf417,
        Rxing::QR_CODE => BarcodeFormat::QrCode,
        Rxing::RECTANGULAR_MICRO_QR_CODE => BarcodeFormat::RectangularMicroQrCode,
        Rxing::RSS_14 => BarcodeFormat::Databar,
        Rxing::RSS_EXPANDED => BarcodeFormat::DatabarExpanded,
        Rxing::UPC_E => BarcodeFormat::UpcE,
        _ => return None,
    })
}

/// The text, and its nature. `None` where the bytes of the code are not a text in the character set that it names.
fn text(result: &RXingResult, format: BarcodeFormat) -> Option<(String, Content)> {
    let text = result.getText();
    Some(match (format, result.getBarcodeFormat()) {
        (_, rxing::BarcodeFormat::UPC_A) => (format!("0{text}"), Content::Text),
        (BarcodeFormat::UpcE, _) => {
            (upc_e_written_out(text).unwrap_or_else(|| text.to_owned()), Content::Text)
        }
        (BarcodeFormat::Codabar, _) => (letters(text), Content::Text),
        (BarcodeFormat::Databar, _) => (format!("(01){text}"), Content::Gs1),
        (BarcodeFormat::DatabarExpanded, _) => (text.to_owned(), Content::Gs1),
        // The decoder puts the identifier before the text if it is asked to keep separators.
        (BarcodeFormat::Code128, _) if is_gs1(result) => {
            (text.strip_prefix("]C1").unwrap_or(text).to_owned(), Content::Gs1)
        }
        // FNC1 before the first element (ISO/IEC 24778, 6) comes as the separator between elements.
        (BarcodeFormat::Aztec, _) if text.starts_with(gs1::SEPARATOR) => {
            (text[gs1::SEPARATOR.len_utf8()..].to_owned(), Content::Gs1)
        }
        (BarcodeFormat::DataMatrix, _) if !text.is_ascii() => {
            let text = data_matrix::text(result.getRawBytes())?;
            let content = nature(&text, is_gs1(result));
            (text, content)
        }
        _ => (text.to_owned(), nature(text, is_gs1(result))),
    })
}

fn nature(text: &str, is_gs1: bool) -> Content {
    match text {
        _ if is_gs1 => Content::Gs1,
        text if is_binary(text) => Content::Binary,
        _ => Content::Text,
    }
}

/// Whether it holds bytes that no text has. The decoder makes the character of its number of each byte then, as it knows no
/// other character set in which they are a text.
fn is_binary(text: &str) -> bool {
    /// Those of texts for people, and of messages for machines (ISO/IEC 15434 and GS1).
    const OF_TEXTS: [char; 7] = ['\t', '\n', '\r', '\u{4}', '\u{1c}', '\u{1d}', '\u{1e}'];
    let is_odd = |letter: char| letter.is_control() && !OF_TEXTS.contains(&letter);
    text.chars().all(|letter| u8::try_from(letter).is_ok()) && text.chars().any(is_odd)
}

/// Whether its symbology identifier (ISO/IEC 15424) says so.
fn is_gs1(result: &RXingResult) -> bool {
    let identifier = result.getRXingResultMetadata();
    let identifier = identifier.get(&RXingResultMetadataType::SYMBOLOGY_IDENTIFIER);
    let Some(RXingResultMetadataValue::SymbologyIdentifier(identifier)) = identifier else {
        return false;
    };
    matches!(identifier.as_str(), "]C1" | "]d2" | "]d5" | "]Q3" | "]Q4" | "]z1" | "]e0")
}

/// The characters of a Codabar. Asked for start and stop letters, the decoder yields the numbers of all characters.
fn letters(numbers: &str) -> String {
    const ALPHABET: [char; 20] = [
        '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', '-', '$', ':', '/', '.', '+', 'A', 'B',
        'C', 'D',
    ];
    numbers.chars().map(|number| *ALPHABET.get(number as usize).unwrap_or(&number)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_that_no_text_has_are_binary() {
        for text in ["\0\u{1}", "x\u{9c}Å\u{99}[", "PK\u{3}\u{7f}"] {
            assert!(is_binary(text), "{text:?}");
        }
        let message = "[)>\u{1e}06\u{1d}P123\u{1e}\u{4}";
        for text in ["Grüße\r\n\t1", message, "日本\u{1}", ""] {
            assert!(!is_binary(text), "{text:?}");
        }
    }
}
