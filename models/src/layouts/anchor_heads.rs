//! `yolov5-heads` and `yolov7-heads`: the raw heads of YOLOv5 and YOLOv7, one output for each stride.

use framegate_backend_api::OutputBatch;

use super::anchors::position;
use super::family::{Family, ULTRALYTICS};
use super::outputs::{ClassCount, ModelOutputs, grid};
use super::scores::{best_class, logit, reaches, sigmoid};
use super::{Candidate, Decoder, Layout, Reading, Recognition, SidecarLine};

/// Widths and heights of the anchors of the strides 8, 16 and 32.
type Anchors = [[[f32; 2]; 3]; 3];

/// For each of the strides 8, 16 and 32 an output `[1, 3, H, W, 5 + C]` or `[1, 3 · (5 + C), H, W]` of
/// logits: centre = (cell + 2σ − 0.5) · stride, size = (2σ)² · anchor.
#[derive(Debug)]
pub(super) struct AnchorHeads {
    names: &'static [&'static str],
    anchors: Anchors,
    lines: &'static [SidecarLine],
}

pub(super) static YOLOV5: AnchorHeads = AnchorHeads {
    names: &["yolov5-heads"],
    anchors: [
        [[10.0, 13.0], [16.0, 30.0], [33.0, 23.0]],
        [[30.0, 61.0], [62.0, 45.0], [59.0, 119.0]],
        [[116.0, 90.0], [156.0, 198.0], [373.0, 326.0]],
    ],
    lines: &[SidecarLine { line: "boxes = \"yolov5-heads\"", when: "YOLOv5 with its own anchors" }],
};

pub(super) static YOLOV7: AnchorHeads = AnchorHeads {
    names: &["yolov7-heads"],
    anchors: [
        [[12.0, 16.0], [19.0, 36.0], [40.0, 28.0]],
        [[36.0, 75.0], [76.0, 55.0], [72.0, 146.0]],
        [[142.0, 110.0], [192.0, 243.0], [459.0, 401.0]],
    ],
    lines: &[SidecarLine { line: "boxes = \"yolov7-heads\"", when: "YOLOv7 with its own anchors" }],
};

const STRIDES: [usize; 3] = [8, 16, 32];

/// Positions of the three heads, the numbers of each box, and whether they are channels.
fn find(outputs: &ModelOutputs<'_>) -> Option<([usize; 3], usize, bool)> {
    if outputs.shapes.len() != 3 {
        return None;
    }
    let head = |stride: usize| {
        let (columns, rows) = grid(outputs.input, stride);
        let mut heads = outputs.shapes.iter().enumerate().filter_map(|(position, output)| {
            match *output.shape {
                [1, 3, h, w, numbers] if [h, w] == [rows, columns] => {
                    Some((position, numbers, false))
                }
                [1, channels, h, w] if [h, w] == [rows, columns] && channels % 3 == 0 => {
                    Some((position, channels / 3, true))
                }
                _ => None,
            }
        });
        heads.next()
    };
    let [a, b, c] = [head(STRIDES[0])?, head(STRIDES[1])?, head(STRIDES[2])?];
    let alike = (a.1, a.2) == (b.1, b.2) && (b.1, b.2) == (c.1, c.2) && a.1 > 5;
    alike.then_some(([a.0, b.0, c.0], a.1, a.2))
}

impl Layout for AnchorHeads {
    fn names(&self) -> &'static [&'static str] {
        self.names
    }

    fn shape(&self) -> &'static str {
        "three of [1, 3, height, width, 5 + classes], logits for anchors"
    }

    fn needs(&self, _outputs: &ModelOutputs<'_>) -> String {
        format!("{} with strides {STRIDES:?}", self.shape())
    }

    fn read(&self, outputs: &ModelOutputs<'_>) -> Option<Reading> {
        let (_, numbers, _) = find(outputs)?;
        Some(Reading::of(ClassCount::beyond(numbers, 5)?))
    }

    /// Anchors are not in the outputs, so the two models look alike.
    fn recognise(&self, _outputs: &ModelOutputs<'_>, _reading: &Reading) -> Recognition {
        Recognition::Maybe(self.lines)
    }

    fn families(&self) -> &'static [&'static Family] {
        &[&ULTRALYTICS]
    }

    fn decoder(&self, outputs: &ModelOutputs<'_>, _reading: &Reading) -> Box<dyn Decoder> {
        let (heads, numbers, are_channels) = find(outputs).expect("`read` found the outputs");
        let head = |(level, position): (usize, &usize)| {
            let (columns, rows) = grid(outputs.input, STRIDES[level]);
            Head {
                output: *position,
                stride: STRIDES[level] as f32,
                columns,
                cells: columns * rows,
                anchors: self.anchors[level],
                is_ready: outputs.holds_scores(*position),
            }
        };
        let heads = heads.iter().enumerate().map(head).collect();
        Box::new(HeadsDecoder { heads, numbers, are_channels, row: vec![0.0; numbers] })
    }
}

