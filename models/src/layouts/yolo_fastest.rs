//! `yolo-fastestv2`: YOLO-FastestV2, three anchors and common classes for each cell of two grids.

use framegate_backend_api::OutputBatch;

use super::anchors::{cells, own_or_listed, position};
use super::family::{Family, Preprocessing};
use super::outputs::{ClassCount, ModelOutputs, Rows, grid};
use super::scores::{best_class, check_scores, reaches};
use super::{Candidate, Decoder, Implausible, Layout, Reading, Recognition, SidecarLine};

/// BGR from 0 to 1, stretched.
const YOLO_FASTEST: Family =
    Family { name: "yolo-fastest", preprocessing: Preprocessing::STRETCHED.bgr() };

/// Strides, and the widths and heights of their anchors on COCO, at an input of 352 × 352.
const GRIDS: [(usize, [[f32; 2]; 3]); 2] = [
    (16, [[12.64, 19.39], [37.88, 51.48], [55.71, 138.31]]),
    (32, [[126.91, 78.23], [131.57, 214.55], [279.92, 258.87]]),
];
/// Classes of COCO. A training on other classes begins by computing anchors of its own.
const COCO_CLASSES: ClassCount = ClassCount::Known(80);
const LINES: [SidecarLine; 2] = [
    SidecarLine {
        line: "boxes = \"yolo-fastestv2\"",
        when: "YOLO-FastestV2 with the anchors that it has on COCO",
    },
    SidecarLine {
        line: "anchors = [[…, …], …]",
        when: "YOLO-FastestV2 with six anchors of its own, `anchors` of the `.data` file it was trained with",
    },
];
/// Numbers of three boxes and three objectnesses, before the classes.
const BEFORE_CLASSES: usize = 15;

/// `[N, 15 + C]`: for each cell of the strides 16 and 32 three boxes, three objectnesses and the scores
/// of the classes, all from 0 to 1: centre = (cell + 2 · raw − 0.5) · stride, size = (2 · raw)² · anchor.
#[derive(Debug)]
pub(super) struct YoloFastest;

impl Layout for YoloFastest {
    fn names(&self) -> &'static [&'static str] {
        &["yolo-fastestv2"]
    }

    fn shape(&self) -> &'static str {
        "[cells, 15 + classes] for strides 16 and 32"
    }

    fn needs(&self, _outputs: &ModelOutputs<'_>) -> String {
        self.shape().to_owned()
    }

    fn read(&self, outputs: &ModelOutputs<'_>) -> Option<Reading> {
        let Rows { count, width } = outputs.rows(0)?;
        let all = GRIDS.iter().map(|(stride, _)| cells(outputs.input, *stride)).sum::<usize>();
        if outputs.shapes.len() != 1 || count != all {
            return None;
        }
        Some(Reading::of(ClassCount::beyond(width, BEFORE_CLASSES)?))
    }

    /// All of its numbers come out of a sigmoid or a softmax.
    fn recognise(&self, outputs: &ModelOutputs<'_>, reading: &Reading) -> Recognition {
        let are_known = outputs.anchors.is_some() || reading.classes == COCO_CLASSES;
        match outputs.holds_scores(0) {
            true if !are_known => Recognition::Maybe(&LINES),
            true => Recognition::Yes(format!(
                "the output is {:?}, all of it scores: three boxes and their classes for each cell of the \
                 strides 16 and 32",
                outputs.first()
            )),
            false => Recognition::No,
        }
    }

    fn families(&self) -> &'static [&'static Family] {
        &[&YOLO_FASTEST]
    }

    fn anchor_counts(&self) -> Vec<usize> {
        vec![GRIDS.iter().map(|(_, anchors)| anchors.len()).sum()]
    }

    fn decoder(&self, outputs: &ModelOutputs<'_>, _reading: &Reading) -> Box<dyn Decoder> {
        let own = GRIDS.iter().map(|(_, anchors)| anchors.to_vec());
        let grid = |((stride, _), anchors): (&(usize, _), Vec<[f32; 2]>)| Grid {
            stride: *stride as f32,
            columns: grid(outputs.input, *stride).0,
            cells: cells(outputs.input, *stride),
            anchors,
        };
        let anchors = own_or_listed(own, outputs.anchors);
        Box::new(FastestDecoder {
            row_len: outputs.rows(0).map_or(0, |rows| rows.width),
            grids: GRIDS.iter().zip(anchors).map(grid).collect(),
        })
    }
}

