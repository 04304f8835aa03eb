//! `boxes-labels-scores` and `best-class`: boxes, the number of a class for each and its score in three outputs. Final
//! ones come from RT-DETR, D-FINE and DEIM with their postprocessing, torchvision and Detectron2; one for each cell of
//! the grids, before suppression, from Qualcomm's AI Hub.

use framegate_backend_api::{ElementType, OutputBatch};

use super::box_form::{BoxForm, BoxShape};
use super::box_masks::BoxMasks;
use super::efficient_nms::has_number;
use super::family::{
    Family, IMAGENET_DEVIATION, IMAGENET_MEAN, Preprocessing, RT_DETR, ULTRALYTICS,
};
use super::final_boxes::{Column, FinalBoxes};
use super::maker::{Maker, is_image_size};
use super::mask::MaskCells;
use super::outputs::{ClassCount, ModelOutputs, Rows};
use super::scores::check_scores;
use super::{Candidate, Decoder, Implausible, Layout, Reading, Recognition, SidecarLine};
use crate::Size;

/// `boxes` of `[N, 4]`, corners in input pixels or as fractions of the input, `scores` and `labels` of `[N]`; a leading
/// batch axis does not count, nor does a name if labels are whole numbers. torchvision's classes count from 1, and
/// labels that begin with the background name 0 too.
#[derive(Debug)]
pub(super) struct BoxesLabelsScores {
    names: &'static [&'static str],
    /// Whether there is one for each cell of the grids, before suppression.
    of_cells: bool,
    families: &'static [&'static Family],
}

pub(super) const FINAL: BoxesLabelsScores = BoxesLabelsScores {
    names: &[NAME, "torchvision", "rt-detr-official"],
    of_cells: false,
    families: &[&RT_DETR, &DETECTRON2, &MASKRCNN_BENCHMARK, &MLPERF_SSD],
};

pub(super) const OF_CELLS: BoxesLabelsScores = BoxesLabelsScores {
    names: &["best-class", "ai-hub"],
    of_cells: true,
    families: &[&ULTRALYTICS],
};

/// Detectron2's models, which subtract the mean themselves.
const DETECTRON2: Family =
    Family { name: "detectron2", preprocessing: Preprocessing::STRETCHED.bgr() };

/// Detectron2's predecessor, whose Faster and Mask R-CNN are in ONNX's model zoo.
const MASKRCNN_BENCHMARK: Family = Family {
    name: "maskrcnn-benchmark",
    preprocessing: Preprocessing { scale: [1.0; 3], ..Preprocessing::STRETCHED }
        .bgr()
        .with_mean([102.9801, 115.9465, 122.7717]),
};

/// SSD with a ResNet-34 as MLPerf and ONNX's model zoo have it.
const MLPERF_SSD: Family = Family {
    name: "mlperf-ssd",
    preprocessing: Preprocessing::STRETCHED.standardised(IMAGENET_MEAN, IMAGENET_DEVIATION),
};

pub(super) const NAME: &str = "boxes-labels-scores";

/// Cells of an input of 56 pixels; on smaller ones any short list looks like them.
const FEWEST_CELLS: usize = 64;
/// Most boxes in a cell of a grid: one for each anchor.
const ANCHORS: usize = 3;

