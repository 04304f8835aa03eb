//! When a box counts as having found an object.
//!
//! Labels made by a decoder are no outlines: of a barcode it may have read one line. So what is asked is
//! not overlap but the right class, at the right place, of about the right size.

use super::Label;
use crate::stages::Detection;

/// Least and greatest longer side of a box, as a multiple of the label's.
const SIZE: std::ops::RangeInclusive<f32> = 0.5..=2.0;

/// Whether a box finds an object: it has its class, contains its centre, and its longer side is 0.5 to
/// 2 times as long.
pub fn finds(found: &Detection, label: &Label) -> bool {
    let within =
        |start: f32, extent: f32, position: f32| (start..=start + extent).contains(&position);
    *found.label == *label.label
        && within(found.x, found.width, label.x + label.width / 2.0)
        && within(found.y, found.height, label.y + label.height / 2.0)
        && SIZE.contains(&(found.width.max(found.height) / label.width.max(label.height)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn detection(label: &str, x: f32, y: f32, width: f32, height: f32) -> Detection {
        Detection { label: label.into(), class_id: 0, score: 0.5, x, y, width, height }
    }

    #[test]
    fn class_place_and_size_must_be_right() {
        // Its centre is at 50, 55: a thin line, as of a barcode.
        let label =
            Label { label: "linear".to_owned(), x: 0.0, y: 50.0, width: 100.0, height: 10.0 };
        for (box_, expected) in [
            (detection("linear", 0.0, 0.0, 100.0, 80.0), true),
            (detection("qr_code", 0.0, 0.0, 100.0, 80.0), false),
            (detection("linear", 51.0, 0.0, 100.0, 80.0), false),
            (detection("linear", 0.0, 56.0, 100.0, 80.0), false),
            (detection("linear", 25.0, 50.0, 50.0, 10.0), true),
            (detection("linear", 25.0, 50.0, 49.0, 10.0), false),
            (detection("linear", 0.0, 0.0, 100.0, 200.0), true),
            (detection("linear", 0.0, 0.0, 100.0, 201.0), false),
        ] {
            assert_eq!(finds(&box_, &label), expected, "{box_:?}");
        }
    }
}
