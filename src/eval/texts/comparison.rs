//! Whether what was read is what is labelled.
//!
//! Texts are compared character by character, except that some have several ways to be written:
//!
//! - The number of a product is the same as UPC-E (8 digits), UPC-A (12) and EAN-13 (13), which it is reported as.
//! - A GS1 message is the same with its application identifiers in parentheses, as it is printed, and with group
//!   separators (U+001D), as it is encoded.
//! - A label may have Unicode's symbols for control characters (U+2400 to U+2421) in their place.

use framegate_barcodes::{BarcodeFormat, Content, upc_e_written_out};

use crate::stages::Detection;

/// Whether a detection's text is what is labelled.
pub(super) fn is_same(found: &Detection, labelled: &str) -> bool {
    let Some(text) = found.text.as_deref() else { return false };
    let labelled = with_controls(labelled);
    if with_controls(text) == labelled {
        return true;
    }
    match (found.format, found.content) {
        (Some(BarcodeFormat::Ean13 | BarcodeFormat::UpcE), _) => {
            product(text) == product(&labelled)
        }
        (_, Some(Content::Gs1)) => message(text) == message(&labelled),
        _ => false,
    }
}

/// The text with the control characters that it has symbols for.
fn with_controls(text: &str) -> String {
    let control = |letter| match letter {
        '\u{2400}'..='\u{2420}' => char::from((u32::from(letter) - 0x2400) as u8),
        '\u{2421}' => '\u{7f}',
        other => other,
    };
    text.chars().map(control).collect()
}

/// The number of a product in 13 digits, if it is one.
fn product(number: &str) -> String {
    match number.len() {
        8 => upc_e_written_out(number).unwrap_or_else(|| number.to_owned()),
        12 => format!("0{number}"),
        _ => number.to_owned(),
    }
}

/// A GS1 message without what shows where its elements begin and end.
fn message(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some(letter) = rest.chars().next() {
        let identifier =
            rest.strip_prefix('(').and_then(|rest| rest.split_once(')')).filter(|(digits, _)| {
                (2..=4).contains(&digits.len())
                    && digits.bytes().all(|digit| digit.is_ascii_digit())
            });
        if let Some((digits, after)) = identifier {
            plain.push_str(digits);
            rest = after;
            continue;
        }
        if letter != '\u{1d}' {
            plain.push(letter);
        }
        rest = &rest[letter.len_utf8()..];
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, format: BarcodeFormat, content: Content) -> Detection {
        Detection {
            text: Some(text.to_owned()),
            format: Some(format),
            content: (content != Content::Text).then_some(content),
            ..Detection::of_box("code", 0, 0.5, [0.0, 0.0, 9.0, 9.0])
        }
    }

    #[test]
    fn a_text_is_the_same_to_the_last_character() {
        let found = read("Ab 1\r\n", BarcodeFormat::QrCode, Content::Text);
        for (label, expected) in [
            ("Ab 1\r\n", true),
            ("Ab 1␍␊", true),
            ("Ab␠1␍␊", true),
            ("Ab 1\n", false),
            ("Ab 1", false),
            ("ab 1\r\n", false),
            ("", false),
        ] {
            assert_eq!(is_same(&found, label), expected, "{label:?}");
        }
        let unread = Detection { text: None, ..found };
        assert!(!is_same(&unread, ""), "nothing was read");
    }

    #[test]
    fn a_product_has_one_number_however_short() {
        let found = read("0012345000065", BarcodeFormat::Ean13, Content::Text);
        let short = read("0012345000065", BarcodeFormat::UpcE, Content::Text);
        for (label, expected) in [
            ("0012345000065", true),
            ("012345000065", true),
            ("01234565", true),
            ("012345000064", false),
            ("12345000065", false),
        ] {
            assert_eq!(is_same(&found, label), expected, "{label}");
            assert_eq!(is_same(&short, label), expected, "{label}");
        }
        // The digits of any other code are a text like others.
        let other = read("0012345000065", BarcodeFormat::Code128, Content::Text);
        assert!(!is_same(&other, "012345000065"));
    }

    #[test]
    fn a_gs1_message_is_the_same_as_it_is_printed() {
        let encoded = "0109521234543213\u{1d}10AB(c)\u{1d}21 7";
        let printed = "(01)09521234543213(10)AB(c)(21) 7";
        let found = read(encoded, BarcodeFormat::DataMatrix, Content::Gs1);
        for (label, expected) in [
            (encoded, true),
            (printed, true),
            ("(01)09521234543213(10)AB(c)(21)7", false),
            ("(01)09521234543213(10)ABc(21) 7", false),
        ] {
            assert_eq!(is_same(&found, label), expected, "{label}");
        }
        let text = read(encoded, BarcodeFormat::DataMatrix, Content::Text);
        assert!(!is_same(&text, printed));
    }
}