const FIRST_CLASS: &[SidecarLine] = &[
    SidecarLine {
        line: "first_class = 1",
        when: "files whose classes count from 1, 0 being the background (torchvision, SSD)",
    },
    SidecarLine { line: "first_class = 0", when: "files whose classes count from 0 (Detectron2)" },
];

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
    let labels = list("labels").or_else(|| list("class_idx"))?;
    Some(Outputs { boxes, labels, scores: list("scores")?, count })
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
    if !all().all(|at| outputs.shapes[at].shape.contains(&count) || is_image_size(outputs, at)) {
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

/// Whether this many boxes are one for each cell of the grids, or for each anchor of one.
fn is_of_cells(outputs: &ModelOutputs<'_>, count: usize) -> bool {
    let is_grid = |cells| cells >= FEWEST_CELLS && outputs.strides_of(cells).is_some();
    is_grid(count) || (count.is_multiple_of(ANCHORS) && is_grid(count / ANCHORS))
}

/// Whether the boxes have the name that MLPerf's SSD gives them.
fn is_mlperf(outputs: &ModelOutputs<'_>) -> bool {
    outputs.position("bboxes").is_some()
}

/// The number of the file that has the first label; `None` where nothing shows it.
fn first_class(outputs: &ModelOutputs<'_>, found: &Outputs) -> Option<usize> {
    let is_known = outputs.first_class.is_some() || outputs.labels.is_none();
    if is_known || outputs.background_label || outputs.numbered_labels {
        return Some(outputs.first_class_or(0));
    }
    // RT-DETR's lists have a batch axis, and torchvision's and Detectron2's none.
    let is_batched = !matches!(outputs.shapes[found.boxes].shape, [_, 4]);
    match Maker::of(outputs) {
        Some(Maker::Torchvision) if !is_batched => Some(1),
        Some(Maker::Detectron2) => Some(0),
        // Custom Vision counts tags from 0.
        _ if outputs.position("detected_classes").is_some() => Some(0),
        // The names that torchvision's models themselves give their results.
        _ if !is_batched && named(outputs).is_some() => Some(1),
        // MLPerf's SSD counts from 1.
        _ if !is_batched || is_mlperf(outputs) => None,
        _ => Some(0),
    }
}

impl Layout for BoxesLabelsScores {
    fn names(&self) -> &'static [&'static str] {
        self.names
    }

    fn shape(&self) -> &'static str {
        match self.of_cells {
            false => "outputs boxes [boxes, 4], labels [boxes] and scores [boxes], corners",
            true => {
                "outputs boxes [cells, 4], the best class of each, [cells], and its score, [cells], before suppression"
            }
        }
    }

    fn needs(&self, _outputs: &ModelOutputs<'_>) -> String {
        self.shape().to_owned()
    }

    fn read(&self, outputs: &ModelOutputs<'_>) -> Option<Reading> {
        let found = find(outputs)?;
        let first_class = first_class(outputs, &found).unwrap_or(0);
        Some(Reading { first_class, ..Reading::of(ClassCount::Open) })
    }

    fn recognise(&self, outputs: &ModelOutputs<'_>, _reading: &Reading) -> Recognition {
        let Some(found) = find(outputs) else { return Recognition::No };
        if is_of_cells(outputs, found.count) != self.of_cells || has_number(outputs) {
            return Recognition::No;
        }
        if first_class(outputs, &found).is_none() {
            return Recognition::Maybe(FIRST_CLASS);
        }
        Recognition::Yes(match (self.of_cells, named(outputs)) {
            (true, _) => format!(
                "the outputs are a box, the number of a class and a score for each of {} grid cells",
                found.count
            ),
            (false, Some(_)) => "the outputs are named `boxes`, `labels` and `scores`".to_owned(),
            (false, None) => {
                "the outputs are four numbers, a whole number and a score for each box".to_owned()
            }
        })
    }

    fn families(&self) -> &'static [&'static Family] {
        self.families
    }

    fn default_family(&self, outputs: &ModelOutputs<'_>) -> &'static Family {
        match Maker::of(outputs) {
            Some(Maker::Detectron2) if !self.of_cells => &DETECTRON2,
            _ if !self.of_cells && is_mlperf(outputs) => &MLPERF_SSD,
            _ => self.families[0],
        }
    }

    fn needs_nms(&self) -> bool {
        self.of_cells
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
            open_unit: (!self.of_cells).then_some(outputs.input),
            scores: Column::alone(found.scores),
            classes: Some(Column::alone(found.labels)),
            first_class: reading.first_class,
            count: None,
            angles: None,
            most: found.count,
        };
        if self.of_cells {
            return Box::new(CellBoxes { boxes, input: outputs.input, is_seen: false });
        }
        match BoxMasks::of(outputs, found.count) {
            Some(masks) => Box::new(MaskedBoxes { boxes, masks }),
            None => Box::new(boxes),
        }
    }
}

/// Boxes of all cells, whose form shows in their values.
#[derive(Debug)]
struct CellBoxes {
    boxes: FinalBoxes,
    input: Size,
    is_seen: bool,
}

impl CellBoxes {
    fn see(&mut self, outputs: &OutputBatch, image: usize) -> Result<(), Implausible> {
        if !self.is_seen {
            let boxes = outputs.tensors[self.boxes.boxes.output].image(image);
            if let Some(form) = BoxForm::seen_in(boxes.as_chunks::<4>().0, self.input)? {
                self.boxes.form = form;
                self.is_seen = true;
            }
        }
        Ok(())
    }
}

impl Decoder for CellBoxes {
    fn decode(
        &mut self,
        outputs: &OutputBatch,
        image: usize,
        confidence: f32,
        candidates: &mut Vec<Candidate>,
    ) {
        if self.see(outputs, image).is_ok() {
            self.boxes.decode(outputs, image, confidence, candidates);
        }
    }

