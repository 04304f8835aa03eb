//! Lists of boxes as torchvision exports them, with masks and key points.

use std::fs;

use framegate_models::Detector;
use framegate_models::detector::LoadOptions;
use framegate_onnx_proto::{AttributeProto, AttributeType, GraphProto, ValueInfoProto};

use super::{assert_refused, floats, graph, outputs, read};
use crate::onnx_model::{OnnxModel, OnnxNode};

/// Four boxes, labels and scores out of a grey image of 4 by 4, and as many numbers of it as are above 0: `chosen`.
fn list() -> OnnxModel {
    OnnxModel::new(13, "x", &[1, 1, 4, 4])
        .integers("rows", &[4, 4])
        .integers("flat", &[-1])
        .integers("axes", &[1])
        .node(OnnxNode::new("Reshape", &["x", "rows"], &["boxes"]))
        .node(
            OnnxNode::new("ReduceMax", &["boxes"], &["scores"])
                .integers("axes", &[1])
                .integer("keepdims", 0),
        )
        .node(
            OnnxNode::new("ArgMax", &["boxes"], &["labels"])
                .integer("axis", 1)
                .integer("keepdims", 0),
        )
        .node(OnnxNode::new("Reshape", &["x", "flat"], &["all"]))
        .node(OnnxNode::new("NonZero", &["all"], &["places"]))
        .node(OnnxNode::new("Transpose", &["places"], &["tuples"]))
        .node(OnnxNode::new("GatherND", &["all", "tuples"], &["chosen"]))
        .output("boxes")
        .output("labels")
        .output("scores")
}

#[test]
fn boxes_are_read_without_an_output_that_cannot_be_computed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("m.onnx");
    let options = LoadOptions { labels: None, input_size: None };
    let model = list()
        .integers("zero", &[0])
        .integers("last", &[-1])
        .node(OnnxNode::new("Slice", &["chosen", "zero", "last"], &["part"]))
        .node(OnnxNode::new("Neg", &["part"], &["keypoints"]))
        .output("keypoints");
    fs::write(&path, model.bytes()).unwrap();
    let detector = Detector::load(&path, &options).unwrap();
    assert_eq!(detector.boxes.name(), "boxes-labels-scores");
    assert_eq!(detector.model.graph.outputs.len(), 3);
    let guesses = detector.guesses.join("\n");
    for fragment in ["`keypoints` is left out", "make_part", "depends on the image"] {
        assert!(guesses.contains(fragment), "no {fragment} in {guesses}");
    }
    // Raw outputs are refused.
    assert_refused(read(&model).unwrap().graph(4, 4), &["make_part"]);
    fs::write(path.with_extension("toml"), "boxes = \"tensors\"").unwrap();
    let message = Detector::load(&path, &options).unwrap_err().to_string();
    assert!(message.contains("make_part"), "{message}");
}

/// The loop that resizes each mask to its box: here to a size that an image says.
#[test]
fn masks_are_taken_before_they_are_pasted() {
    let name = |name: &str| ValueInfoProto { name: name.to_owned(), ..Default::default() };
    let body = GraphProto {
        input: vec![name("i"), name("go_on"), name("images")],
        node: vec![
            OnnxNode::new("Gather", &["masks", "i"], &["channels"]).0,
            OnnxNode::new("Unsqueeze", &["channels", "none"], &["mask"]).0,
            OnnxNode::new("Resize", &["mask", "", "", "size"], &["large"]).0,
            OnnxNode::new("Squeeze", &["large", "none"], &["pasted"]).0,
            OnnxNode::new("Concat", &["images", "pasted"], &["more"]).integer("axis", 0).0,
            OnnxNode::new("Identity", &["go_on"], &["still"]).0,
        ],
        output: vec![name("still"), name("more")],
        ..Default::default()
    };
    let mut pasting = OnnxNode::new("Loop", &["count", "", "empty"], &["images_after"]);
    pasting.0.attribute.push(AttributeProto {
        name: "body".to_owned(),
        r#type: AttributeType::Graph.into(),
        g: Some(Box::new(body)),
        ..Default::default()
    });
    let model = OnnxModel::new(13, "x", &[1, 3, 4, 4])
        .integers("three", &[3, 1, 4, 4])
        .integers("count", &[3])
        .integers("none", &[0])
        .integers("first", &[1, 1])
        .weights("empty", &[0, 4, 4], vec![])
        .node(OnnxNode::new("Reshape", &["x", "three"], &["masks"]))
        .node(OnnxNode::new("ReduceMax", &["x"], &["side"]).integer("keepdims", 0))
        .node(OnnxNode::new("Cast", &["side"], &["whole"]).integer("to", 7))
        .node(OnnxNode::new("Unsqueeze", &["whole", "none"], &["one"]))
        .node(OnnxNode::new("Concat", &["first", "one", "one"], &["size"]).integer("axis", 0))
        .node(pasting)
        .output("images_after");
    let graph = graph(&model);
    let masks = &outputs(&graph)[0];
    assert_eq!(masks.shape(), [3, 4, 4]);
    assert_eq!(floats(masks)[..3], [0.0, 1.0, 2.0]);
    assert_eq!(floats(masks)[47], 47.0);
}
