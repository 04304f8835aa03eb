//! Where a frame lies in the model's input, and how positions map back to frame pixels.

use framegate_models::Size;
use framegate_models::detector::{Fit, ImageInput, LetterboxAlign};

use super::Orientation;

/// Where the upright frame lies in the model's input.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FrameTransform {
    /// The frame's own size.
    pub frame: Size,
    /// The part of it that is in the input: all, or the middle.
    pub part: FramePart,
    /// Width of the resized frame in input pixels, at least 1.
    pub width: usize,
    /// Height of the resized frame in input pixels, at least 1.
    pub height: usize,
    /// Input column of the frame's left edge.
    pub left: usize,
    /// Input row of the frame's top edge.
    pub top: usize,
    /// Frame pixels per input pixel, along a row.
    pub horizontal_scale: f32,
    /// Frame pixels per input pixel, along a column.
    pub vertical_scale: f32,
}

/// A rectangle of a frame, in its pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FramePart {
    /// The first column.
    pub left: usize,
    /// The first row.
    pub top: usize,
    /// Its size, at least a pixel.
    pub size: Size,
}

impl FramePart {
    /// A whole frame.
    pub fn whole(frame: Size) -> Self {
        Self { left: 0, top: 0, size: frame }
    }

    /// The middle of a frame.
    pub fn middle(frame: Size, size: Size) -> Self {
        let (left, top) = ((frame.width - size.width) / 2, (frame.height - size.height) / 2);
        Self { left, top, size }
    }

    /// Copies this part of an image with `values` per pixel into `cut`.
    pub(super) fn cut(&self, pixels: &[u8], image: Size, values: usize, cut: &mut Vec<u8>) {
        let Self { left, top, size } = *self;
        cut.clear();
        for row in pixels.chunks_exact(values * image.width).skip(top).take(size.height) {
            cut.extend_from_slice(&row[values * left..][..values * size.width]);
        }
    }
}

impl FrameTransform {
    /// Fits a frame of at least one pixel in each direction into a model's input.
    pub fn of(frame: Size, input: &ImageInput) -> Self {
        match input.fit {
            Fit::Stretch => Self::stretched(frame, FramePart::whole(frame), input),
            Fit::Crop { share } => Self::stretched(frame, cropped(frame, input, share), input),
            Fit::Letterbox { placement: align, .. } => Self::letterboxed(frame, input, align),
        }
    }

    /// The part of an image of the frame that is in the input. The image may be smaller than the frame, and is
    /// `stored` pixels large in this orientation: the middle is the middle, whichever way it is turned.
    pub(super) fn part_of(&self, stored: Size, orientation: Orientation) -> FramePart {
        let Self { frame, part, .. } = self;
        let frame = orientation.swap_if_turned(frame.width, frame.height);
        let part = orientation.swap_if_turned(part.size.width, part.size.height);
        let scaled = |extent: usize, whole: usize, stored: usize| {
            ((extent * stored + whole / 2) / whole).clamp(1, stored)
        };
        let width = scaled(part.0, frame.0, stored.width);
        let height = scaled(part.1, frame.1, stored.height);
        FramePart::middle(stored, Size { width, height })
    }

    /// The size of the whole upright frame at the scale at which it, or a part of it, is in the input.
    pub(super) fn whole_at_scale(&self) -> Size {
        let Self { frame, part, width, height, .. } = self;
        Size {
            width: (frame.width * width).div_ceil(part.size.width),
            height: (frame.height * height).div_ceil(part.size.height),
        }
    }

    /// A frame as it is.
    pub(super) fn identity(frame: Size) -> Self {
        Self {
            frame,
            part: FramePart::whole(frame),
            width: frame.width,
            height: frame.height,
            left: 0,
            top: 0,
            horizontal_scale: 1.0,
            vertical_scale: 1.0,
        }
    }

