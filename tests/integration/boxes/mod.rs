//! Raw outputs through the box stage.

mod selection;

use std::collections::BTreeMap;

use framegate::stages::{
    BoxError, BoxStage, Detection, FrameTransform, MAX_DETECTIONS, Thresholds,
};
use framegate_backend_api::graph::{GraphBuilder, Operator};
use framegate_backend_api::{HostTensor, Model, OutputBatch, OutputTensor};
use framegate_models::detector::{
    ChannelOrder, Fit, ImageInput, LabelsSource, LetterboxAlign, NmsScope, ResizeFilter,
};
use framegate_models::layouts::BoxLayout;
use framegate_models::{Detector, Size};

use crate::support::reference::{reference_image, reference_output};
use crate::support::test_data;

const SIDE: usize = 64;
/// Grid cells of strides 8, 16 and 32 in an input of `SIDE` × `SIDE`.
const CELLS: usize = 64 + 16 + 4;
const STRIDES: [usize; 3] = [8, 16, 32];

fn layout(name: &str) -> BoxLayout {
    BoxLayout::named(name).expect("a layout of that name")
}

/// A detector whose graph has these outputs and does nothing.
fn detector(
    boxes: BoxLayout,
    side: usize,
    outputs: &[(&str, Vec<usize>)],
    classes: usize,
) -> Detector {
    let mut graph = GraphBuilder::new("images", [1, 3, side, side]);
    let ids = outputs
        .iter()
        .map(|(name, shape)| {
            let len = shape.iter().product();
            graph.constant(name, HostTensor::from_f32(shape.clone(), vec![0.0; len]))
        })
        .collect();
    Detector {
        model: Model {
            name: "test".to_owned(),
            graph: graph.finish(ids),
            metadata: BTreeMap::new(),
        },
        input: ImageInput {
            width: side,
            height: side,
            channel_order: ChannelOrder::Bgr,
            mean: [0.0; 3],
            scale: [1.0; 3],
            fit: Fit::Letterbox { placement: LetterboxAlign::TopLeft, fill: 0 },
            resize: ResizeFilter::Bilinear,
            decode_scale: None,
        },
        boxes,
        boxes_reason: String::new(),
        guesses: Vec::new(),
        nms: NmsScope::PerClass,
        second: None,
        labels: (0..classes).map(|class| format!("class {class}")).collect(),
        labels_source: LabelsSource::Numbers,
        licence: None,
        source: None,
    }
}

fn single(boxes: BoxLayout, shape: [usize; 3], classes: usize) -> Detector {
    detector(boxes, SIDE, &[("output", shape.to_vec())], classes)
}

fn yolox() -> Detector {
    single(layout("yolox").with_strides(&STRIDES), [1, CELLS, 7], 2)
}

fn yunet(side: usize) -> Detector {
    let shapes = STRIDES.iter().flat_map(|stride| {
        let cells = (side / stride).pow(2);
        [("cls", 1), ("obj", 1), ("bbox", 4), ("kps", 10)]
            .map(|(kind, extent)| (format!("{kind}_{stride}"), vec![1, cells, extent]))
    });
    let shapes: Vec<(String, Vec<usize>)> = shapes.collect();
    let outputs: Vec<(&str, Vec<usize>)> =
        shapes.iter().map(|(name, shape)| (name.as_str(), shape.clone())).collect();
    detector(layout("yunet").with_strides(&STRIDES), side, &outputs, 1)
}

/// A detector of every layout.
pub(crate) fn every_layout() -> Vec<Detector> {
    vec![
        yolox(),
        single(layout("decoded"), [1, 20, 7], 2),
        single(layout("decoded-columns"), [1, 6, 20], 2),
        single(layout("end-to-end"), [1, 20, 6], 2),
        yunet(SIDE),
        detector(layout("classify"), SIDE, &[("output", vec![1, 2])], 2),
    ]
}

/// Outputs for `detector` whose elements come from `element`.
pub(crate) fn outputs(
    detector: &Detector,
    images: usize,
    mut element: impl FnMut() -> f32,
) -> OutputBatch {
    let graph = &detector.model.graph;
    let tensor = |id| {
        let value = graph.value(id);
        let len = images * value.shape.iter().product::<usize>();
        OutputTensor {
            name: value.name.clone(),
            image_shape: value.shape.clone(),
            data: (0..len).map(|_| element()).collect(),
        }
    };
    OutputBatch { tensors: graph.outputs.iter().copied().map(tensor).collect() }
}

