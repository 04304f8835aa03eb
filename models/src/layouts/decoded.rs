//! `decoded`: rows of a box in pixels, its objectness and its classes, as YOLOv5 exports them.

use framegate_backend_api::OutputBatch;

use super::box_form::{GridForm, box_of};
use super::family::{Family, ULTRALYTICS};
use super::outputs::{ClassCount, ModelOutputs};
use super::scores::{check_scores, score_row};
use super::{Candidate, Decoder, Implausible, Layout, Reading, Recognition, SidecarLine};

/// Anchor boxes that YOLOv5 has for each grid cell.
const YOLOV5_ANCHORS: usize = 3;

/// One candidate for each grid cell has the shape of YOLOX, and of more than one other family.
const ONE_PER_CELL: &[SidecarLine] = &[
    SidecarLine {
        line: "family = \"yolox\"",
        when: "a YOLOX exported with decoded outputs (BGR from 0 to 255)",
    },
    SidecarLine {
        line: "boxes = \"decoded\"",
        when: "YOLOv6 or another model with boxes in pixels (RGB from 0 to 1)",
    },
    SidecarLine { line: "boxes = \"yolox\"", when: "undecoded YOLOX outputs all the same" },
];

/// `[1, N, 5 + C]`: rows of `[centre x, centre y, width, height, objectness, classes…]` in input
/// pixels. Corners in place of centre and size, and fractions of the input, are seen in the values.
#[derive(Debug)]
pub(super) struct Decoded;

impl Layout for Decoded {
    fn names(&self) -> &'static [&'static str] {
        &["decoded", "yolov5"]
    }

    fn shape(&self) -> &'static str {
        "[1, candidates, 5 + classes], in pixels"
    }

    fn needs(&self, _outputs: &ModelOutputs<'_>) -> String {
        "[1, candidates, 5 + classes]".to_owned()
    }

    fn read(&self, outputs: &ModelOutputs<'_>) -> Option<Reading> {
        let [1, _, row] = *outputs.first() else { return None };
        Some(Reading::of(ClassCount::beyond(row, 5)?))
    }

    fn recognise(&self, outputs: &ModelOutputs<'_>, _reading: &Reading) -> Recognition {
        let shape = outputs.first();
        let candidates = shape[1];
        if outputs.first_has_a_companion(candidates)
            || !outputs.scores_follow_box()
            || outputs.labels == Some(shape[2] - 4)
        {
            return Recognition::No;
        }
        let cells = candidates / YOLOV5_ANCHORS;
        if candidates.is_multiple_of(YOLOV5_ANCHORS) && outputs.strides_of(cells).is_some() {
            return Recognition::Yes(format!(
                "the first output is {shape:?}: a row of 5 + classes for each of {YOLOV5_ANCHORS} \
                 boxes in {cells} grid cells"
            ));
        }
        if outputs.strides_of(candidates).is_none() || outputs.first_is_raw() {
            return Recognition::No;
        }
        match outputs.family {
            None => Recognition::Maybe(ONE_PER_CELL),
            Some(family) => Recognition::Yes(format!(
                "the first output is {shape:?}: a row of 5 + classes, decoded in the file, for each \
                 of the {candidates} grid cells of `{}`",
                family.name
            )),
        }
    }

    fn families(&self) -> &'static [&'static Family] {
        &[&ULTRALYTICS]
    }

    fn decoder(&self, outputs: &ModelOutputs<'_>, _reading: &Reading) -> Box<dyn Decoder> {
        Box::new(RowDecoder { row_len: outputs.first()[2], form: GridForm::new(outputs.input) })
    }
}

#[derive(Debug)]
struct RowDecoder {
    row_len: usize,
    form: GridForm,
}

impl Decoder for RowDecoder {
    fn decode(
        &mut self,
        outputs: &OutputBatch,
        image: usize,
        confidence: f32,
        candidates: &mut Vec<Candidate>,
    ) {
        let rows = outputs.tensors[0].image(image).chunks_exact(self.row_len);
        self.form.see(rows.clone().map(box_of));
        candidates.extend(rows.filter_map(|row| {
            let (score, class_id) = score_row(row, confidence)?;
            self.form.candidate(box_of(row), score, class_id)
        }));
    }

    fn check(&mut self, outputs: &OutputBatch, image: usize) -> Result<(), Implausible> {
        let mut rows = outputs.tensors[0].image(image).chunks_exact(self.row_len);
        self.form.see(rows.clone().map(box_of));
        rows.try_for_each(|row| check_scores(&row[4..]))
    }
}
