//! Colours of classes.

/// Red, green and blue, each 0 to 255.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Rgb(pub(super) [u8; 3]);

const BLACK: Rgb = Rgb([0; 3]);
const WHITE: Rgb = Rgb([255; 3]);

/// Step on the colour wheel from class to class: multiples of the golden angle stay far apart for long.
const GOLDEN_ANGLE_DEGREES: f32 = 137.507_77;
const SATURATION: f32 = 0.8;
const VALUE: f32 = 0.95;

impl Rgb {
    /// The colour of a class, the same in every image.
    pub(super) fn of_class(class_id: usize) -> Self {
        // A class number far beyond any label list would lose the angle's fraction in an `f32`.
        let hue = ((class_id % 4096) as f32 * GOLDEN_ANGLE_DEGREES) % 360.0;
        // The standard conversion from HSV, one channel at a time.
        let channel = |offset: f32| {
            let position = (offset + hue / 60.0) % 6.0;
            let level = VALUE - VALUE * SATURATION * position.min(4.0 - position).clamp(0.0, 1.0);
            (level * 255.0).round() as u8
        };
        Self([channel(5.0), channel(3.0), channel(1.0)])
    }

    /// Black or white, whichever is easier to read on this colour.
    pub(super) fn text_colour(self) -> Self {
        // Luma of ITU-R BT.601: the perceived brightness.
        let [red, green, blue] = self.0.map(f32::from);
        if 0.299 * red + 0.587 * green + 0.114 * blue > 140.0 { BLACK } else { WHITE }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbouring_classes_look_different() {
        for class_id in 0..200 {
            let [a, b] = [class_id, class_id + 1].map(|class_id| Rgb::of_class(class_id).0);
            let difference: u32 = a.iter().zip(b).map(|(a, b)| u32::from(a.abs_diff(b))).sum();
            assert!(difference > 150, "classes {class_id} and the next: {a:?} and {b:?}");
        }
    }

    #[test]
    fn text_is_dark_on_light_and_light_on_dark() {
        assert_eq!(Rgb([250, 240, 60]).text_colour(), BLACK);
        assert_eq!(Rgb([40, 40, 240]).text_colour(), WHITE);
    }
}
