//! `boxes-labels-scores`: final boxes in three outputs, as RT-DETR, D-FINE and DEIM export them with their
//! postprocessing, and torchvision its detectors.

use framegate_backend_api::{ElementType, OutputBatch};

use super::box_form::{BoxForm, BoxShape};
use super::box_masks::BoxMasks;
use super::family::{Family, RT_DETR};
use super::final_boxes::{Column, FinalBoxes};
use super::mask::MaskCells;
use super::outputs::{ClassCount, ModelOutputs, Rows};
use super::scores::check_scores;
use super::{Candidate, Decoder, Implausible, Layout, Reading, Recognition};

/// `boxes` of `[N, 4]`, corners in input pixels, `scores` and `labels` of `[N]`; a leading batch axis does not
/// count, nor does a name if labels are whole numbers. Without a batch axis, as torchvision has them, classes count
/// from 1: labels that begin with the background name 0 too.
#[derive(Debug)]
pub(super) struct BoxesLabelsScores;

pub(super) const NAME: &str = "boxes-labels-scores";

/// Positions of the outputs, and the number of boxes.
#[derive(Debug, Clone, Copy)]
struct Outputs {
    boxes: usize,
    labels: usize,
    scores: usize,
    count: usize,
}

fn find(outputs: &ModelOutputs<'_>) -> Option<Outputs> {
    named(outputs).or_else(|| alike(outputs))
}

/// By their names; others may be there as well.
fn named(outputs: &ModelOutputs<'_>) -> Option<Outputs> {
    let boxes = outputs.position("boxes")?;
    let Rows { count, width: 4 } = outputs.rows(boxes)? else { return None };
    let list = |name| outputs.position(name).filter(|at| is_list(outputs, *at, count));
    Some(Outputs { boxes, labels: list("labels")?, scores: list("scores")?, count })
}

/// By their elements: torchvision's exporter gives numbers for names, in an order that differs from model to model.
fn alike(outputs: &ModelOutputs<'_>) -> Option<Outputs> {
    let all = || 0..outputs.shapes.len();
    if !(3..=5).contains(&outputs.shapes.len()) {
        return None;
    }
    let is_boxes = |at: &usize| outputs.rows(*at).is_some_and(|rows| rows.width == 4);
    let boxes = all().find(is_boxes)?;
    let count = outputs.rows(boxes)?.count;
    // Masks and key points have an entry for each box as well.
    if !outputs.shapes.iter().all(|output| output.shape.contains(&count)) {
        return None;
    }
    let holds_integers = |at: usize| {
        let id = outputs.graph.outputs.get(at)?;
        Some(outputs.graph.value(*id).element_type == ElementType::I64)
    };
    let list = |integers| {
        let mut fitting = all().filter(|at| {
            *at != boxes && is_list(outputs, *at, count) && holds_integers(*at) == Some(integers)
        });
        fitting.next().filter(|_| fitting.next().is_none())
    };
    Some(Outputs { boxes, labels: list(true)?, scores: list(false)?, count })
}

fn is_list(outputs: &ModelOutputs<'_>, position: usize, count: usize) -> bool {
    outputs.shapes[position].shape.iter().product::<usize>() == count
}

impl Layout for BoxesLabelsScores {
    fn names(&self) -> &'static [&'static str] {
        &[NAME, "torchvision", "rt-detr-official"]
    }

    fn shape(&self) -> &'static str {
        "outputs boxes [boxes, 4], labels [boxes] and scores [boxes], corners in pixels"
    }

    fn needs(&self, _outputs: &ModelOutputs<'_>) -> String {
        self.shape().to_owned()
    }

    fn read(&self, outputs: &ModelOutputs<'_>) -> Option<Reading> {
        let found = find(outputs)?;
        // torchvision's lists have no batch axis, and 0 is the background; the others' classes have no gap.
        let is_torchvision = matches!(outputs.shapes[found.boxes].shape, [_, 4]);
        let default = usize::from(is_torchvision && outputs.labels.is_some());
        let first_class = outputs.first_class_or(default);
        Some(Reading { first_class, ..Reading::of(ClassCount::Open) })
    }

    fn recognise(&self, outputs: &ModelOutputs<'_>, _reading: &Reading) -> Recognition {
        Recognition::Yes(match named(outputs) {
            Some(_) => "the outputs are named `boxes`, `labels` and `scores`".to_owned(),
            None => {
                "the outputs are four numbers, a whole number and a score for each box".to_owned()
            }
        })
    }

    fn families(&self) -> &'static [&'static Family] {
        &[&RT_DETR]
    }

    fn needs_nms(&self) -> bool {
        false
    }

    /// Masks of the boxes may be another output.
    fn tasks(&self) -> &'static [&'static str] {
        &["detect", "segment"]
    }

    fn decoder(&self, outputs: &ModelOutputs<'_>, reading: &Reading) -> Box<dyn Decoder> {
        let found = find(outputs).expect("`read` found the outputs");
        let boxes = FinalBoxes {
            boxes: Column::of_row(found.boxes, 4, 0),
            form: BoxForm::in_pixels(BoxShape::Corners),
            scores: Column::alone(found.scores),
            classes: Some(Column::alone(found.labels)),
            first_class: reading.first_class,
            count: None,
            angles: None,
            most: found.count,
        };
        match BoxMasks::of(outputs, found.count) {
            Some(masks) => Box::new(MaskedBoxes { boxes, masks }),
            None => Box::new(boxes),
        }
    }
}

