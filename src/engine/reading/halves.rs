//! Square codes that were found in two boxes, as large ones are.

use framegate_barcodes::Kind;

use crate::stages::Detection;

/// Longer side of a half, as a multiple of the shorter.
const LEAST_HALF: f32 = 1.4;
/// Longer side of the whole, as a multiple of the shorter.
const MOST_WHOLE: f32 = 1.25;
/// Part of the side along which halves lie that both have.
const ALIGNED: f32 = 0.85;

/// The box around two detections of a class that are the halves of one square code: each is far from square, they lie
/// along each other, and both together are square.
pub(super) fn whole(kind: Kind, a: &Detection, b: &Detection) -> Option<Detection> {
    if a.class_id != b.class_id || !matches!(kind, Kind::QrCode | Kind::Aztec | Kind::DataMatrix) {
        return None;
    }
    let elongation = |width: f32, height: f32| width.max(height) / width.min(height);
    let is_half = |half: &Detection| elongation(half.width, half.height) >= LEAST_HALF;
    let (x, y) = (a.x.min(b.x), a.y.min(b.y));
    let width = (a.x + a.width).max(b.x + b.width) - x;
    let height = (a.y + a.height).max(b.y + b.height) - y;
    let (beside, above) = (a.width + b.width - width, a.height + b.height - height);
    let are_aligned = match a.width > a.height {
        true => beside >= ALIGNED * width,
        false => above >= ALIGNED * height,
    };
    let is_whole = is_half(a) && is_half(b) && are_aligned;
    (is_whole && elongation(width, height) <= MOST_WHOLE).then(|| Detection {
        x,
        y,
        width,
        height,
        ..a.clone()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_of_a_square_are_one_code() {
        let half = |class, box_| Detection::of_box("code", class, 0.5, box_);
        let upper = [0.0, 219.0, 766.0, 290.0];
        let place = |found: Detection| [found.x, found.y, found.width, found.height];
        let whole =
            |kind, class, box_| super::whole(kind, &half(0, upper), &half(class, box_)).map(place);
        let lower = [12.0, 670.0, 746.0, 291.0];
        assert_eq!(whole(Kind::QrCode, 0, lower), Some([0.0, 219.0, 766.0, 742.0]));
        assert_eq!(whole(Kind::QrCode, 1, lower), None, "another class");
        assert_eq!(whole(Kind::Linear, 0, lower), None, "bars are long by themselves");
        assert_eq!(whole(Kind::QrCode, 0, [200.0, 670.0, 746.0, 291.0]), None, "not aligned");
        assert_eq!(whole(Kind::QrCode, 0, [12.0, 970.0, 746.0, 291.0]), None, "too far away");
        assert_eq!(whole(Kind::QrCode, 0, [0.0, 520.0, 700.0, 690.0]), None, "a code by itself");
        let left = half(0, [0.0, 0.0, 40.0, 100.0]);
        let right = half(0, [55.0, 2.0, 45.0, 98.0]);
        let both = super::whole(Kind::Aztec, &left, &right).map(place);
        assert_eq!(both, Some([0.0, 0.0, 100.0, 100.0]));
    }
}
