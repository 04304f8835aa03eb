//! `yolov2-heads` to `yolov7-heads`: the raw heads of YOLO models with anchors, one output for each stride.

use framegate_backend_api::OutputBatch;

use super::anchors::{own_or_listed, position};
use super::family::{Family, ULTRALYTICS};
use super::head_arrangement::HeadArrangement;
use super::outputs::{ClassCount, ModelOutputs, grid};
use super::scores::{best_class, logit, reaches, sigmoid};
use super::{Candidate, Decoder, Layout, Reading, Recognition, SidecarLine};

/// One head: its stride, the widths and heights of its anchors in input pixels, and by how much the way of a centre
/// across its cell is stretched.
#[derive(Debug, Clone, Copy)]
struct HeadForm {
    stride: usize,
    anchors: &'static [[f32; 2]],
    stretch: f32,
}

const fn head(stride: usize, anchors: &'static [[f32; 2]], stretch: f32) -> HeadForm {
    HeadForm { stride, anchors, stretch }
}

/// How the size of a box is made of the size of its anchor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum SizeForm {
    /// `(2σ)² · anchor`
    Squared,
    /// `exp(raw) · anchor`
    Exponential,
}

/// For each stride an output of logits, of which the file may have put some through the sigmoid:
/// centre = (cell + 0.5 + stretch · (σ − 0.5)) · stride.
#[derive(Debug)]
pub(super) struct AnchorHeads {
    names: &'static [&'static str],
    heads: &'static [HeadForm],
    size: SizeForm,
    /// Whether classes exclude each other: a softmax instead of sigmoids.
    softmax: bool,
    lines: &'static [SidecarLine],
}

pub(super) static YOLOV5: AnchorHeads = AnchorHeads {
    names: &["yolov5-heads"],
    heads: &[
        head(8, &[[10.0, 13.0], [16.0, 30.0], [33.0, 23.0]], 2.0),
        head(16, &[[30.0, 61.0], [62.0, 45.0], [59.0, 119.0]], 2.0),
        head(32, &[[116.0, 90.0], [156.0, 198.0], [373.0, 326.0]], 2.0),
    ],
    size: SizeForm::Squared,
    softmax: false,
    lines: &[SidecarLine {
        line: "boxes = \"yolov5-heads\"",
        when: "YOLOv5 with its own anchors (others go into `anchors`)",
    }],
};

pub(super) static YOLOV7: AnchorHeads = AnchorHeads {
    names: &["yolov7-heads"],
    heads: &[
        head(8, &[[12.0, 16.0], [19.0, 36.0], [40.0, 28.0]], 2.0),
        head(16, &[[36.0, 75.0], [76.0, 55.0], [72.0, 146.0]], 2.0),
        head(32, &[[142.0, 110.0], [192.0, 243.0], [459.0, 401.0]], 2.0),
    ],
    size: SizeForm::Squared,
    softmax: false,
    lines: &[SidecarLine { line: "boxes = \"yolov7-heads\"", when: "YOLOv7 with its own anchors" }],
};

/// Anchors and stretches of Darknet's `yolov3.cfg`, `yolov3-tiny.cfg` and `yolov4.cfg`.
pub(super) static YOLOV3: AnchorHeads = AnchorHeads {
    names: &["yolov3-heads"],
    heads: &[
        head(8, &[[10.0, 13.0], [16.0, 30.0], [33.0, 23.0]], 1.0),
        head(16, &[[30.0, 61.0], [62.0, 45.0], [59.0, 119.0]], 1.0),
        head(32, &[[116.0, 90.0], [156.0, 198.0], [373.0, 326.0]], 1.0),
    ],
    size: SizeForm::Exponential,
    softmax: false,
    lines: &[SidecarLine { line: "boxes = \"yolov3-heads\"", when: "YOLOv3 of Darknet" }],
};

