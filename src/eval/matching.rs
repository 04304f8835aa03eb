//! When a box counts as having found an object.
//!
//! Ground truth made by a barcode reader is not an outline: of a barcode it may give a single line. So the
//! test is not overlap but the same class, at the same place, of about the same size.

use super::{LabelledObject, ObjectKind};
use crate::stages::Detection;

/// Range of the longer side of a box, as a multiple of the object's.
const SIZE: std::ops::RangeInclusive<f64> = 0.5..=2.0;

/// Whether a box finds an object: it has the object's class, contains its centre, and its longer side is
/// 0.5 to 2 times as long as the object's.
pub fn finds(found: &Detection, object: &LabelledObject) -> bool {
    let [x, y, width, height] = place(found);
    *found.label == *object.label
        && within(x, width, object.x + object.width / 2.0)
        && within(y, height, object.y + object.height / 2.0)
        && SIZE.contains(&(width.max(height) / object.width.max(object.height)))
}

/// Whether a box that finds nothing that must be found is still not a mistake: it finds an object that need not be, or
/// its centre is in a region of several of its class.
pub(super) fn excused(found: &Detection, object: &LabelledObject) -> bool {
    match object.kind {
        ObjectKind::Single => false,
        ObjectKind::Difficult => finds(found, object),
        ObjectKind::Crowd => {
            let [x, y, width, height] = place(found);
            *found.label == *object.label
                && within(object.x, object.width, x + width / 2.0)
                && within(object.y, object.height, y + height / 2.0)
        }
    }
}

fn within(start: f64, extent: f64, position: f64) -> bool {
    (start..=start + extent).contains(&position)
}

fn place(found: &Detection) -> [f64; 4] {
    [found.x, found.y, found.width, found.height].map(f64::from)
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
        let object = LabelledObject::of_box("linear", [0.0, 50.0, 100.0, 10.0]);
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

    #[test]
    fn a_box_at_what_need_not_be_found_is_excused() {
        let of_kind =
            |kind| LabelledObject { kind, ..LabelledObject::of_box("dog", [0.0, 0.0, 90.0, 90.0]) };
        let (same, part) =
            (detection("dog", 1.0, 1.0, 90.0, 90.0), detection("dog", 5.0, 5.0, 9.0, 9.0));
        let (cat, apart) =
            (detection("cat", 1.0, 1.0, 90.0, 90.0), detection("dog", 88.0, 88.0, 9.0, 9.0));
        for (kind, expected) in [
            (ObjectKind::Single, [false, false, false, false]),
            (ObjectKind::Difficult, [true, false, false, false]),
            (ObjectKind::Crowd, [true, true, false, false]),
        ] {
            let found = [&same, &part, &cat, &apart].map(|found| excused(found, &of_kind(kind)));
            assert_eq!(found, expected, "{kind:?}");
        }
    }
}
