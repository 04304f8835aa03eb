//! Which layout a model's outputs have: what the sidecar says, else what they look like.

use super::classify::comes_from_softmax;
use super::input_range::InputRange;
use super::{
    BoxLayout, ClassCount, Family, LAYOUTS, Layout, LayoutError, ModelOutputs, Preprocessing,
    Recognition, SidecarLine,
};
use crate::Size;

/// A chosen layout and what follows from it.
#[derive(Debug, Clone)]
pub(crate) struct Choice {
    pub(crate) layout: BoxLayout,
    pub(crate) classes: ClassCount,
    /// What images of the model have to look like.
    pub(crate) family: &'static Family,
    /// How they are prepared: as in the family, except for what the file does itself.
    pub(crate) preprocessing: Preprocessing,
    /// The pixel values that the file expects because it normalises them itself.
    pub(crate) input_range: Option<InputRange>,
    /// Why this layout, for people.
    pub(crate) reason: String,
}

/// Chooses the layout that the sidecar names or, if it names none, the only one that the outputs look
/// like.
///
/// # Errors
/// [`LayoutError`], with the lines to write into the sidecar.
pub(crate) fn choose(
    outputs: &ModelOutputs<'_>,
    named: Option<&BoxLayout>,
) -> Result<Choice, LayoutError> {
    if let Some(layout) = named {
        if outputs.is_second && !layout.layout.reads_text() {
            return Err(LayoutError::NoText { outputs: outputs.to_string() });
        }
        if let Some(lines) = unknown_first_class(layout, outputs) {
            return Err(LayoutError::Ambiguous {
                outputs: outputs.to_string(),
                input: outputs.input,
                lines: described(lines).collect(),
            });
        }
        return choice(layout, outputs, "the sidecar says so".to_owned());
    }
    let is_known = |task: &&str| LAYOUTS.iter().any(|layout| layout.tasks().contains(task));
    if let Some(task) = outputs.task.filter(|task| !is_known(task)) {
        return Err(LayoutError::Task { task: task.to_owned() });
    }
    let mut recognised = Vec::new();
    let mut lines = Vec::new();
    let is_candidate = |layout: &&&dyn Layout| {
        outputs.may_be(layout.tasks())
            && (layout.reads_text() || !outputs.is_second)
            && outputs.anchors.is_none_or(|it| layout.anchor_counts().contains(&it.len()))
    };
    for layout in LAYOUTS.iter().filter(is_candidate) {
        let recognition = match layout.read(outputs) {
            Some(reading) => layout.recognise(outputs, &reading),
            None => Recognition::No,
        };
        match recognition {
            Recognition::No => {}
            Recognition::Yes(reason) => {
                let layout = BoxLayout::of(*layout);
                lines.push(format!("`boxes = \"{layout}\"` if {reason}"));
                recognised.push((layout, reason));
            }
            Recognition::Maybe(possible) => lines.extend(described(possible)),
        }
    }
    match (recognised.pop(), lines.len()) {
        (Some((layout, reason)), 1) => choice(&layout, outputs, reason),
        (_, 0) if outputs.is_second => Err(LayoutError::NoText { outputs: outputs.to_string() }),
        (_, 0) if let Some(classes) = reads_text(outputs) => {
            Err(LayoutError::ReadsText { outputs: outputs.to_string(), classes })
        }
        (_, 0) => Err(LayoutError::Unknown {
            outputs: outputs.to_string(),
            input: outputs.input,
            fitting: fitting(outputs),
        }),
        _ => Err(LayoutError::Ambiguous {
            outputs: outputs.to_string(),
            input: outputs.input,
            lines,
        }),
    }
}

fn described(lines: &[SidecarLine]) -> impl Iterator<Item = String> {
    lines.iter().map(|SidecarLine { line, when }| format!("`{line}` for {when}"))
}

/// The lines that would say which number the first class has, where the outputs and the name of the layout leave it open.
fn unknown_first_class(
    layout: &BoxLayout,
    outputs: &ModelOutputs<'_>,
) -> Option<&'static [SidecarLine]> {
    let reading = layout.layout.read(outputs)?;
    match layout.layout.recognise(outputs, &reading) {
        Recognition::Maybe(lines) => {
            lines.iter().all(|line| line.line.starts_with("first_class")).then_some(lines)
        }
        _ => None,
    }
}

