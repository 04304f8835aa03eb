//! `mmdet`: final boxes as MMDetection and MMYOLO export them.

use super::box_form::{BoxForm, BoxShape};
use super::family::{Family, IMAGENET_DEVIATION, IMAGENET_MEAN, Preprocessing};
use super::final_boxes::{Column, FinalBoxes};
use super::outputs::{ClassCount, ModelOutputs};
use super::{Decoder, Layout, Reading, Recognition};
use crate::image_input::LetterboxAlign;

/// Most of MMDetection's models: letterboxed at the top left, ImageNet's mean.
pub(super) const MMDET: Family = Family {
    name: "mmdet",
    preprocessing: Preprocessing::STRETCHED
        .letterboxed(LetterboxAlign::TopLeft, 0)
        .standardised(IMAGENET_MEAN, IMAGENET_DEVIATION),
};

/// `dets` of `[1, N, 5]`, corners in input pixels and a score, and `labels` of `[1, N]`.
#[derive(Debug)]
pub(super) struct MmDet;

impl Layout for MmDet {
    fn names(&self) -> &'static [&'static str] {
        &["mmdet"]
    }

    fn shape(&self) -> &'static str {
        "outputs dets [1, boxes, 5] and labels [1, boxes]"
    }

    fn needs(&self, _outputs: &ModelOutputs<'_>) -> String {
        self.shape().to_owned()
    }

    fn read(&self, outputs: &ModelOutputs<'_>) -> Option<Reading> {
        let dets = outputs.rows(outputs.position("dets")?)?;
        let labels = outputs.shapes[outputs.position("labels")?].shape;
        let fits = dets.width == 5 && labels.iter().product::<usize>() == dets.count;
        fits.then(|| Reading::of(ClassCount::Open))
    }

    fn recognise(&self, _outputs: &ModelOutputs<'_>, _reading: &Reading) -> Recognition {
        Recognition::Yes("the outputs have the names of MMDetection".to_owned())
    }

    fn families(&self) -> &'static [&'static Family] {
        &[&MMDET]
    }

    fn needs_nms(&self) -> bool {
        false
    }

    fn decoder(&self, outputs: &ModelOutputs<'_>, _reading: &Reading) -> Box<dyn Decoder> {
        let position = |name: &str| outputs.position(name).expect("`read` found the output");
        Box::new(FinalBoxes {
            boxes: Column::of_row(position("dets"), 5, 0),
            form: BoxForm::in_pixels(BoxShape::Corners),
            open_unit: None,
            scores: Column::of_row(position("dets"), 5, 4),
            classes: Some(Column::alone(position("labels"))),
            first_class: outputs.first_class_or(0),
            count: None,
            angles: None,
            most: outputs.rows(position("dets")).map_or(0, |rows| rows.count),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{assert_box, decode, recognised};
    use crate::Size;

    const INPUT: Size = Size { width: 640, height: 640 };

    #[test]
    fn scores_follow_the_corners() {
        let outputs = [
            ("dets", &[1, 1, 5][..], vec![12.0, 22.0, 52.0, 42.0, 0.8]),
            ("labels", &[1, 1], vec![7.0]),
        ];
        let found = decode("mmdet", INPUT, &outputs);
        assert_box(&found[0], 7, 0.8, [12.0, 22.0, 52.0, 42.0]);
        let shapes = outputs.map(|(name, shape, _)| (name, shape));
        assert_eq!(recognised(&shapes, INPUT, |outputs| outputs), Ok("mmdet"));
    }
}