pub(super) static YOLOV3_TINY: AnchorHeads = AnchorHeads {
    names: &["yolov3-tiny-heads"],
    heads: &[
        head(16, &[[10.0, 14.0], [23.0, 27.0], [37.0, 58.0]], 1.0),
        head(32, &[[81.0, 82.0], [135.0, 169.0], [344.0, 319.0]], 1.0),
    ],
    size: SizeForm::Exponential,
    softmax: false,
    lines: &[SidecarLine { line: "boxes = \"yolov3-tiny-heads\"", when: "YOLOv3-tiny of Darknet" }],
};

pub(super) static YOLOV4: AnchorHeads = AnchorHeads {
    names: &["yolov4-heads"],
    heads: &[
        head(8, &[[12.0, 16.0], [19.0, 36.0], [40.0, 28.0]], 1.2),
        head(16, &[[36.0, 75.0], [76.0, 55.0], [72.0, 146.0]], 1.1),
        head(32, &[[142.0, 110.0], [192.0, 243.0], [459.0, 401.0]], 1.05),
    ],
    size: SizeForm::Exponential,
    softmax: false,
    lines: &[SidecarLine { line: "boxes = \"yolov4-heads\"", when: "YOLOv4 of Darknet" }],
};

/// Darknet's `yolov2-tiny-voc.cfg` and `yolov2.cfg`, whose anchors are in cells of 32 pixels.
pub(super) static YOLOV2_TINY: AnchorHeads = AnchorHeads {
    names: &["yolov2-tiny-heads"],
    heads: &[head(
        32,
        &[[34.56, 38.08], [109.44, 141.12], [212.16, 364.16], [301.44, 163.52], [531.84, 336.64]],
        1.0,
    )],
    size: SizeForm::Exponential,
    softmax: true,
    lines: &[SidecarLine {
        line: "boxes = \"yolov2-tiny-heads\"",
        when: "YOLOv2-tiny with its anchors on Pascal VOC",
    }],
};

pub(super) static YOLOV2: AnchorHeads = AnchorHeads {
    names: &["yolov2-heads"],
    heads: &[head(
        32,
        &[
            [18.32736, 21.67632],
            [59.98272, 66.00096],
            [106.82976, 175.17888],
            [252.25024, 112.88896],
            [312.65664, 293.38496],
        ],
        1.0,
    )],
    size: SizeForm::Exponential,
    softmax: true,
    lines: &[SidecarLine {
        line: "boxes = \"yolov2-heads\"",
        when: "YOLOv2 with its anchors on COCO",
    }],
};

impl AnchorHeads {
    /// Positions of the heads, the numbers of each box, and where they are.
    fn find(&self, outputs: &ModelOutputs<'_>) -> Option<(Vec<usize>, usize, HeadArrangement)> {
        if outputs.shapes.len() != self.heads.len() {
            return None;
        }
        let find = |form: &HeadForm| {
            let (columns, rows) = grid(outputs.input, form.stride);
            let extents = [form.anchors.len(), rows, columns];
            let mut heads = outputs.shapes.iter().enumerate().filter_map(|(position, output)| {
                let (arrangement, numbers) = HeadArrangement::of(output.shape, extents)?;
                Some((position, numbers, arrangement))
            });
            heads.next()
        };
        let found = self.heads.iter().map(find).collect::<Option<Vec<_>>>()?;
        let (_, numbers, arrangement) = *found.first()?;
        let alike =
            |head: &(usize, usize, HeadArrangement)| (head.1, head.2) == (numbers, arrangement);
        (found.iter().all(alike) && numbers > 5)
            .then(|| (found.iter().map(|head| head.0).collect(), numbers, arrangement))
    }
}