/// Outputs for `detector` of numbers from 0 to 1, except for edges in pixels and whole numbers of classes.
pub(crate) fn random_outputs(
    detector: &Detector,
    images: usize,
    random: &mut fastrand::Rng,
) -> OutputBatch {
    let mut batch = outputs(detector, images, || random.f32());
    if detector.boxes.name() == "end-to-end" {
        let rows = batch.tensors[0].data.chunks_exact_mut(6);
        rows.for_each(|row| {
            row[..4].iter_mut().for_each(|edge| *edge *= SIDE as f32);
            row[5] = row[5].round();
        });
    }
    batch
}

fn detect(detector: &Detector, outputs: &OutputBatch, frame: Size) -> Vec<Detection> {
    let mut detections = Vec::new();
    let placement = FrameTransform::of(frame, &detector.input);
    let mut stage = BoxStage::new(detector, Thresholds::DEFAULT).expect("the layout fits");
    stage.detect(outputs, 0, &placement, &mut detections).expect("the outputs fit");
    detections
}

/// A frame twice as large as the input.
const FRAME: Size = Size { width: 2 * SIDE, height: 2 * SIDE };

#[track_caller]
fn assert_box(detection: &Detection, class_id: usize, score: f32, rectangle: [f32; 4]) {
    let Detection { x, y, width, height, .. } = *detection;
    assert_eq!(detection.class_id, class_id);
    assert!((detection.score - score).abs() < 1e-5, "{detection:?}");
    for (got, expected) in [x, y, width, height].into_iter().zip(rectangle) {
        assert!((got - expected).abs() < 1e-3, "{detection:?} is not {rectangle:?}");
    }
}

#[test]
fn yolox_boxes_are_relative_to_their_cell() {
    let detector = yolox();
    let mut outputs = outputs(&detector, 1, || 0.0);
    // Stride 16, second row, third column.
    let row = &mut outputs.tensors[0].data[(64 + 4 + 2) * 7..][..7];
    row.copy_from_slice(&[0.5, 0.25, 0.0, 2f32.ln(), 0.8, 0.1, 0.9]);
    let detections = detect(&detector, &outputs, FRAME);
    assert_eq!(detections.len(), 1);
    // Centre (40, 20), size 16 × 32 in the input; twice that in the frame.
    assert_box(&detections[0], 1, 0.72, [64.0, 8.0, 32.0, 64.0]);
    assert_eq!(&*detections[0].label, "class 1");
}

#[test]
fn decoded_boxes_are_in_pixels() {
    let in_rows = single(layout("decoded"), [1, 20, 7], 2);
    let mut rows = outputs(&in_rows, 1, || 0.0);
    rows.tensors[0].data[3 * 7..][..7].copy_from_slice(&[20.0, 30.0, 8.0, 4.0, 0.5, 0.9, 0.1]);
    assert_box(&detect(&in_rows, &rows, FRAME)[0], 0, 0.45, [32.0, 56.0, 16.0, 8.0]);

    let in_columns = single(layout("decoded-columns"), [1, 6, 20], 2);
    let mut columns = outputs(&in_columns, 1, || 0.0);
    for (row, value) in [20.0, 30.0, 8.0, 4.0, 0.3, 0.6].into_iter().enumerate() {
        columns.tensors[0].data[row * 20 + 7] = value;
    }
    assert_box(&detect(&in_columns, &columns, FRAME)[0], 1, 0.6, [32.0, 56.0, 16.0, 8.0]);
}

#[test]
fn end_to_end_boxes_are_taken_as_they_are() {
    let detector = single(layout("end-to-end"), [1, 20, 6], 2);
    let mut outputs = outputs(&detector, 1, || -1.0);
    let rows = &mut outputs.tensors[0].data;
    rows[..6].copy_from_slice(&[0.0, 0.0, 10.0, 10.0, 0.5, 1.0]);
    rows[6..12].copy_from_slice(&[1.0, 0.0, 11.0, 10.0, 0.75, 1.0]);
    let detections = detect(&detector, &outputs, FRAME);
    assert_eq!(detections.len(), 2, "the model has suppressed overlaps itself");
    assert_box(&detections[0], 1, 0.75, [2.0, 0.0, 20.0, 20.0]);
    assert_box(&detections[1], 1, 0.5, [0.0, 0.0, 20.0, 20.0]);
}

