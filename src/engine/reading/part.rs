//! The part of a frame in which a detection's code is read.

use framegate_barcodes::{GreyImage, Kind};

use crate::stages::{Detection, GreyFrame};

/// A choice of how much around a box is read with it: no choice is right for all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Margin {
    /// Enough for a code whose box is about right. Bars may go on beyond the ends of their box.
    Default,
    /// The next to be tried: more for bars, whose box may be far too short; next to nothing for other codes, which are
    /// disturbed by neighbours.
    Other,
}

/// A part of a frame.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) image: GreyImage,
    left: usize,
    top: usize,
}

impl Margin {
    /// The choices, in the order in which they are tried.
    pub(super) const ALL: [Self; 2] = [Self::Default, Self::Other];

    /// Pixels that are added to the left and right, and above and below.
    fn around(self, kind: Kind, width: f32, height: f32) -> [f32; 2] {
        let longer = width.max(height);
        let (margins, least) = match (self, kind) {
            (Self::Default, Kind::Linear) => ([0.25 * width, 0.25 * height], 8.0),
            (Self::Default, _) => ([0.15 * longer; 2], 8.0),
            (Self::Other, Kind::Linear) => ([0.4 * longer; 2], 8.0),
            (Self::Other, _) => ([0.04 * longer; 2], 2.0),
        };
        margins.map(|margin| margin.max(least))
    }
}

impl Part {
    /// The part of a frame that shows a detection, and a margin.
    pub(super) fn of(
        frame: &GreyFrame<'_>,
        detection: &Detection,
        kind: Kind,
        margin: Margin,
    ) -> Self {
        let Detection { x, y, width, height, .. } = *detection;
        let [beside, above] = margin.around(kind, width, height);
        let (left, top) = ((x - beside).max(0.0) as usize, (y - above).max(0.0) as usize);
        let right = (x + width + beside).ceil() as usize;
        let bottom = (y + height + above).ceil() as usize;
        let (width, height) = (right.saturating_sub(left), bottom.saturating_sub(top));
        Self { image: frame.part(left, top, width, height), left, top }
    }

    /// A point of the part, in the frame.
    pub(super) fn on_frame(&self, [x, y]: [f32; 2]) -> [f32; 2] {
        [x + self.left as f32, y + self.top as f32]
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use framegate_barcodes::{Budget, CAN_READ, Pace, read};

    use super::*;
    use crate::stages::{Orientation, RgbImage};

    /// Modules of 4006381333931 as EAN-13, black ones as 1.
    const MODULES: &str = concat!(
        "101",
        "000110101001110101111011110100010010110011",
        "01010",
        "100001010000101000010111010010000101100110",
        "101",
    );

    /// A frame with these modules of four pixels from x = 130 and y = 100 on, 60 pixels high.
    fn frame() -> RgbImage {
        let (width, height) = (640, 260);
        let is_black = |index: usize| {
            let (x, y) = (index % width, index / width);
            let module = x.checked_sub(130).and_then(|x| MODULES.as_bytes().get(x / 4));
            (100..160).contains(&y) && module == Some(&b'1')
        };
        let pixels =
            (0..width * height).flat_map(|index| [if is_black(index) { 20 } else { 230 }; 3]);
        RgbImage { pixels: pixels.collect(), width, height, orientation: Orientation::Upright }
    }

    fn text(left: f32, width: f32, margin: Margin) -> Option<String> {
        let image = frame();
        let detection = Detection::of_box("linear", 0, 0.9, [left, 100.0, width, 60.0]);
        let part = Part::of(&GreyFrame::of_image(&image), &detection, Kind::Linear, margin);
        let pace = Pace::default();
        let budget = Budget::until(Instant::now() + Duration::from_secs(60), &pace);
        read(&part.image, Kind::Linear, budget).map(|found| found.text)
    }

    #[test]
    fn bars_are_read_although_their_box_is_too_short() {
        if !CAN_READ {
            eprintln!("skipped: built without a decoder of codes");
            return;
        }
        let number = Some("4006381333931".to_owned());
        assert_eq!(text(130.0, 380.0, Margin::Default), number);
        // Three quarters of it.
        assert_eq!(text(180.0, 280.0, Margin::Default), number);
        // Little more than half of it.
        assert_eq!(text(215.0, 225.0, Margin::Default), None);
        assert_eq!(text(215.0, 225.0, Margin::Other), number);
    }

    #[test]
    fn what_lies_beside_other_codes_is_left_out_in_the_end() {
        let image = frame();
        let detection = Detection::of_box("pdf417", 0, 0.9, [100.0, 150.0, 200.0, 50.0]);
        let part = |margin| {
            let part = Part::of(&GreyFrame::of_image(&image), &detection, Kind::Pdf417, margin);
            (part.image.width, part.image.height, part.on_frame([1.0, 2.0]))
        };
        assert_eq!(part(Margin::Default), (260, 110, [71.0, 122.0]));
        assert_eq!(part(Margin::Other), (216, 66, [93.0, 144.0]));
    }
}
