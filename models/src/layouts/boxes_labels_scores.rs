//! `boxes-labels-scores`: final boxes in three outputs, as RT-DETR, D-FINE and DEIM export them with their
//! postprocessing, and torchvision its detectors.

use super::box_form::{BoxForm, BoxShape};
use super::family::{Family, RT_DETR};
use super::final_boxes::{Column, FinalBoxes};
use super::outputs::{ClassCount, ModelOutputs};
use super::{Decoder, Layout, Reading, Recognition};

/// `boxes` of `[N, 4]`, corners in input pixels, `scores` and `labels` of `[N]`; a leading batch axis does not
/// count. Classes have the numbers that the file gives them: torchvision's count from 1.
#[derive(Debug)]
pub(super) struct BoxesLabelsScores;

impl Layout for BoxesLabelsScores {
    fn names(&self) -> &'static [&'static str] {
        &["boxes-labels-scores", "torchvision", "rt-detr-official"]
    }

    fn shape(&self) -> &'static str {
        "outputs boxes [boxes, 4], labels [boxes] and scores [boxes], corners in pixels"
    }

    fn needs(&self, _outputs: &ModelOutputs<'_>) -> String {
        self.shape().to_owned()
    }

    fn read(&self, outputs: &ModelOutputs<'_>) -> Option<Reading> {
        let boxes = outputs.rows(outputs.position("boxes")?)?;
        let is_list = |name| {
            let shape = outputs.shapes[outputs.position(name)?].shape;
            (shape.iter().product::<usize>() == boxes.count).then_some(())
        };
        is_list("labels")?;
        is_list("scores")?;
        (boxes.width == 4).then(|| Reading::of(ClassCount::Open))
    }

    fn recognise(&self, _outputs: &ModelOutputs<'_>, _reading: &Reading) -> Recognition {
        Recognition::Yes("the outputs are named `boxes`, `labels` and `scores`".to_owned())
    }

    fn families(&self) -> &'static [&'static Family] {
        &[&RT_DETR]
    }

    fn needs_nms(&self) -> bool {
        false
    }

    fn decoder(&self, outputs: &ModelOutputs<'_>, _reading: &Reading) -> Box<dyn Decoder> {
        let position = |name: &str| outputs.position(name).expect("`read` found the output");
        Box::new(FinalBoxes {
            boxes: Column::of_row(position("boxes"), 4, 0),
            form: BoxForm::in_pixels(BoxShape::Corners),
            scores: Column::alone(position("scores")),
            classes: Some(Column::alone(position("labels"))),
            first_class: 0.0,
            count: None,
            angles: None,
            most: outputs.rows(position("boxes")).map_or(0, |rows| rows.count),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{assert_box, decode, recognised};
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
}