/// Scores of each step, if the only output is nothing but probabilities, step by step.
fn reads_text(outputs: &ModelOutputs<'_>) -> Option<usize> {
    let ([output], [1, steps, classes]) = (&outputs.graph.outputs[..], outputs.first()) else {
        return None;
    };
    (*steps > 1 && comes_from_softmax(outputs.graph, *output)).then_some(*classes)
}

/// The lines for layouts that the outputs can be read in, with the shapes that they stand for. Where a further output
/// belongs to the candidates of the first, those that need the first alone are left out.
fn fitting(outputs: &ModelOutputs<'_>) -> Vec<String> {
    let Size { width, height } = outputs.input;
    if outputs.first() == [1, height, width] {
        // A number for each pixel, such as its distance.
        return Vec::new();
    }
    let has_companion = match *outputs.first() {
        [1, a, b] => outputs.first_has_a_companion(a) || outputs.first_has_a_companion(b),
        _ => false,
    };
    let first = ModelOutputs {
        shapes: outputs.shapes.iter().take(1).copied().collect(),
        ..outputs.clone()
    };
    let needs_first_alone = |layout: &&&dyn Layout| has_companion && layout.read(&first).is_some();
    // Where there are boxes, scores are not those of the whole image.
    let has_boxes = (0..outputs.shapes.len())
        .any(|at| outputs.rows(at).is_some_and(|rows| rows.width == 4 && rows.count > 1));
    let means_boxes =
        LAYOUTS.iter().filter(|layout| layout.finds_boxes() && !(has_boxes && layout.reads_text()));
    means_boxes
        .filter(|layout| layout.read(outputs).is_some() && !needs_first_alone(layout))
        .map(|layout| format!("`boxes = \"{}\"` for {}", layout.names()[0], layout.shape()))
        .collect()
}

fn choice(
    layout: &BoxLayout,
    outputs: &ModelOutputs<'_>,
    reason: String,
) -> Result<Choice, LayoutError> {
    let reading = layout.read(outputs)?;
    let family = outputs.family.unwrap_or_else(|| layout.layout.default_family(outputs));
    // A family that the sidecar names is meant as it is.
    let inside = match outputs.family {
        Some(_) => None,
        None => InputRange::of(outputs.graph),
    };
    Ok(Choice {
        layout: layout.clone().with_anchors(outputs.anchors).with_reading(&reading),
        classes: reading.classes,
        family,
        preprocessing: match inside {
            Some(range) => range.adjust(family.preprocessing),
            None => family.preprocessing,
        },
        input_range: inside,
        reason,
    })
}

#[cfg(test)]
mod tests {
    use framegate_backend_api::HostTensor;
    use framegate_backend_api::graph::{
        Binary, Convolution, Graph, GraphBuilder, Operator, Padding, Unary, ValueId,
    };

    use super::*;

    const SQUARE: Size = Size { width: 640, height: 640 };
    const WIDE: Size = Size { width: 640, height: 384 };

    /// A graph with outputs of these names and shapes.
    fn graph(outputs: &[(&str, &[usize])]) -> Graph {
        let mut builder = GraphBuilder::new("image", [1, 3, 1, 1]);
        let ids = outputs.iter().map(|(name, shape)| {
            let len = shape.iter().product();
            builder.constant(name, HostTensor::from_f32(shape.to_vec(), vec![0.0; len]))
        });
        let ids = ids.collect();
        builder.finish(ids)
    }

    fn choose_for(shape: &[usize], input: Size) -> Result<BoxLayout, LayoutError> {
        let graph = graph(&[("output", shape)]);
        choose(&ModelOutputs::of(&graph, input), None).map(|choice| choice.layout)
    }

    fn named(name: &str) -> BoxLayout {
        BoxLayout::named(name).unwrap()
    }

    #[test]
    fn layouts_are_recognised_by_candidate_counts() {
        let three = || named("yolox").with_strides(&[8, 16, 32]);
        let four = || named("yolox").with_strides(&[8, 16, 32, 64]);
        for (shape, input, expected) in [
            (&[1, 8400, 85][..], SQUARE, three()),
            (&[1, 5040, 85], WIDE, three()),
            (&[1, 5040, 6], WIDE, three()),
            (&[1, 8500, 85], SQUARE, four()),
            (&[1, 25200, 85], SQUARE, named("decoded")),
            (&[1, 25500, 85], SQUARE, named("decoded")),
            (&[1, 84, 8400], SQUARE, named("decoded-columns")),
            (&[1, 5, 8400], SQUARE, named("decoded-columns")),
            (&[1, 84, 5040], WIDE, named("decoded-columns")),
            (&[1, 300, 6], SQUARE, named("end-to-end")),
            (&[1, 1000, 6], SQUARE, named("end-to-end")),
            (&[1, 1000], SQUARE, named("classify")),
        ] {
            assert_eq!(choose_for(shape, input), Ok(expected), "{shape:?}");
        }
    }

