//! `end-to-end-class-score`: final boxes with the class before the score.

use super::box_form::{BoxForm, BoxShape};
use super::class_box_score::is_named_class_box_score;
use super::family::{Family, ULTRALYTICS};
use super::final_boxes::{Column, FinalBoxes};
use super::outputs::{ClassCount, ModelOutputs};
use super::paddle::is_named_by_paddle;
use super::row_order::{ROW, RowOrder, ShownColumns};
use super::{Decoder, Layout, Reading, Recognition, SidecarLine};

/// `[1, N, 6]` or `[N, 6]`: rows of `[left, top, right, bottom, class, score]` in input pixels.
#[derive(Debug)]
pub(super) struct EndToEndClassScore;

impl Layout for EndToEndClassScore {
    fn names(&self) -> &'static [&'static str] {
        &["end-to-end-class-score"]
    }

    fn shape(&self) -> &'static str {
        "[1, boxes, 6], corners in pixels, class, score, without overlaps"
    }

    fn needs(&self, _outputs: &ModelOutputs<'_>) -> String {
        "[1, boxes, 6]".to_owned()
    }

    fn read(&self, outputs: &ModelOutputs<'_>) -> Option<Reading> {
        matches!(outputs.first(), [1, (1..), ROW] | [(2..), ROW])
            .then(|| Reading::of(ClassCount::Open))
    }

    fn recognise(&self, outputs: &ModelOutputs<'_>, _reading: &Reading) -> Recognition {
        let shown = ShownColumns::of(outputs);
        if is_named_class_box_score(outputs) {
            return Recognition::No;
        }
        if shown.say(RowOrder::ClassScore) {
            return Recognition::Yes(
                "the graph puts whole numbers before the scores in rows of six".to_owned(),
            );
        }
        let is_open = outputs.first().len() == 2 && shown.allow(RowOrder::ClassScore);
        match is_open && !is_named_by_paddle(outputs) {
            true => Recognition::Maybe(&[SidecarLine {
                line: "boxes = \"end-to-end-class-score\"",
                when: "the corners of a box before its class and score",
            }]),
            false => Recognition::No,
        }
    }

    fn families(&self) -> &'static [&'static Family] {
        &[&ULTRALYTICS]
    }

    fn needs_nms(&self) -> bool {
        false
    }

    fn decoder(&self, outputs: &ModelOutputs<'_>, _reading: &Reading) -> Box<dyn Decoder> {
        Box::new(FinalBoxes {
            scores: Column::of_row(0, ROW, 5),
            classes: Some(Column::of_row(0, ROW, 4)),
            ..FinalBoxes::in_rows(outputs, 0, BoxForm::in_pixels(BoxShape::Corners))
        })
    }
}

#[cfg(test)]
mod tests {
    use framegate_backend_api::ElementType;
    use framegate_backend_api::graph::{Activation, AxisSlice, Graph, GraphBuilder, Operator};

    use super::super::choose;
    use super::super::testing::{assert_box, decode};
    use super::*;
    use crate::Size;

    const INPUT: Size = Size { width: 640, height: 640 };

    /// Rows of these parts of an input of this shape: the width of each and what becomes of it.
    fn rows(parts: &[(usize, &str)], shape: &[usize]) -> Graph {
        let mut builder = GraphBuilder::new("image", shape.to_vec());
        let (input, axis) = (builder.input(), shape.len() - 1);
        let mut start = 0;
        let mut joined = Vec::new();
        for (len, what) in parts {
            let mut slices: Vec<AxisSlice> = shape.iter().map(|len| AxisSlice::all(*len)).collect();
            slices[axis] = AxisSlice { start, step: 1, len: *len };
            start += len;
            let part = builder.push("part", Operator::Slice(slices), &[input]).unwrap();
            let functions = match *what {
                "class" => vec![Operator::Cast(ElementType::I64), Operator::Cast(ElementType::F32)],
                "score" => vec![Operator::Activation(Activation::Sigmoid)],
                _ => Vec::new(),
            };
            joined.push(
                functions
                    .into_iter()
                    .fold(part, |part, function| builder.push(what, function, &[part]).unwrap()),
            );
        }
        let rows = builder.push("rows", Operator::Concat { axis }, &joined).unwrap();
        builder.finish(vec![rows])
    }

    #[test]
    fn the_class_comes_before_the_score() {
        let row = vec![12.0, 22.0, 52.0, 42.0, 7.0, 0.8];
        let found = decode("end-to-end-class-score", INPUT, &[("output", &[1, 1, 6], row)]);
        assert_box(&found[0], 7, 0.8, [12.0, 22.0, 52.0, 42.0]);
    }

    #[test]
    fn the_order_is_seen_in_the_graph() {
        let name = |parts: &[(usize, &str)], shape: &[usize]| {
            let graph = rows(parts, shape);
            choose(&ModelOutputs::of(&graph, INPUT), None).map(|choice| choice.layout.name())
        };
        let (boxes, class, score) = ((4, "boxes"), (1, "class"), (1, "score"));
        for shape in [&[1, 50, 6][..], &[50, 6]] {
            assert_eq!(name(&[boxes, score, class], shape), Ok("end-to-end"));
            assert_eq!(name(&[boxes, class, score], shape), Ok("end-to-end-class-score"));
            assert_eq!(name(&[class, score, boxes], shape), Ok("paddle"));
            // Either of the two alone is enough.
            assert_eq!(name(&[(5, "boxes"), score], shape), Ok("end-to-end-class-score"));
            assert_eq!(name(&[boxes, class, (1, "others")], shape), Ok("end-to-end-class-score"));
            // Two whole numbers, such as an image's and a class's, are none of the three.
            assert!(name(&[(2, "class"), boxes], shape).is_err());
        }
        let message = name(&[(6, "boxes")], &[50, 6]).unwrap_err().to_string();
        for line in ["paddle", "end-to-end", "end-to-end-class-score"] {
            assert!(message.contains(&format!("`boxes = \"{line}\"`")), "no {line} in {message}");
        }
    }
}