#[derive(Debug)]
struct Head {
    output: usize,
    stride: f32,
    columns: usize,
    cells: usize,
    anchors: [[f32; 2]; 3],
    /// Whether the file has applied the sigmoid.
    is_ready: bool,
}

#[derive(Debug)]
struct HeadsDecoder {
    heads: Vec<Head>,
    numbers: usize,
    are_channels: bool,
    /// The numbers of one box.
    row: Vec<f32>,
}

impl Decoder for HeadsDecoder {
    fn decode(
        &mut self,
        outputs: &OutputBatch,
        image: usize,
        confidence: f32,
        candidates: &mut Vec<Candidate>,
    ) {
        let numbers = self.numbers;
        for head in &self.heads {
            let elements = outputs.tensors[head.output].image(image);
            let threshold = if head.is_ready { confidence } else { logit(confidence) };
            let score = |raw: f32| if head.is_ready { raw } else { sigmoid(raw) };
            for (anchor, elements) in elements.chunks_exact(numbers * head.cells).enumerate() {
                for cell in 0..head.cells {
                    let (first, step) = match self.are_channels {
                        true => (cell, head.cells),
                        false => (cell * numbers, 1),
                    };
                    // Class scores do not exceed 1, so the objectness alone rules out most boxes.
                    if !reaches(elements[first + 4 * step], threshold) {
                        continue;
                    }
                    let raw = elements.iter().skip(first).step_by(step);
                    self.row.iter_mut().zip(raw).for_each(|(number, raw)| *number = score(*raw));
                    let Some((class_id, class_score)) = best_class(&self.row[5..]) else {
                        continue;
                    };
                    let score = self.row[4] * class_score;
                    if !reaches(score, confidence) {
                        continue;
                    }
                    let [column, line] = position(cell, head.columns);
                    let [width, height] = head.anchors[anchor];
                    let centre_and_size = [
                        (column + 2.0 * self.row[0] - 0.5) * head.stride,
                        (line + 2.0 * self.row[1] - 0.5) * head.stride,
                        (2.0 * self.row[2]).powi(2) * width,
                        (2.0 * self.row[3]).powi(2) * height,
                    ];
                    candidates.extend(Candidate::from_centre(centre_and_size, score, class_id));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{assert_box, decode, recognised};
    use super::*;
    use crate::Size;

    const INPUT: Size = Size { width: 64, height: 64 };
    /// Second anchor of stride 16, second row, third column; σ⁻¹ of the numbers.
    const BOX: [f32; 7] = [0.5, 0.75, 0.5, 0.25, 0.9, 0.1, 0.8];

    #[test]
    fn logits_become_boxes_at_their_anchor() {
        let logits = |len| vec![-20.0; len];
        let mut rows = logits(3 * 16 * 7);
        let mut channels = logits(3 * 16 * 7);
        for (number, value) in BOX.iter().enumerate() {
            rows[(16 + 6) * 7 + number] = logit(*value);
            channels[(7 + number) * 16 + 6] = logit(*value);
        }
        let in_rows = [
            ("a", &[1, 3, 8, 8, 7][..], logits(3 * 64 * 7)),
            ("b", &[1, 3, 4, 4, 7], rows),
            ("c", &[1, 3, 2, 2, 7], logits(3 * 4 * 7)),
        ];
        let in_channels = [
            ("a", &[1, 21, 8, 8][..], logits(3 * 64 * 7)),
            ("b", &[1, 21, 4, 4], channels),
            ("c", &[1, 21, 2, 2], logits(3 * 4 * 7)),
        ];
        for outputs in [in_rows, in_channels] {
            let found = decode("yolov5-heads", INPUT, &outputs);
            assert_eq!(found.len(), 1);
            // Centre (40, 32), 62 × 45 / 4.
            assert_box(&found[0], 1, 0.72, [9.0, 26.375, 71.0, 37.625]);
        }
    }

    #[test]
    fn the_anchors_are_asked_for() {
        let outputs =
            [("a", &[1, 3, 8, 8, 85][..]), ("b", &[1, 3, 4, 4, 85]), ("c", &[1, 3, 2, 2, 85])];
        let message = recognised(&outputs, INPUT, |outputs| outputs).unwrap_err().to_string();
        for line in ["`boxes = \"yolov5-heads\"`", "`boxes = \"yolov7-heads\"`"] {
            assert!(message.contains(line), "no {line} in {message}");
        }
    }
}