#[test]
fn yunet_scores_are_geometric_means() {
    let detector = yunet(SIDE);
    let mut outputs = outputs(&detector, 1, || 0.0);
    let mut set = |name: &str, index: usize, value: f32| {
        let tensor = outputs.tensors.iter_mut().find(|tensor| tensor.name == name).unwrap();
        tensor.data[index] = value;
    };
    // Stride 32, second row, first column; a class score above 1 counts as 1.
    set("cls_32", 2, 1.5);
    set("obj_32", 2, 0.25);
    set("bbox_32", 2 * 4, 0.5);
    let detections = detect(&detector, &outputs, FRAME);
    assert_eq!(detections.len(), 1);
    assert_box(&detections[0], 0, 0.5, [0.0, 32.0, 64.0, 64.0]);
}

#[test]
fn classifiers_report_the_frame() {
    let frame = Size { width: 100, height: 50 };
    let logits = detector(layout("classify"), SIDE, &[("output", vec![1, 2])], 2);
    let mut raw = outputs(&logits, 1, || 0.0);
    raw.tensors[0].data.copy_from_slice(&[3f32.ln(), 0.0]);
    let detections = detect(&logits, &raw, frame);
    assert_eq!(detections.len(), 2);
    assert_box(&detections[0], 0, 0.75, [0.0, 0.0, 100.0, 50.0]);
    assert_box(&detections[1], 1, 0.25, [0.0, 0.0, 100.0, 50.0]);

    let mut graph = GraphBuilder::new("images", [1, 2]);
    let input = graph.input();
    let softmax = graph.push("output", Operator::Softmax { axis: 1 }, &[input]).unwrap();
    let mut probabilities = logits.clone();
    probabilities.model.graph = graph.finish(vec![softmax]);
    raw.tensors[0].data.copy_from_slice(&[0.9, 0.1]);
    let detections = detect(&probabilities, &raw, frame);
    assert_eq!(detections.len(), 1);
    assert_box(&detections[0], 0, 0.9, [0.0, 0.0, 100.0, 50.0]);
}

#[test]
fn boxes_are_clipped_to_the_frame_and_those_outside_are_gone() {
    let detector = single(layout("decoded"), [1, 20, 7], 2);
    let mut outputs = outputs(&detector, 1, || 0.0);
    let rows = &mut outputs.tensors[0].data;
    rows[..7].copy_from_slice(&[0.0, 60.0, 20.0, 20.0, 1.0, 0.9, 0.0]);
    rows[7..14].copy_from_slice(&[-50.0, 10.0, 20.0, 20.0, 1.0, 0.9, 0.0]);
    let detections = detect(&detector, &outputs, FRAME);
    assert_eq!(detections.len(), 1);
    assert_box(&detections[0], 0, 0.9, [0.0, 100.0, 20.0, 28.0]);
}

#[test]
fn wild_raw_values_neither_panic_nor_become_detections() {
    let wild = [
        f32::NAN,
        f32::INFINITY,
        f32::NEG_INFINITY,
        f32::MAX,
        f32::MIN,
        1e30,
        -1e30,
        0.0,
        1.0,
        0.5,
        100.0,
    ];
    let mut random = fastrand::Rng::with_seed(4);
    for detector in every_layout() {
        let mut stage = BoxStage::new(&detector, Thresholds::DEFAULT).unwrap();
        let placement = FrameTransform::of(FRAME, &detector.input);
        for _ in 0..200 {
            let outputs = outputs(&detector, 1, || wild[random.usize(..wild.len())]);
            let mut detections = Vec::new();
            match stage.detect(&outputs, 0, &placement, &mut detections) {
                Ok(()) => {}
                Err(BoxError::Unlabelled { .. } | BoxError::Implausible { .. }) => {
                    assert!(detections.is_empty());
                }
                Err(other) => panic!("{other}"),
            }
            for Detection { score, x, y, width, height, .. } in detections {
                assert!(score.is_finite() && score >= 0.25);
                assert!(x >= 0.0 && y >= 0.0 && width > 0.0 && height > 0.0);
                assert!(x + width <= 2.001 * SIDE as f32 && y + height <= 2.001 * SIDE as f32);
            }
        }
        for value in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            let mut detections = Vec::new();
            let outputs = outputs(&detector, 1, || value);
            stage.detect(&outputs, 0, &placement, &mut detections).unwrap();
            assert_eq!(detections, [], "{} of {value}", detector.boxes);
        }
    }
}