    #[test]
    fn what_is_not_recognised_is_shown_with_the_line_to_write() {
        for shape in
            [&[1, 100, 91][..], &[1, 1001, 6], &[1, 8400, 4], &[2, 8400, 85], &[1, 84, 80, 80], &[]]
        {
            let message = choose_for(shape, SQUARE).unwrap_err().to_string();
            for fragment in [&format!("`output` {shape:?}"), "`boxes = \"", "sidecar"] {
                assert!(message.contains(fragment), "no {fragment} in {message}");
            }
        }
    }

    #[test]
    fn a_list_of_many_outputs_is_cut() {
        let many = graph(&[("y", &[1, 2, 3, 4][..]); 500]);
        let message = choose(&ModelOutputs::of(&many, SQUARE), None).unwrap_err().to_string();
        assert!(message.contains("`y` [1, 2, 3, 4] and 480 more for"), "{message}");
    }

    #[test]
    fn two_good_candidates_are_an_error_with_both_lines() {
        let tiny = Size { width: 64, height: 64 };
        let message = choose_for(&[1, 84, 6], tiny).unwrap_err().to_string();
        for line in ["`boxes = \"yolox\"`", "`boxes = \"end-to-end\"`"] {
            assert!(message.contains(line), "no {line} in {message}");
        }
    }

    /// One candidate for each cell of a 64 × 64 input, made by a convolution and what `decode` adds.
    fn one_per_cell(decode: impl FnOnce(&mut GraphBuilder, &mut ValueId)) -> Graph {
        let mut builder = GraphBuilder::new("image", [1, 3, 1, 84]);
        let weight = builder.constant("weight", HostTensor::from_f32([7, 3, 1, 1], vec![0.5; 21]));
        let convolution = Operator::Convolution(Convolution {
            stride: [1, 1],
            dilation: [1, 1],
            padding: Padding::default(),
            groups: 1,
            activation: None,
        });
        let input = builder.input();
        let maps = builder.push("maps", convolution, &[input, weight]).unwrap();
        let bias = builder.constant("bias", HostTensor::from_f32([1, 7, 1, 1], vec![0.5; 7]));
        let maps = builder.push("biased", Operator::Binary(Binary::Add), &[maps, bias]).unwrap();
        let flat = Operator::Reshape { shape: vec![1, 7, 84] };
        let flat = builder.push("flat", flat, &[maps]).unwrap();
        let rows = Operator::Transpose { permutation: vec![0, 2, 1] };
        let mut output = builder.push("rows", rows, &[flat]).unwrap();
        decode(&mut builder, &mut output);
        builder.finish(vec![output])
    }

    #[test]
    fn rows_that_the_file_decodes_are_not_taken_for_raw_ones() {
        let tiny = Size { width: 64, height: 64 };
        let raw = one_per_cell(|_, _| {});
        let choice = choose(&ModelOutputs::of(&raw, tiny), None).unwrap();
        assert_eq!(choice.layout, named("yolox").with_strides(&[8, 16, 32]));

        let decoded = one_per_cell(|builder, output| {
            *output = builder.push("sizes", Operator::Unary(Unary::Exp), &[*output]).unwrap();
        });
        let outputs = ModelOutputs::of(&decoded, tiny);
        let message = choose(&outputs, None).unwrap_err().to_string();
        for line in ["`family = \"yolox\"`", "`boxes = \"decoded\"`"] {
            assert!(message.contains(line), "no {line} in {message}");
        }
        let family = Family::named("yolox");
        let choice = choose(&ModelOutputs { family, ..outputs.clone() }, None).unwrap();
        assert_eq!((choice.layout, Some(choice.family)), (named("decoded"), family));
        let choice = choose(&outputs, Some(&named("decoded"))).unwrap();
        assert_eq!(choice.family.name, "ultralytics");
    }

