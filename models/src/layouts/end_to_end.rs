//! `end-to-end`: final boxes of models that suppress overlaps themselves, such as YOLOv10, YOLO26 and
//! exports with built-in suppression.

use framegate_backend_api::OutputBatch;

use super::box_form::{LARGEST_FRACTION, box_of, check_corners};
use super::class_box_score::is_named_class_box_score;
use super::family::{Family, ULTRALYTICS};
use super::outputs::{ClassCount, ModelOutputs};
use super::paddle::is_named_by_paddle;
use super::row_order::{RowOrder, ShownColumns};
use super::scores::{check_classes, check_scores, reaches};
use super::{Candidate, Decoder, Implausible, Layout, Reading, Recognition, SidecarLine};

/// More boxes than suppression built into a model leaves over; a longer list has some other layout.
pub(super) const MAX_BOXES: usize = 1000;

/// `[1, N, 6]` or `[N, 6]`: rows of `[left, top, right, bottom, score, class]` in input pixels. Unused rows have a
/// low score or a negative class.
#[derive(Debug)]
pub(super) struct EndToEnd;

impl Layout for EndToEnd {
    fn names(&self) -> &'static [&'static str] {
        &["end-to-end", "end2end"]
    }

    fn shape(&self) -> &'static str {
        "[1, boxes, 6], in pixels, without overlaps"
    }

    fn needs(&self, _outputs: &ModelOutputs<'_>) -> String {
        "[1, candidates, 6]".to_owned()
    }

    fn read(&self, outputs: &ModelOutputs<'_>) -> Option<Reading> {
        matches!(outputs.first(), [1, _, 6] | [(2..), 6]).then(|| Reading::of(ClassCount::Open))
    }

    fn recognise(&self, outputs: &ModelOutputs<'_>, _reading: &Reading) -> Recognition {
        let shape = outputs.first();
        let shown = ShownColumns::of(outputs);
        if !shown.allow(RowOrder::ScoreClass) || is_named_class_box_score(outputs) {
            return Recognition::No;
        }
        if shape.len() == 2 && !shown.say(RowOrder::ScoreClass) {
            return match is_named_by_paddle(outputs) {
                true => Recognition::No,
                false => Recognition::Maybe(&[SidecarLine {
                    line: "boxes = \"end-to-end\"",
                    when: "the corners of a box before its score and class",
                }]),
            };
        }
        let boxes = shape[shape.len() - 2];
        if boxes > MAX_BOXES || outputs.first_has_a_companion(boxes) || outputs.is_rtdetr {
            return Recognition::No;
        }
        Recognition::Yes(format!(
            "the first output is {shape:?}: corners, score and class of each box"
        ))
    }

    fn families(&self) -> &'static [&'static Family] {
        &[&ULTRALYTICS]
    }

    fn needs_nms(&self) -> bool {
        false
    }

    fn decoder(&self, _outputs: &ModelOutputs<'_>, reading: &Reading) -> Box<dyn Decoder> {
        Box::new(EndToEndDecoder::new(reading))
    }
}

#[derive(Debug)]
pub(super) struct EndToEndDecoder {
    first_class: f32,
}

impl EndToEndDecoder {
    /// For classes that are numbered as `reading` says.
    pub(super) fn new(reading: &Reading) -> Self {
        Self { first_class: reading.first_class as f32 }
    }
}

impl Decoder for EndToEndDecoder {
    fn decode(
        &mut self,
        outputs: &OutputBatch,
        image: usize,
        confidence: f32,
        candidates: &mut Vec<Candidate>,
    ) {
        let (rows, _) = outputs.tensors[0].image(image).as_chunks::<6>();
        candidates.extend(rows.iter().filter_map(|[left, top, right, bottom, score, class]| {
            let class = class - self.first_class;
            let is_class = class.is_finite() && class >= 0.0;
            if !is_class || !reaches(*score, confidence) {
                return None;
            }
            Candidate::from_corners([*left, *top, *right, *bottom], *score, class.round() as usize)
        }));
    }

    fn check(&mut self, outputs: &OutputBatch, image: usize) -> Result<(), Implausible> {
        let (rows, _) = outputs.tensors[0].image(image).as_chunks::<6>();
        check_classes(rows.iter().map(|row| &row[5]))?;
        let used = || rows.iter().filter(|row| row[4] > 0.0);
        check_scores(used().map(|row| &row[4]))?;
        check_corners(used().map(|row| box_of(row)))?;
        let farthest = used().flat_map(|row| &row[..4]).copied().fold(0.0, f32::max);
        if farthest > 0.0 && farthest <= LARGEST_FRACTION {
            return Err(Implausible(format!(
                "no edge is beyond {farthest}, so they are fractions of the input and not pixels"
            )));
        }
        Ok(())
    }
}