#[test]
fn the_number_of_detections_is_limited() {
    let detector = single(layout("decoded"), [1, 400, 6], 1);
    let mut outputs = outputs(&detector, 1, || 0.0);
    for (index, row) in outputs.tensors[0].data.chunks_exact_mut(6).enumerate() {
        let centre = [(index % 20) as f32 * 3.0 + 1.0, (index / 20) as f32 * 3.0 + 1.0];
        row.copy_from_slice(&[centre[0], centre[1], 2.0, 2.0, 1.0, 0.5 + index as f32 / 1000.0]);
    }
    let detections = detect(&detector, &outputs, FRAME);
    assert_eq!(detections.len(), MAX_DETECTIONS);
    assert!(detections.is_sorted_by(|a, b| a.score > b.score));
    assert_eq!(detections[0].score, 0.899);
}

#[test]
fn outputs_of_another_model_are_an_error() {
    let detector = yolox();
    let placement = FrameTransform::of(FRAME, &detector.input);
    let mut stage = BoxStage::new(&detector, Thresholds::DEFAULT).unwrap();
    let good = outputs(&detector, 1, || 0.0);
    let mut detections = Vec::new();
    let mut refused = |outputs: &OutputBatch, image| {
        let error = stage.detect(outputs, image, &placement, &mut detections).unwrap_err();
        assert!(matches!(error, BoxError::Outputs { .. }), "{error}");
    };
    refused(&good, 1);
    refused(&OutputBatch::default(), 0);
    let mut short = good.clone();
    short.tensors[0].data.pop();
    refused(&short, 0);
    let mut renamed = good.clone();
    renamed.tensors[0].name = "other".to_owned();
    refused(&renamed, 0);
    stage.detect(&good, 0, &placement, &mut detections).unwrap();

    let wrong_layout = Detector { boxes: layout("classify"), ..detector };
    let error = BoxStage::new(&wrong_layout, Thresholds::DEFAULT).unwrap_err();
    assert!(error.to_string().contains("`classify` needs [1, classes]"), "{error}");
}

#[test]
fn each_image_of_a_batch_has_its_own_detections() {
    for detector in every_layout() {
        let mut random = fastrand::Rng::with_seed(5);
        let batch = random_outputs(&detector, 2, &mut random);
        let placement = FrameTransform::of(FRAME, &detector.input);
        let mut stage = BoxStage::new(&detector, Thresholds::DEFAULT).unwrap();
        let mut in_batch = Vec::new();
        stage.detect(&batch, 1, &placement, &mut in_batch).unwrap();
        let mut alone = batch.clone();
        for tensor in &mut alone.tensors {
            tensor.data = tensor.image(1).to_vec();
        }
        assert!(!in_batch.is_empty(), "{} found nothing to compare", detector.boxes);
        assert_eq!(detect(&detector, &alone, FRAME), in_batch);
    }
}

#[test]
fn a_score_above_1_is_an_error_that_names_the_line_to_write() {
    let detector = single(layout("decoded-columns"), [1, 56, 84], 52);
    let mut raw = outputs(&detector, 1, || 0.0);
    for (row, value) in [32.0, 32.0, 16.0, 16.0, 0.9, 316.0].into_iter().enumerate() {
        raw.tensors[0].data[row * 84] = value;
    }
    let mut stage = BoxStage::new(&detector, Thresholds::DEFAULT).unwrap();
    let placement = FrameTransform::of(FRAME, &detector.input);
    let mut detections = Vec::new();
    // The first frames are checked in full, later ones by what they detect.
    for _ in 0..8 {
        let error = stage.detect(&raw, 0, &placement, &mut detections).unwrap_err().to_string();
        for fragment in ["`decoded-columns`", "316", "`boxes = \"…\"`", "`yolov8-pose`"] {
            assert!(error.contains(fragment), "no {fragment} in {error}");
        }
    }
}