    fn stretched(frame: Size, part: FramePart, input: &ImageInput) -> Self {
        Self {
            frame,
            part,
            width: input.width,
            height: input.height,
            left: 0,
            top: 0,
            horizontal_scale: part.size.width as f32 / input.width as f32,
            vertical_scale: part.size.height as f32 / input.height as f32,
        }
    }

    /// One axis fills the input; the other keeps the aspect ratio as far as whole pixels allow.
    fn letterboxed(frame: Size, input: &ImageInput, align: LetterboxAlign) -> Self {
        let width_fills = input.width * frame.height <= input.height * frame.width;
        let (numerator, denominator) =
            if width_fills { (input.width, frame.width) } else { (input.height, frame.height) };
        // Fractions of a pixel are treated as in training: YOLOX (`preproc`, top left) truncates,
        // Ultralytics (`LetterBox`, centred) rounds. A network notices one extra row.
        let fitted = |extent: usize, limit: usize| {
            let half = match align {
                LetterboxAlign::TopLeft => 0,
                LetterboxAlign::Centre => denominator / 2,
            };
            ((extent * numerator + half) / denominator).clamp(1, limit)
        };
        let (width, height) =
            (fitted(frame.width, input.width), fitted(frame.height, input.height));
        let (left, top) = match align {
            LetterboxAlign::TopLeft => (0, 0),
            LetterboxAlign::Centre => ((input.width - width) / 2, (input.height - height) / 2),
        };
        // Both projects, and so the reference detections, map boxes back by this one ratio rather than
        // by the whole-pixel size of each axis. Otherwise a small box far from the origin would be off
        // by more than its tolerance.
        let scale = denominator as f32 / numerator as f32;
        Self {
            frame,
            part: FramePart::whole(frame),
            width,
            height,
            left,
            top,
            horizontal_scale: scale,
            vertical_scale: scale,
        }
    }

    /// Maps an input position to frame pixels, even outside the frame.
    pub fn unclipped(&self, input_x: f32, input_y: f32) -> [f32; 2] {
        [
            (input_x - self.left as f32) * self.horizontal_scale + self.part.left as f32,
            (input_y - self.top as f32) * self.vertical_scale + self.part.top as f32,
        ]
    }

    /// Maps a horizontal position in frame pixels to the input.
    pub fn input_x(&self, frame_x: f32) -> f32 {
        (frame_x - self.part.left as f32) / self.horizontal_scale + self.left as f32
    }

    /// Maps a vertical position in frame pixels to the input.
    pub fn input_y(&self, frame_y: f32) -> f32 {
        (frame_y - self.part.top as f32) / self.vertical_scale + self.top as f32
    }

    /// Maps a horizontal input position to frame pixels, clipped to the frame.
    pub fn frame_x(&self, input_x: f32) -> f32 {
        self.unclipped(input_x, 0.0)[0].clamp(0.0, self.frame.width as f32)
    }

    /// Maps a vertical input position to frame pixels, clipped to the frame.
    pub fn frame_y(&self, input_y: f32) -> f32 {
        self.unclipped(0.0, input_y)[1].clamp(0.0, self.frame.height as f32)
    }
}

/// `share` of each side of the largest part in the middle with the input's proportions. It is cut out before it is
/// resized, so no frame is too long.
fn cropped(frame: Size, input: &ImageInput, share: f32) -> FramePart {
    let width_fills = input.width * frame.height >= input.height * frame.width;
    let (numerator, denominator) =
        if width_fills { (frame.width, input.width) } else { (frame.height, input.height) };
    let side = |extent: usize, limit: usize| {
        let side = extent as f64 * numerator as f64 / denominator as f64 * f64::from(share);
        (side.round() as usize).clamp(1, limit)
    };
    let size =
        Size { width: side(input.width, frame.width), height: side(input.height, frame.height) };
    FramePart::middle(frame, size)
}

#[cfg(test)]
mod tests {
    use framegate_models::detector::{ChannelOrder, ResizeFilter};

    use super::*;

    const TOP_LEFT: Fit = Fit::Letterbox { placement: LetterboxAlign::TopLeft, fill: 114 };
    const CENTRE: Fit = Fit::Letterbox { placement: LetterboxAlign::Centre, fill: 114 };