impl Layout for AnchorHeads {
    fn names(&self) -> &'static [&'static str] {
        self.names
    }

    fn shape(&self) -> &'static str {
        "[1, anchors, height, width, 5 + classes] or its other arrangements for each stride, logits for anchors"
    }

    fn needs(&self, _outputs: &ModelOutputs<'_>) -> String {
        let strides: Vec<usize> = self.heads.iter().map(|head| head.stride).collect();
        let anchors = self.heads[0].anchors.len();
        format!("{} with strides {strides:?} and {anchors} anchors", self.shape())
    }

    fn read(&self, outputs: &ModelOutputs<'_>) -> Option<Reading> {
        let (_, numbers, _) = self.find(outputs)?;
        Some(Reading::of(ClassCount::beyond(numbers, 5)?))
    }

    /// Anchors are not in the outputs, so the models look alike. One feature map alone can be anything.
    fn recognise(&self, outputs: &ModelOutputs<'_>, reading: &Reading) -> Recognition {
        // A box that is joined with its scores is one for each cell.
        if matches!(outputs.joined(0).as_deref(), Some([4, 1, _] | [64, _])) {
            return Recognition::No;
        }
        let common = [ClassCount::Known(20), ClassCount::Known(80)];
        match self.heads.len() > 1 || (outputs.is_raw(0) && common.contains(&reading.classes)) {
            true => Recognition::Maybe(self.lines),
            false => Recognition::No,
        }
    }

    fn families(&self) -> &'static [&'static Family] {
        &[&ULTRALYTICS]
    }

    fn anchor_counts(&self) -> Vec<usize> {
        vec![self.heads.iter().map(|head| head.anchors.len()).sum()]
    }

    fn decoder(&self, outputs: &ModelOutputs<'_>, _reading: &Reading) -> Box<dyn Decoder> {
        let (found, numbers, arrangement) = self.find(outputs).expect("`read` found the outputs");
        let own = self.heads.iter().map(|head| head.anchors.to_vec());
        let anchors = own_or_listed(own, outputs.anchors);
        let forms = self.heads.iter().zip(anchors);
        let heads = forms.zip(found).map(|((form, anchors), output)| {
            let (columns, rows) = grid(outputs.input, form.stride);
            let axis = arrangement.axis(outputs.shapes[output].shape.len());
            let ready = outputs.scores_of(output, axis).map_or(Ready::default(), |columns| Ready {
                places: columns.iter().take(2).all(|is_score| *is_score),
                sizes: columns.iter().skip(2).take(2).all(|is_score| *is_score),
                objectness: columns.get(4) == Some(&true),
                classes: columns.iter().take(numbers).skip(5).all(|is_score| *is_score),
            });
            Head { output, form: *form, anchors, columns, cells: columns * rows, ready }
        });
        let (heads, row) = (heads.collect(), vec![0.0; numbers]);
        let (size, softmax) = (self.size, self.softmax);
        Box::new(HeadsDecoder { heads, numbers, arrangement, size, softmax, row })
    }
}

#[derive(Debug)]
struct Head {
    output: usize,
    form: HeadForm,
    anchors: Vec<[f32; 2]>,
    columns: usize,
    cells: usize,
    ready: Ready,
}

/// Which numbers of a box the file has put through the sigmoid or softmax.
#[derive(Debug, Clone, Copy, Default)]
struct Ready {
    places: bool,
    sizes: bool,
    objectness: bool,
    classes: bool,
}

/// A number between 0 and 1 that may be there already.
fn squashed(raw: f32, is_ready: bool) -> f32 {
    if is_ready { raw } else { sigmoid(raw) }
}