#[derive(Debug)]
struct Grid {
    stride: f32,
    columns: usize,
    cells: usize,
    anchors: Vec<[f32; 2]>,
}

#[derive(Debug)]
struct FastestDecoder {
    row_len: usize,
    grids: Vec<Grid>,
}

impl Decoder for FastestDecoder {
    fn decode(
        &mut self,
        outputs: &OutputBatch,
        image: usize,
        confidence: f32,
        candidates: &mut Vec<Candidate>,
    ) {
        let mut rows = outputs.tensors[0].image(image).chunks_exact(self.row_len);
        for grid in &self.grids {
            for (cell, row) in rows.by_ref().take(grid.cells).enumerate() {
                let Some((class_id, class_score)) = best_class(&row[BEFORE_CLASSES..]) else {
                    continue;
                };
                let [column, line] = position(cell, grid.columns);
                for (anchor, [width, height]) in grid.anchors.iter().enumerate() {
                    let score = row[12 + anchor] * class_score;
                    if !reaches(score, confidence) {
                        continue;
                    }
                    let raw = &row[anchor * 4..][..4];
                    let centre_and_size = [
                        (column + 2.0 * raw[0] - 0.5) * grid.stride,
                        (line + 2.0 * raw[1] - 0.5) * grid.stride,
                        (2.0 * raw[2]).powi(2) * width,
                        (2.0 * raw[3]).powi(2) * height,
                    ];
                    candidates.extend(Candidate::from_centre(centre_and_size, score, class_id));
                }
            }
        }
    }

    fn check(&mut self, outputs: &OutputBatch, image: usize) -> Result<(), Implausible> {
        check_scores(outputs.tensors[0].image(image))
    }
}

#[cfg(test)]
mod tests {
    use framegate_backend_api::HostTensor;
    use framegate_backend_api::graph::{Activation, GraphBuilder, Operator};

    use super::super::testing::{assert_box, decode};
    use super::super::{ModelOutputs, choose};
    use crate::Size;

    #[test]
    fn anchors_of_other_classes_are_asked_for() {
        let input = Size { width: 64, height: 64 };
        for (classes, listed, is_read) in
            [(80, None, true), (2, None, false), (2, Some(&[[1.0; 2]; 6][..]), true)]
        {
            let mut builder = GraphBuilder::new("image", [1, 3, 1, 1]);
            let shape = [20, 15 + classes];
            let zeros = HostTensor::from_f32(shape, vec![0.0; shape.iter().product()]);
            let zeros = builder.constant("zeros", zeros);
            let sigmoid = Operator::Activation(Activation::Sigmoid);
            let scores = builder.push("scores", sigmoid, &[zeros]).unwrap();
            let graph = builder.finish(vec![scores]);
            let outputs = ModelOutputs { anchors: listed, ..ModelOutputs::of(&graph, input) };
            match choose(&outputs, None) {
                Ok(choice) => assert!(is_read && choice.layout.name() == "yolo-fastestv2"),
                Err(error) => {
                    let message = error.to_string();
                    let has_both = ["`boxes = \"yolo-fastestv2\"`", "`anchors = [["]
                        .iter()
                        .all(|line| message.contains(line));
                    assert!(!is_read && has_both, "{message}");
                }
            }
        }
    }

    #[test]
    fn boxes_are_relative_to_anchors() {
        let input = Size { width: 64, height: 64 };
        let mut rows = vec![0.0; 20 * 17];
        // Stride 16, second row, third column, second anchor.
        let row = &mut rows[6 * 17..][..17];
        row[4..8].copy_from_slice(&[0.5, 0.75, 0.5, 0.25]);
        row[13] = 0.9;
        row[16] = 0.8;
        let found = decode("yolo-fastestv2", input, &[("845", &[20, 17], rows)]);
        assert_eq!(found.len(), 1);
        // Centre (40, 32), 37.88 × 12.87.
        assert_box(&found[0], 1, 0.72, [21.06, 25.565, 58.94, 38.435]);
    }
}
