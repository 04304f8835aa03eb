//! When a box counts as having found an object.
//!
//! Ground truth made by a barcode reader is not an outline: of a barcode it may give a single line. So the
//! test is not overlap but the same class, at the same place, of about the same size.

use super::LabelledObject;
use crate::stages::Detection;

/// Range of the longer side of a box, as a multiple of the object's.
const SIZE: std::ops::RangeInclusive<f32> = 0.5..=2.0;

/// Whether a box finds an object: it has the object's class, contains its centre, and its longer side is
/// 0.5 to 2 times as long as the object's.
pub fn finds(found: &Detection, object: &LabelledObject) -> bool {
    let within =
        |start: f32, extent: f32, position: f32| (start..=start + extent).contains(&position);
    *found.label == *object.label
        && within(found.x, found.width, object.x + object.width / 2.0)
        && within(found.y, found.height, object.y + object.height / 2.0)
        && SIZE.contains(&(found.width.max(found.height) / object.width.max(object.height)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn detection(label: &str, x: f32, y: f32, width: f32, height: f32) -> Detection {
        Detection::of_box(label, 0, 0.5, [x, y, width, height])
    }

    #[test]
    fn class_place_and_size_must_agree() {
        // A thin line, as across a barcode, with its centre at 50, 55.
        let object = LabelledObject {
            label: "linear".to_owned(),
            x: 0.0,
            y: 50.0,
            width: 100.0,
            height: 10.0,
        };
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
            assert_eq!(finds(&box_, &object), expected, "{box_:?}");
        }
    }
}