/// Boxes with a mask each.
#[derive(Debug)]
struct MaskedBoxes {
    boxes: FinalBoxes,
    masks: BoxMasks,
}

impl Decoder for MaskedBoxes {
    fn decode(
        &mut self,
        outputs: &OutputBatch,
        image: usize,
        confidence: f32,
        candidates: &mut Vec<Candidate>,
    ) {
        self.boxes.decode(outputs, image, confidence, candidates);
    }

    fn check(&mut self, outputs: &OutputBatch, image: usize) -> Result<(), Implausible> {
        self.boxes.check(outputs, image)?;
        check_scores(outputs.tensors[self.masks.output].image(image))
    }

    fn mask(
        &self,
        outputs: &OutputBatch,
        image: usize,
        candidate: &Candidate,
        mask: &mut MaskCells,
    ) -> bool {
        self.masks.mask(outputs.tensors[self.masks.output].image(image), candidate, mask);
        true
    }
}

#[cfg(test)]
mod tests {
    use framegate_backend_api::HostTensor;
    use framegate_backend_api::graph::GraphBuilder;

    use super::super::choose;
    use super::super::testing::{assert_box, decode, recognised};
    use super::*;
    use crate::Size;

    const INPUT: Size = Size { width: 640, height: 640 };

    #[test]
    fn three_outputs_are_one_list() {
        let outputs = [
            ("labels", &[1, 2][..], vec![3.0, 7.0]),
            ("boxes", &[1, 2, 4], vec![0.0, 0.0, 9.0, 9.0, 12.0, 22.0, 52.0, 42.0]),
            ("scores", &[1, 2], vec![0.1, 0.8]),
        ];
        let found = decode("torchvision", INPUT, &outputs);
        assert_eq!(found.len(), 1);
        assert_box(&found[0], 7, 0.8, [12.0, 22.0, 52.0, 42.0]);
        let torchvision = [("boxes", &[100, 4][..]), ("scores", &[100]), ("labels", &[100])];
        let name = recognised(&torchvision, INPUT, |outputs| outputs);
        assert_eq!(name, Ok("boxes-labels-scores"));
    }

    #[test]
    fn classes_without_a_batch_axis_count_from_1() {
        let flat = [("boxes", &[9, 4][..]), ("labels", &[9]), ("scores", &[9])];
        let batched = [("boxes", &[1, 9, 4][..]), ("labels", &[1, 9]), ("scores", &[1, 9])];
        let first_class = |shapes: &[(&str, &[usize])], labels, background_label, sidecar| {
            let graph = super::super::testing::graph(shapes);
            let outputs = ModelOutputs::of(&graph, INPUT);
            let outputs =
                ModelOutputs { labels, background_label, first_class: sidecar, ..outputs };
            let first_class =
                |outputs: &ModelOutputs<'_>| choose(outputs, None).unwrap().layout.first_class();
            // Labels that the file numbers itself are from 0 everywhere.
            let numbered = ModelOutputs { numbered_labels: true, ..outputs.clone() };
            assert_eq!(first_class(&numbered), sidecar.unwrap_or(0));
            first_class(&outputs)
        };
        assert_eq!(first_class(&flat, Some(90), false, None), 1);
        assert_eq!(first_class(&flat, Some(91), true, None), 0);
        assert_eq!(first_class(&flat, None, false, None), 0);
        assert_eq!(first_class(&flat, Some(90), false, Some(0)), 0);
        assert_eq!(first_class(&batched, Some(80), false, None), 0);
        assert_eq!(first_class(&batched, Some(80), false, Some(1)), 1);
    }

    #[test]
    fn names_do_not_matter_where_labels_are_whole_numbers() {
        let mut builder = GraphBuilder::new("image", [1, 3, 1, 1]);
        let outputs = [
            builder.constant("2615", HostTensor::from_f32([9, 4], vec![0.0; 36])),
            builder.constant("2593", HostTensor::from_f32([9], vec![0.0; 9])),
            builder.constant("2594", HostTensor::from_i64([9], vec![0; 9])),
        ];
        let graph = builder.finish(outputs.to_vec());
        let outputs = ModelOutputs::of(&graph, INPUT);
        let found = alike(&outputs).unwrap();
        assert_eq!([found.boxes, found.scores, found.labels, found.count], [0, 1, 2, 9]);
        let layout = choose(&outputs, None).unwrap().layout;
        assert_eq!(layout.name(), "boxes-labels-scores");
    }
}