#[test]
fn oriented_boxes_key_points_and_masks_reach_the_frame() {
    let oriented = single(layout("yolov8-obb"), [1, 6, 84], 1);
    let mut raw = outputs(&oriented, 1, || 0.0);
    // Two nearly equal boxes that are described by different sides, and one across them.
    let quarter = std::f32::consts::FRAC_PI_2;
    let boxes = [
        [32.0, 32.0, 40.0, 8.0, 0.9, 0.0],
        [32.0, 32.0, 8.0, 40.0, 0.8, quarter],
        [32.0, 32.0, 40.0, 8.0, 0.7, quarter],
    ];
    for (column, numbers) in boxes.iter().enumerate() {
        for (row, number) in numbers.iter().enumerate() {
            raw.tensors[0].data[row * 84 + column] = *number;
        }
    }
    let found = detect(&oriented, &raw, FRAME);
    assert_eq!(found.len(), 2, "{found:?}");
    assert_box(&found[1], 0, 0.7, [56.0, 24.0, 16.0, 80.0]);
    assert!((found[1].angle.unwrap() - quarter).abs() < 1e-5);
    assert_eq!(found[0].corners.unwrap()[0], [24.0, 56.0]);

    let pose = single(layout("yolov8-pose"), [1, 8, 84], 1);
    let mut raw = outputs(&pose, 1, || 0.0);
    for (row, number) in [32.0, 32.0, 16.0, 16.0, 0.9, 30.0, 99.0, 0.5].into_iter().enumerate() {
        raw.tensors[0].data[row * 84] = number;
    }
    let found = detect(&pose, &raw, FRAME);
    assert_eq!(found[0].keypoints, [[60.0, 128.0, 0.5]], "clipped to the frame");

    let shapes = [("output0", vec![1, 7, 84]), ("output1", vec![1, 2, 16, 16])];
    let masks = detector(layout("yolov8-seg"), SIDE, &shapes, 1);
    let mut raw = outputs(&masks, 1, || 1.0);
    raw.tensors[0].data.fill(0.0);
    for (row, number) in [32.0, 32.0, 16.0, 16.0, 0.9, 1.0, -0.5].into_iter().enumerate() {
        raw.tensors[0].data[row * 84] = number;
    }
    assert_eq!(detect(&masks, &raw, FRAME)[0].mask, None, "only on request");
    let placement = FrameTransform::of(FRAME, &masks.input);
    let mut stage = BoxStage::new(&masks, Thresholds::DEFAULT).unwrap().with_masks(true);
    let mut found = Vec::new();
    stage.detect(&raw, 0, &placement, &mut found).unwrap();
    let mask = found[0].mask.as_ref().unwrap();
    assert_eq!((mask.size, mask.counts.iter().sum::<usize>()), ([128, 128], 128 * 128));
    // The whole box: 32 columns of 32 pixels from (48, 48) on.
    assert_eq!(mask.counts[..3], [48 * 128 + 48, 32, 96]);
    assert_eq!(mask.counts.iter().skip(1).step_by(2).sum::<usize>(), 32 * 32);
}

#[test]
fn classes_beyond_the_labels_are_an_error() {
    let detector = single(layout("end-to-end"), [1, 1, 6], 2);
    let mut outputs = outputs(&detector, 1, || 0.0);
    outputs.tensors[0].data.copy_from_slice(&[0.0, 0.0, 9.0, 9.0, 0.9, 2.0]);
    let mut detections = Vec::new();
    let error = BoxStage::new(&detector, Thresholds::DEFAULT)
        .unwrap()
        .detect(&outputs, 0, &FrameTransform::of(FRAME, &detector.input), &mut detections)
        .unwrap_err();
    assert_eq!(error, BoxError::Unlabelled { class_id: 2, labels: 2 });
}

/// The raw outputs that ONNX Runtime made of this image are among the reference data.
const REFERENCE_IMAGE: &str = "000000000139.jpg";

fn assert_reference(detector: &Detector, model: &str) {
    let Some(data) = test_data() else { return };
    let reference = reference_image(&data, model, REFERENCE_IMAGE);
    let mut outputs = outputs(detector, 1, || 0.0);
    for tensor in &mut outputs.tensors {
        tensor.data = reference_output(&data, model, &tensor.name, &tensor.image_shape);
    }
    let frame = Size { width: reference.width, height: reference.height };
    let detections = detect(detector, &outputs, frame);
    assert_eq!(detections.len(), reference.detections.len());
    for (detection, expected) in detections.iter().zip(&reference.detections) {
        assert_eq!(detection.class_id, expected.class_id);
        assert!((detection.score - expected.score).abs() < 2e-5, "{detection:?}, not {expected:?}");
        let Detection { x, y, width, height, .. } = *detection;
        let pairs =
            [x, y, width, height].into_iter().zip([expected.x, expected.y, expected.w, expected.h]);
        for (got, expected_pixels) in pairs {
            assert!((got - expected_pixels).abs() < 0.02, "{detection:?}, not {expected:?}");
        }
    }
}

#[test]
fn reference_outputs_of_yolox_give_the_reference_detections() {
    let boxes = layout("yolox").with_strides(&STRIDES);
    assert_reference(&detector(boxes, 416, &[("output", vec![1, 3549, 85])], 80), "yolox_nano");
}

#[test]
fn reference_outputs_of_yunet_give_the_reference_detections() {
    assert_reference(&yunet(320), "yunet_n_320_320");
}