#[derive(Debug)]
struct HeadsDecoder {
    heads: Vec<Head>,
    numbers: usize,
    arrangement: HeadArrangement,
    size: SizeForm,
    softmax: bool,
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
            let ready = head.ready;
            let extents = [head.anchors.len(), head.cells];
            let threshold = if ready.objectness { confidence } else { logit(confidence) };
            for anchor in 0..head.anchors.len() {
                for cell in 0..head.cells {
                    let (first, step) = self.arrangement.place([anchor, cell], extents, numbers);
                    // Class scores do not exceed 1, so the objectness alone rules out most boxes.
                    if !reaches(elements[first + 4 * step], threshold) {
                        continue;
                    }
                    let raw = elements.iter().skip(first).step_by(step);
                    self.row.iter_mut().zip(raw).for_each(|(number, raw)| *number = *raw);
                    let Some((class_id, class)) = best_class(&self.row[5..]) else { continue };
                    let class_score = match self.softmax && !ready.classes {
                        true => 1.0 / self.row[5..].iter().map(|x| (x - class).exp()).sum::<f32>(),
                        false => squashed(class, ready.classes),
                    };
                    let box_score = squashed(self.row[4], ready.objectness) * class_score;
                    if !reaches(box_score, confidence) {
                        continue;
                    }
                    let [column, line] = position(cell, head.columns);
                    let HeadForm { stride, stretch, .. } = head.form;
                    let place = |cell: f32, raw: f32| {
                        let way = squashed(raw, ready.places) - 0.5;
                        (cell + 0.5 + stretch * way) * stride as f32
                    };
                    let size = |raw: f32, anchor: f32| match self.size {
                        SizeForm::Squared => (2.0 * squashed(raw, ready.sizes)).powi(2) * anchor,
                        SizeForm::Exponential => raw.exp() * anchor,
                    };
                    let [width, height] = head.anchors[anchor];
                    let centre_and_size = [
                        place(column, self.row[0]),
                        place(line, self.row[1]),
                        size(self.row[2], width),
                        size(self.row[3], height),
                    ];
                    candidates.extend(Candidate::from_centre(centre_and_size, box_score, class_id));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use framegate_backend_api::HostTensor;
    use framegate_backend_api::graph::{Activation, GraphBuilder, Operator};

    use super::super::testing::{assert_box, batch, decode, decoder, graph, recognised};
    use super::super::{BoxLayout, choose};
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
        // The second of three anchors of a cell.
        let mut cells = logits(16 * 3 * 7);
        for (number, value) in BOX.iter().enumerate() {
            cells[(6 * 3 + 1) * 7 + number] = logit(*value);
        }
        let of_tensorflow = [
            ("a", &[1, 8, 8, 3, 7][..], logits(64 * 3 * 7)),
            ("b", &[1, 4, 4, 3, 7], cells.clone()),
            ("c", &[1, 2, 2, 3, 7], logits(4 * 3 * 7)),
        ];
        let channels_last = [
            ("a", &[1, 8, 8, 21][..], logits(64 * 3 * 7)),
            ("b", &[1, 4, 4, 21], cells),
            ("c", &[1, 2, 2, 21], logits(4 * 3 * 7)),
        ];
        for outputs in [in_rows, in_channels, of_tensorflow, channels_last] {
            let found = decode("yolov5-heads", INPUT, &outputs);
            assert_eq!(found.len(), 1);
            // Centre (40, 32), 62 × 45 / 4.
            assert_box(&found[0], 1, 0.72, [9.0, 26.375, 71.0, 37.625]);
        }
    }

    #[test]
    fn scores_that_went_through_the_sigmoid_stay_as_they_are() {
        let mut builder = GraphBuilder::new("image", [1, 3, 1, 1]);
        let heads = [8, 4, 2].map(|side| {
            let mut part = |name: &str, width: usize| {
                let shape = [1, side, side, 3, width];
                let zeros = HostTensor::from_f32(shape, vec![0.0; shape.iter().product()]);
                builder.constant(&format!("{name} {side}"), zeros)
            };
            let (boxes, logits) = (part("boxes", 4), part("logits", 3));
            let sigmoid = Operator::Activation(Activation::Sigmoid);
            let scores = builder.push("scores", sigmoid, &[logits]).unwrap();
            builder.push("head", Operator::Concat { axis: 4 }, &[boxes, scores]).unwrap()
        });
        let graph = builder.finish(heads.to_vec());
        let mut head = vec![0.0; 16 * 3 * 7];
        let row = [0.0, logit(0.75), 0.0, 2.0_f32.ln(), 0.9, 0.1, 0.8];
        head[(6 * 3 + 1) * 7..][..7].copy_from_slice(&row);
        let outputs = [
            ("a", &[1, 8, 8, 3, 7][..], vec![0.0; 64 * 3 * 7]),
            ("b", &[1, 4, 4, 3, 7], head),
            ("c", &[1, 2, 2, 3, 7], vec![0.0; 4 * 3 * 7]),
        ];
        let mut decoder = BoxLayout::named("yolov4-heads").unwrap().decoder(&graph, INPUT).unwrap();
        let mut found = Vec::new();
        decoder.decode(&batch(&outputs), 0, 0.25, &mut found);
        assert_eq!(found.len(), 1);
        // Centre (40, 24 + 1.1 · 4), 76 × 110.
        assert_box(&found[0], 1, 0.72, [2.0, 28.4 - 55.0, 78.0, 28.4 + 55.0]);
    }

    #[test]
    fn anchors_of_the_sidecar_take_the_place_of_the_layouts() {
        let logits = |len| vec![-20.0; len];
        let mut rows = logits(3 * 16 * 7);
        for (number, value) in BOX.iter().enumerate() {
            rows[(16 + 6) * 7 + number] = logit(*value);
        }
        let outputs = [
            ("a", &[1, 3, 8, 8, 7][..], logits(3 * 64 * 7)),
            ("b", &[1, 3, 4, 4, 7], rows),
            ("c", &[1, 3, 2, 2, 7], logits(3 * 4 * 7)),
        ];
        let mut anchors = [[1.0; 2]; 9];
        anchors[4] = [20.0, 40.0];
        let layout = BoxLayout::named("yolov5-heads").unwrap().with_anchors(Some(&anchors));
        let mut found = Vec::new();
        decoder(&layout, INPUT, &outputs).decode(&batch(&outputs), 0, 0.25, &mut found);
        // Centre (40, 32), 20 × 40 / 4.
        assert_box(&found[0], 1, 0.72, [30.0, 27.0, 50.0, 37.0]);

        let shapes: Vec<(&str, &[usize])> = outputs.iter().map(|it| (it.0, it.1)).collect();
        let graph = graph(&shapes);
        let outputs =
            ModelOutputs { anchors: Some(&[[1.0; 2]; 8]), ..ModelOutputs::of(&graph, INPUT) };
        assert!(choose(&outputs, None).is_err());
        let message = choose(&outputs, Some(&layout)).unwrap_err().to_string();
        assert!(message.contains("lists 8 `anchors`") && message.contains("takes 9"), "{message}");
    }

    #[test]
    fn the_anchors_are_asked_for() {
        let outputs =
            [("a", &[1, 3, 8, 8, 85][..]), ("b", &[1, 3, 4, 4, 85]), ("c", &[1, 3, 2, 2, 85])];
        let message = recognised(&outputs, INPUT, |outputs| outputs).unwrap_err().to_string();
        for version in [3, 4, 5, 7] {
            let line = format!("`boxes = \"yolov{version}-heads\"`");
            assert!(message.contains(&line), "no {line} in {message}");
        }
    }

    #[test]
    fn darknet_takes_exponentials() {
        let mut tiny = [-20.0; 2 * 3 * 7];
        // The second anchor of the only cell of stride 32.
        let numbers = [0.0, logit(0.75), 0.0, 2.0_f32.ln(), logit(0.9), -9.0, logit(0.8)];
        tiny[7..14].copy_from_slice(&numbers);
        let input = Size { width: 32, height: 32 };
        let outputs = [
            ("b", &[1, 3, 1, 1, 7][..], tiny[..21].to_vec()),
            ("a", &[1, 3, 2, 2, 7], vec![-20.0; 4 * 21]),
        ];
        let found = decode("yolov3-tiny-heads", input, &outputs);
        assert_eq!(found.len(), 1);
        let corners = [16.0 - 67.5, 24.0 - 169.0, 16.0 + 67.5, 24.0 + 169.0];
        assert_box(&found[0], 1, 0.72, corners);

        // Five anchors and two classes of YOLOv2, as channels: the logits of classes differ by 1.
        let mut channels = vec![-20.0; 35];
        channels[7..14].copy_from_slice(&[0.0, 0.0, 0.0, 0.0, logit(0.9), 1.0, 2.0]);
        let outputs = [("grid", &[1, 35, 1, 1][..], channels)];
        let found = decode("yolov2-tiny-heads", input, &outputs);
        let score = 0.9 / (1.0 + (-1.0_f32).exp());
        let corners = [16.0 - 54.72, 16.0 - 70.56, 16.0 + 54.72, 16.0 + 70.56];
        assert_box(&found[0], 1, score, corners);
    }
}
