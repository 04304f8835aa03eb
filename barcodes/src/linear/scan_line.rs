//! The grey values along a line through an image.

use crate::grey::GreyImage;

/// Values per pixel: bars are a few pixels wide, and a code is made of the proportions of their widths.
pub(super) const PER_PIXEL: usize = 4;
/// Shortest line, in pixels, that a code could be on.
const SHORTEST: f32 = 16.0;
/// Most values.
const MOST: usize = 8192;
/// Values of white before and after a line: images often end where a code does, and no code is read without its quiet
/// zone.
const QUIET: usize = 12 * PER_PIXEL;

/// Grey values along a line from one edge of an image to another, with a quiet zone at both ends.
#[derive(Debug, Clone)]
pub(super) struct ScanLine {
    pub(super) values: Vec<f32>,
}

impl ScanLine {
    /// The line of this number among `count` parallel ones that are spread over the image, in a direction in radians
    /// clockwise from the x axis. `None` where it hardly touches the image.
    pub(super) fn across(
        image: &GreyImage,
        direction: f32,
        number: usize,
        count: usize,
    ) -> Option<Self> {
        let (sin, cos) = direction.sin_cos();
        let (width, height) = ((image.width - 1) as f32, (image.height - 1) as f32);
        // How far the image reaches at right angles to the lines.
        let reach = width * sin.abs() + height * cos.abs();
        let offset = ((number as f32 + 0.5) / count as f32 - 0.5) * reach;
        let (x, y) = (width / 2.0 - offset * sin, height / 2.0 + offset * cos);
        // The part inside: from the later entry to the earlier exit of both axes.
        let (mut from, mut to) = (f32::MIN, f32::MAX);
        for (position, step, most) in [(x, cos, width), (y, sin, height)] {
            if step.abs() > 1e-6 {
                let ends = [-position / step, (most - position) / step];
                from = from.max(ends[0].min(ends[1]));
                to = to.min(ends[0].max(ends[1]));
            } else if !(0.0..=most).contains(&position) {
                return None;
            }
        }
        let count = (((to - from) * PER_PIXEL as f32) as usize).min(MOST);
        let step = (to - from) / count as f32;
        let values = (0..count).map(|index| {
            let at = from + index as f32 * step;
            let (x, y) = (x + at * cos, y + at * sin);
            // Noise is less if neighbours along the bars are averaged.
            (image.at(x, y) + image.at(x + sin, y - cos) + image.at(x - sin, y + cos)) / 3.0
        });
        (to - from >= SHORTEST).then(|| Self::quietened(values.collect()))
    }

    fn quietened(values: Vec<f32>) -> Self {
        let white = values.iter().copied().fold(0.0, f32::max);
        let quiet = std::iter::repeat_n(white, QUIET);
        Self { values: quiet.clone().chain(values).chain(quiet).collect() }
    }

    /// The difference between the brightest and the darkest value.
    pub(super) fn contrast(&self) -> f32 {
        let values = self.values.iter().copied();
        values.clone().fold(f32::MIN, f32::max) - values.fold(f32::MAX, f32::min)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_cross_the_image_in_their_direction() {
        // Brightness grows to the right by 2 per pixel.
        let pixels = (0..40 * 30).map(|index| (index % 40 * 2) as u8).collect();
        let image = GreyImage { pixels, width: 40, height: 30 };
        let line = ScanLine::across(&image, 0.0, 0, 1).unwrap();
        let middle = &line.values[QUIET..line.values.len() - QUIET];
        assert_eq!(middle.len(), 39 * PER_PIXEL);
        assert!(middle.windows(2).all(|two| (two[1] - two[0] - 0.5).abs() < 1e-3));
        let down = ScanLine::across(&image, std::f32::consts::FRAC_PI_2, 0, 1).unwrap();
        let middle = &down.values[QUIET..down.values.len() - QUIET];
        assert_eq!(middle.len(), 29 * PER_PIXEL);
        assert!(middle.iter().all(|value| (value - 39.0).abs() < 1e-3));
        let backwards = ScanLine::across(&image, std::f32::consts::PI, 0, 1).unwrap();
        assert!(backwards.values[QUIET] > backwards.values[QUIET + 8]);
    }
}