    #[test]
    fn advice_for_two_outputs_that_belong_together_is_for_both() {
        let graph = graph(&[("pred_logits", &[1, 300, 12]), ("pred_boxes", &[1, 300, 4])]);
        let outputs = ModelOutputs { labels: Some(7), ..ModelOutputs::of(&graph, SQUARE) };
        let message = choose(&outputs, None).unwrap_err().to_string();
        assert!(message.contains("`boxes = \"detr\"`"), "{message}");
        assert!(!message.contains("`boxes = \"decoded\"`"), "{message}");
    }

    #[test]
    fn a_number_for_each_pixel_is_not_a_box() {
        let message = choose_for(&[1, 384, 640], WIDE).unwrap_err().to_string();
        assert!(message.contains("no box layout has such outputs"), "{message}");
    }

    #[test]
    fn a_recogniser_of_text_is_not_a_detector() {
        let mut builder = GraphBuilder::new("image", [1, 3, 48, 320]);
        let logits = HostTensor::from_f32([1, 40, 97], vec![0.0; 40 * 97]);
        let logits = builder.constant("logits", logits);
        let softmax = builder.push("steps", Operator::Softmax { axis: 2 }, &[logits]).unwrap();
        let graph = builder.finish(vec![softmax]);
        let size = Size { width: 320, height: 48 };
        let message = choose(&ModelOutputs::of(&graph, size), None).unwrap_err().to_string();
        assert!(message.contains("`second = ") && !message.contains("`decoded`"), "{message}");
    }

    #[test]
    fn outputs_that_belong_together_are_not_read_by_halves() {
        for (first, second) in
            [(&[1, 8400, 80][..], &[1, 8400, 5][..]), (&[1, 25200, 117], &[1, 25200, 32])]
        {
            let graph = graph(&[("first", first), ("second", second)]);
            let error = choose(&ModelOutputs::of(&graph, SQUARE), None).unwrap_err();
            assert!(matches!(error, LayoutError::Unknown { .. }), "{first:?}, {second:?}: {error}");
        }
        // YOLOv5 puts out its raw heads, too.
        let graph = graph(&[("output", &[1, 25200, 85]), ("raw", &[1, 3, 80, 80, 85])]);
        let choice = choose(&ModelOutputs::of(&graph, SQUARE), None).unwrap();
        assert_eq!(choice.layout, named("decoded"));
    }

    #[test]
    fn the_sidecar_decides_if_the_outputs_allow_it() {
        let graph = graph(&[("output", &[1, 8400, 85])]);
        let outputs = ModelOutputs { task: Some("semantic"), ..ModelOutputs::of(&graph, SQUARE) };
        let choice = choose(&outputs, Some(&named("yolov5"))).unwrap();
        assert_eq!(choice.layout.name(), "decoded");
        let message = choose(&outputs, Some(&named("classify"))).unwrap_err().to_string();
        assert!(message.contains("`classify` needs [1, classes]"), "{message}");
        let other_strides = ModelOutputs { strides: Some(&[16, 32]), ..outputs.clone() };
        let message = choose(&other_strides, Some(&named("yolox"))).unwrap_err().to_string();
        assert!(message.contains("[1, 2000, 5 + classes]"), "{message}");
        assert!(choose(&outputs, None).unwrap_err().to_string().contains("`semantic`"));
    }

    #[test]
    fn yunet_is_recognised_by_its_names() {
        let cells = [(8, 1600), (16, 400), (32, 100)];
        let shapes: Vec<(String, [usize; 3])> = cells
            .iter()
            .flat_map(|(stride, cells)| {
                [("cls", 1), ("obj", 1), ("bbox", 4), ("kps", 10)]
                    .map(|(kind, extent)| (format!("{kind}_{stride}"), [1, *cells, extent]))
            })
            .collect();
        let shapes: Vec<(&str, &[usize])> =
            shapes.iter().map(|(name, shape)| (name.as_str(), &shape[..])).collect();
        let input = Size { width: 320, height: 320 };
        let whole = graph(&shapes);
        let choice = choose(&ModelOutputs::of(&whole, input), None).unwrap();
        assert_eq!(choice.layout, named("yunet").with_strides(&[8, 16, 32]));
        assert!(choice.reason.contains("YuNet"));
        let without_boxes = graph(&shapes[3..]);
        assert!(choose(&ModelOutputs::of(&without_boxes, input), None).is_err());
    }
}
