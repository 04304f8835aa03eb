//! Operators that exporters write for TensorRT's plugins. ONNX Runtime has none of them, so the expected results are
//! written down here, by the plugins' documents.

use framegate_backend_api::HostTensor;
use framegate_onnx_proto::{AttributeProto, AttributeType};
use framegate_testkit::evaluate_graph;

use super::graph;
use crate::onnx_model::{OnnxModel, OnnxNode};

fn float(mut node: OnnxNode, name: &str, number: f32) -> OnnxNode {
    node.0.attribute.push(AttributeProto {
        name: name.to_owned(),
        r#type: AttributeType::Float.into(),
        f: Some(number),
        ..Default::default()
    });
    node
}

/// Six boxes as corners, the second of which overlaps the first, with two scores each out of an image.
fn model(node: OnnxNode, boxes: Vec<f32>) -> OnnxModel {
    OnnxModel::new(13, "x", &[1, 3, 2, 2])
        .weights("boxes", &[1, 6, 4], boxes)
        .integers("shape", &[1, 6, 2])
        .node(OnnxNode::new("Reshape", &["x", "shape"], &["scores"]))
        .node(node)
        .output("num_dets")
        .output("det_boxes")
        .output("det_scores")
        .output("det_classes")
}

#[rustfmt::skip]
fn corners() -> Vec<f32> {
    vec![
        0.0, 0.0, 10.0, 10.0,
        0.0, 0.0, 10.0, 9.0,
        20.0, 20.0, 30.0, 30.0,
        40.0, 40.0, 50.0, 50.0,
        60.0, 60.0, 70.0, 70.0,
        80.0, 80.0, 90.0, 90.0,
    ]
}

#[rustfmt::skip]
const SCORES: [f32; 12] = [
    0.9, 0.1,
    0.8, 0.7,
    0.1, 0.6,
    0.2, 0.2,
    0.5, 0.1,
    0.0, 0.0,
];

const RESULTS: [&str; 4] = ["num_dets", "det_boxes", "det_scores", "det_classes"];

fn run(model: &OnnxModel) -> Vec<Vec<f32>> {
    let image = HostTensor::from_f32([1, 3, 2, 2], SCORES.to_vec());
    let elements = |output: &HostTensor| match (output.as_f32(), output.as_i64()) {
        (Some(floats), _) => floats.to_vec(),
        (_, Some(integers)) => integers.iter().map(|integer| *integer as f32).collect(),
        _ => panic!("booleans"),
    };
    evaluate_graph(&graph(model), &image).iter().map(elements).collect()
}

fn efficient(agnostic: i64, most: i64) -> OnnxNode {
    let mut node = OnnxNode::new("EfficientNMS_TRT", &["boxes", "scores"], &RESULTS)
        .integer("max_output_boxes", most)
        .integer("class_agnostic", agnostic);
    node.0.domain = "TRT".to_owned();
    float(float(node, "iou_threshold", 0.5), "score_threshold", 0.25)
}

#[test]
fn the_best_boxes_of_each_class_are_kept() {
    let results = run(&model(efficient(0, 5), corners()));
    assert_eq!(results[0], [4.0]);
    assert_eq!(results[2], [0.9, 0.7, 0.6, 0.5, 0.0]);
    assert_eq!(results[3], [0.0, 1.0, 1.0, 0.0, 0.0]);
    assert_eq!(results[1][4..8], [0.0, 0.0, 10.0, 9.0]);
    assert_eq!(results[1][16..], [0.0; 4]);
}

#[test]
fn a_plugin_may_say_which_candidates_it_kept() {
    let mut node = efficient(0, 5);
    node.0.op_type = "EfficientIdxNMS_TRT".to_owned();
    node.0.output.push("det_indices".to_owned());
    let results = run(&model(node, corners()).output("det_indices"));
    assert_eq!(results[2], [0.9, 0.7, 0.6, 0.5, 0.0]);
    assert_eq!(results[4], [0.0, 1.0, 2.0, 4.0, 0.0]);
}

#[test]
fn classes_may_suppress_each_other_and_the_number_is_bounded() {
    let results = run(&model(efficient(1, 2), corners()));
    assert_eq!((&results[0][..], &results[2][..]), (&[2.0][..], &[0.9, 0.6][..]));
    assert_eq!(results[3], [0.0, 1.0]);
}

#[test]
fn boxes_may_be_centres_and_sizes() {
    let centred = corners()
        .chunks_exact(4)
        .flat_map(|b| [(b[0] + b[2]) / 2.0, (b[1] + b[3]) / 2.0, b[2] - b[0], b[3] - b[1]])
        .collect();
    let results = run(&model(efficient(0, 5).integer("box_coding", 1), centred));
    assert_eq!(results[1][4..8], [0.0, 0.0, 10.0, 9.0]);
}

/// Without a domain, as ONNX GraphSurgeon writes it.
#[test]
fn the_older_plugin_leaves_out_the_background() {
    let node = |normalised| {
        let node = OnnxNode::new("BatchedNMS_TRT", &["boxes", "scores"], &RESULTS)
            .integer("keepTopK", 3)
            .integer("backgroundLabelId", 0)
            .integer("isNormalized", normalised);
        float(float(node, "iouThreshold", 0.5), "scoreThreshold", 0.25)
    };
    let results = run(&model(node(0), corners()));
    assert_eq!((&results[0][..], &results[2][..]), (&[2.0][..], &[0.7, 0.6, 0.0][..]));
    assert_eq!(results[3], [1.0, 1.0, 0.0]);
    assert_eq!(results[1][..8], [0.0, 0.0, 10.0, 9.0, 20.0, 20.0, 30.0, 30.0]);
    // Fractions are cut off at the edges of the image.
    let fractions = corners().iter().map(|edge| edge / 25.0).collect();
    let results = run(&model(node(1), fractions));
    assert_eq!(results[1][4..8], [0.8, 0.8, 1.0, 1.0]);
}
