//! Masks of objects as COCO's run lengths.

use framegate_models::Size;
use framegate_models::layouts::MaskCells;

use super::{Detection, Mask};
use crate::FrameTransform;

/// The most pixels of a frame that are looked at for all its masks together: eight detections that each
/// fill a frame of 1920 × 1080. The lower scores of a frame with more have no mask.
pub(super) const MAX_MASK_PIXELS: usize = 1 << 24;

/// Columns and rows of the frame that a detection's box covers, by pixel centres.
fn covered(detection: &Detection, frame: Size) -> [usize; 4] {
    let at = |position: f32, extent: usize| (position.round().max(0.0) as usize).min(extent);
    [
        at(detection.x, frame.width),
        at(detection.y, frame.height),
        at(detection.x + detection.width, frame.width),
        at(detection.y + detection.height, frame.height),
    ]
}

/// Number of pixels of the frame that [`encode`] looks at.
pub(super) fn pixels(detection: &Detection, frame: Size) -> usize {
    let [left, top, right, bottom] = covered(detection, frame);
    (right - left) * (bottom - top)
}

/// The part of the mask within the detection's box, interpolated between cells to the frame's pixels.
pub(super) fn encode(cells: &MaskCells, detection: &Detection, transform: &FrameTransform) -> Mask {
    let frame = transform.frame;
    let [left, top, right, bottom] = covered(detection, frame);
    let mut runs = Runs { counts: Vec::new(), inside: false, length: 0 };
    if cells.logits.is_empty() || left >= right || top >= bottom {
        runs.push(false, frame.width * frame.height);
        return runs.finish(frame);
    }
    let rows: Vec<(usize, usize, f32)> = (top..bottom)
        .map(|row| {
            let input = transform.input_y(row as f32 + 0.5);
            neighbours(input / cells.cell[1] - 0.5 - cells.top as f32, cells.height)
        })
        .collect();
    runs.push(false, left * frame.height);
    for column in left..right {
        let input = transform.input_x(column as f32 + 0.5);
        let (low, high, part) =
            neighbours(input / cells.cell[0] - 0.5 - cells.left as f32, cells.width);
        runs.push(false, top);
        for (upper, lower, fraction) in &rows {
            let value = |row: usize| {
                let row = &cells.logits[row * cells.width..];
                row[low] + (row[high] - row[low]) * part
            };
            let (above, below) = (value(*upper), value(*lower));
            runs.push(above + (below - above) * fraction > 0.0, 1);
        }
        runs.push(false, frame.height - bottom);
    }
    runs.push(false, (frame.width - right) * frame.height);
    runs.finish(frame)
}

/// The two cells around a position, and how far it is from the first to the second.
fn neighbours(position: f32, extent: usize) -> (usize, usize, f32) {
    let position = position.clamp(0.0, (extent - 1) as f32);
    let low = position as usize;
    (low, (low + 1).min(extent - 1), position - low as f32)
}

/// Run lengths while they grow.
struct Runs {
    counts: Vec<usize>,
    inside: bool,
    length: usize,
}

impl Runs {
    fn push(&mut self, inside: bool, length: usize) {
        if length == 0 {
            return;
        }
        if inside != self.inside {
            self.counts.push(self.length);
            (self.inside, self.length) = (inside, 0);
        }
        self.length += length;
    }

    fn finish(mut self, frame: Size) -> Mask {
        self.counts.push(self.length);
        Mask { size: [frame.height, frame.width], counts: self.counts }
    }
}

#[cfg(test)]
mod tests {
    use framegate_models::detector::{ChannelOrder, Fit, ImageInput, ResizeFilter};

    use super::*;

    /// A frame of 8 × 4 pixels, each a cell of an input of the same size.
    fn transform(frame: Size) -> FrameTransform {
        let input = ImageInput {
            width: 8,
            height: 4,
            channel_order: ChannelOrder::Rgb,
            mean: [0.0; 3],
            scale: [1.0; 3],
            fit: Fit::Stretch,
            resize: ResizeFilter::Bilinear,
            decode_scale: None,
        };
        FrameTransform::of(frame, &input)
    }

    fn cells(logits: Vec<f32>) -> MaskCells {
        MaskCells { left: 0, top: 0, width: 8, height: 4, logits, cell: [1.0; 2] }
    }

    #[test]
    fn runs_go_down_the_columns_and_begin_outside() {
        let frame = Size { width: 8, height: 4 };
        let mut logits = vec![-1.0; 32];
        for (row, column) in [(1, 2), (2, 2), (2, 3), (0, 7)] {
            logits[row * 8 + column] = 1.0;
        }
        let whole = Detection::of_box("a", 0, 0.9, [0.0, 0.0, 8.0, 4.0]);
        let mask = encode(&cells(logits.clone()), &whole, &transform(frame));
        assert_eq!(mask, Mask { size: [4, 8], counts: vec![9, 2, 3, 1, 13, 1, 3] });
        let part = Detection::of_box("a", 0, 0.9, [2.0, 2.0, 2.0, 2.0]);
        let mask = encode(&cells(logits), &part, &transform(frame));
        assert_eq!(mask.counts, [10, 1, 3, 1, 17], "cropped to the box");
        assert_eq!(pixels(&part, frame), 4);
        let none = encode(&MaskCells::default(), &part, &transform(frame));
        assert_eq!(none.counts, [32]);
    }

    #[test]
    fn values_between_cells_are_interpolated() {
        let frame = Size { width: 32, height: 16 };
        let logits = (0..32).map(|index| if index % 8 < 4 { 1.0 } else { -1.0 }).collect();
        let whole = Detection::of_box("a", 0, 0.9, [0.0, 0.0, 32.0, 16.0]);
        let mask = encode(&cells(logits), &whole, &transform(frame));
        assert_eq!(mask.counts, [0, 256, 256], "half of the columns, from the first pixel on");
    }
}