    fn fitted(frame: (usize, usize), input: (usize, usize), fit: Fit) -> FrameTransform {
        let input = ImageInput {
            width: input.0,
            height: input.1,
            channel_order: ChannelOrder::Bgr,
            mean: [0.0; 3],
            scale: [1.0; 3],
            fit,
            resize: ResizeFilter::Bilinear,
            decode_scale: None,
        };
        FrameTransform::of(Size { width: frame.0, height: frame.1 }, &input)
    }

    fn rectangle(transform: FrameTransform) -> (usize, usize, usize, usize) {
        (transform.left, transform.top, transform.width, transform.height)
    }

    #[test]
    fn top_left_letterboxes_truncate_and_centred_ones_round() {
        // 426 * 416 / 640 = 276.9 and 457 * 416 / 640 = 297.05.
        assert_eq!(rectangle(fitted((640, 426), (416, 416), TOP_LEFT)), (0, 0, 416, 276));
        assert_eq!(rectangle(fitted((457, 640), (416, 416), TOP_LEFT)), (0, 0, 297, 416));
        assert_eq!(rectangle(fitted((640, 426), (416, 416), CENTRE)), (0, 69, 416, 277));
        assert_eq!(rectangle(fitted((640, 426), (640, 384), CENTRE)), (31, 0, 577, 384));
    }

    #[test]
    fn one_axis_fills_the_input_whatever_the_frame() {
        for extent in 1..=2000 {
            for fit in [TOP_LEFT, CENTRE] {
                for frame in [(extent, 1), (1, extent), (extent, 1000), (1000, extent)] {
                    let FrameTransform { left, top, width, height, .. } =
                        fitted(frame, (416, 320), fit);
                    assert!(width == 416 || height == 320, "{frame:?}: {width}x{height}");
                    assert!((1..=416).contains(&(left + width)), "{frame:?}");
                    assert!((1..=320).contains(&(top + height)), "{frame:?}");
                }
            }
        }
    }

    #[test]
    fn positions_map_back_by_one_ratio_and_are_clipped() {
        let transform = fitted((640, 426), (416, 416), TOP_LEFT);
        assert!((transform.frame_x(208.0) - 320.0).abs() < 1e-3);
        assert!((transform.frame_y(208.0) - 320.0).abs() < 1e-3, "not by 426 / 276");
        assert_eq!((transform.frame_x(-5.0), transform.frame_y(416.0)), (0.0, 426.0));
        let centred = fitted((640, 320), (320, 320), CENTRE);
        assert!((centred.frame_y(80.0 + 10.0) - 20.0).abs() < 1e-3);
    }

    #[test]
    fn a_crop_is_the_middle() {
        let all = fitted((640, 480), (224, 224), Fit::Crop { share: 1.0 });
        assert_eq!(rectangle(all), (0, 0, 224, 224));
        let size = Size { width: 480, height: 480 };
        assert_eq!(all.part, FramePart { left: 80, top: 0, size });
        assert_eq!(
            [all.frame_x(0.0), all.frame_x(112.0), all.frame_y(224.0)],
            [80.0, 320.0, 480.0]
        );
        assert_eq!(all.input_x(320.0), 112.0);
        let most = fitted((480, 640), (224, 224), Fit::Crop { share: 0.875 });
        let size = Size { width: 420, height: 420 };
        assert_eq!(most.part, FramePart { left: 30, top: 110, size });
        let thin = fitted((1, 60_000), (224, 224), Fit::Crop { share: 0.875 });
        assert_eq!(thin.part.size, Size { width: 1, height: 1 });
    }

    #[test]
    fn stretching_fills_the_input_with_a_scale_per_axis() {
        let transform = fitted((640, 426), (320, 320), Fit::Stretch);
        assert_eq!(rectangle(transform), (0, 0, 320, 320));
        assert_eq!((transform.frame_x(160.0), transform.frame_y(160.0)), (320.0, 213.0));
    }
}