    fn check(&mut self, outputs: &OutputBatch, image: usize) -> Result<(), Implausible> {
        self.see(outputs, image)?;
        self.boxes.check(outputs, image)
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
    use framegate_backend_api::graph::{Graph, GraphBuilder, Operator};

    use super::super::testing::{assert_box, decode, recognised};
    use super::super::{BoxLayout, choose};
    use super::*;

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
        // Names that torchvision gives its results.
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

    /// Lists of nine boxes without a batch axis, after a node of this name; Detectron2 adds the image's size.
    fn lists(node: &str, has_size: bool) -> Graph {
        let mut builder = GraphBuilder::new("image", [1, 3, 1, 1]);
        let boxes = builder.constant("x", HostTensor::from_f32([36], vec![0.0; 36]));
        let boxes = builder.push(node, Operator::Reshape { shape: vec![9, 4] }, &[boxes]).unwrap();
        let labels = builder.constant("2593", HostTensor::from_i64([9], vec![0; 9]));
        let scores = builder.constant("2594", HostTensor::from_f32([9], vec![0.0; 9]));
        let mut outputs = vec![boxes, labels, scores];
        if has_size {
            outputs.push(builder.constant("2595", HostTensor::from_i64([2], vec![320, 320])));
        }
        builder.finish(outputs)
    }

    #[test]
    fn where_nothing_shows_the_number_of_the_first_class_both_lines_are_offered() {
        let choose_for = |node, has_size, first_class| {
            let graph = lists(node, has_size);
            let outputs = ModelOutputs::of(&graph, INPUT);
            let outputs = ModelOutputs { labels: Some(3), first_class, ..outputs };
            let named = BoxLayout::named(NAME);
            let choice = choose(&outputs, None).map(|choice| choice.layout.first_class());
            let with_layout = choose(&outputs, named.as_ref());
            assert_eq!(with_layout.map(|choice| choice.layout.first_class()), choice);
            choice
        };
        let message = choose_for("Reshape_7", false, None).unwrap_err().to_string();
        for line in ["`first_class = 1`", "`first_class = 0`"] {
            assert!(message.contains(line), "no {line} in {message}");
        }
        assert_eq!(choose_for("Reshape_7", false, Some(1)), Ok(1));
        assert_eq!(choose_for("/rpn/head/Reshape", false, None), Ok(1));
        assert_eq!(choose_for("/proposal_generator/Reshape", false, None), Ok(0));
        assert_eq!(choose_for("Reshape_7", true, None), Ok(0));
    }

    #[test]
    fn custom_vision_counts_from_0() {
        let mut builder = GraphBuilder::new("image", [1, 3, 1, 1]);
        let outputs = [
            builder.constant("detected_boxes", HostTensor::from_f32([9, 4], vec![0.0; 36])),
            builder.constant("detected_classes", HostTensor::from_i64([9], vec![0; 9])),
            builder.constant("detected_scores", HostTensor::from_f32([9], vec![0.0; 9])),
        ];
        let graph = builder.finish(outputs.to_vec());
        let outputs = ModelOutputs { labels: Some(3), ..ModelOutputs::of(&graph, INPUT) };
        assert_eq!(choose(&outputs, None).unwrap().layout.first_class(), 0);
    }

    #[test]
    fn one_box_for_each_cell_is_before_suppression() {
        let lists = |count: usize, class: &str| {
            let shapes =
                [("boxes", vec![1, count, 4]), ("scores", vec![1, count]), (class, vec![1, count])];
            let shapes = shapes.each_ref().map(|(name, shape)| (*name, &shape[..]));
            let graph = super::super::testing::graph(&shapes);
            choose(&ModelOutputs::of(&graph, INPUT), None).map(|choice| choice.layout)
        };
        for count in [8400, 8500, 25200] {
            let layout = lists(count, "class_idx").unwrap();
            assert_eq!((layout.name(), layout.needs_nms()), ("best-class", true));
        }
        let layout = lists(300, "labels").unwrap();
        assert_eq!((layout.name(), layout.needs_nms()), (NAME, false));
    }

    #[test]
    fn boxes_of_cells_may_be_centres_and_sizes() {
        let input = Size { width: 64, height: 64 };
        let cell = |index: usize| [(index % 8) as f32 * 8.0 + 4.0, (index / 8) as f32 * 6.0 + 4.0];
        let centres =
            (0..84).flat_map(|index| [cell(index)[0], cell(index)[1], 3.0, 2.0]).collect();
        let mut scores = vec![0.0; 84];
        scores[9] = 0.8;
        let outputs = [
            ("boxes", &[1, 84, 4][..], centres),
            ("scores", &[1, 84], scores),
            ("class_idx", &[1, 84], vec![2.0; 84]),
        ];
        let found = decode("best-class", input, &outputs);
        assert_eq!(found.len(), 1);
        assert_box(&found[0], 2, 0.8, [10.5, 9.0, 13.5, 11.0]);
    }

    #[test]
    fn boxes_may_be_fractions_of_the_input() {
        let outputs = [
            ("labels", &[1, 1][..], vec![3.0]),
            ("boxes", &[1, 1, 4], vec![0.25, 0.5, 0.5, 1.0]),
            ("scores", &[1, 1], vec![0.8]),
        ];
        let found = decode("torchvision", INPUT, &outputs);
        assert_box(&found[0], 3, 0.8, [160.0, 320.0, 320.0, 640.0]);
    }
}
