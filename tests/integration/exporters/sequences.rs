//! Sequences of tensors, which are taken apart while a file is read.

use super::{IMAGE, assert_refused, floats, graph, outputs, read};
use crate::onnx_model::{OnnxModel, OnnxNode};

/// The three channels of the image as a sequence.
fn channels() -> OnnxModel {
    OnnxModel::new(13, "x", IMAGE)
        .node(OnnxNode::new("SplitToSequence", &["x"], &["channels"]).integer("axis", 1))
}

#[test]
fn tensors_are_put_in_and_taken_out() {
    let model = channels()
        .integers("last", &[-1])
        .integers("first", &[0])
        .node(OnnxNode::new("SequenceAt", &["channels", "last"], &["blue"]))
        .node(OnnxNode::new("Neg", &["blue"], &["negative"]))
        .node(OnnxNode::new("SequenceErase", &["channels", "first"], &["two"]))
        .node(OnnxNode::new("SequenceInsert", &["two", "negative", "first"], &["three"]))
        .node(OnnxNode::new("Identity", &["three"], &["same"]))
        .node(OnnxNode::new("ConcatFromSequence", &["same"], &["y"]).integer("axis", 1))
        .node(OnnxNode::new("SequenceLength", &["same"], &["len"]))
        .node(OnnxNode::new("Cast", &["len"], &["float"]).integer("to", 1))
        .node(OnnxNode::new("Mul", &["blue", "float"], &["z"]))
        .output("y")
        .output("z");
    let outputs = outputs(&graph(&model));
    assert_eq!(outputs[0].shape(), [1, 3, 4, 4]);
    let y = floats(&outputs[0]);
    assert_eq!([y[0], y[16], y[32], y[47]], [-32.0, 16.0, 32.0, 47.0]);
    assert_eq!(floats(&outputs[1])[1], 99.0);
}

#[test]
fn parts_may_differ_and_a_new_axis_may_join_them() {
    let model = OnnxModel::new(13, "x", IMAGE)
        .integers("parts", &[1, 3])
        .integers("at", &[1])
        .node(OnnxNode::new("SplitToSequence", &["x", "parts"], &["s"]).integer("axis", 3))
        .node(OnnxNode::new("SequenceAt", &["s", "at"], &["right"]))
        .node(OnnxNode::new("SequenceEmpty", &[], &["none"]))
        .node(OnnxNode::new("SequenceInsert", &["none", "right"], &["one"]))
        .node(OnnxNode::new("SequenceInsert", &["one", "right"], &["two"]))
        .node(
            OnnxNode::new("ConcatFromSequence", &["two"], &["y"])
                .integer("axis", 0)
                .integer("new_axis", 1),
        )
        .node(OnnxNode::new("SequenceConstruct", &["right", "right"], &["pair"]))
        .node(OnnxNode::new("ConcatFromSequence", &["pair"], &["z"]).integer("axis", -1))
        .output("y")
        .output("z");
    let outputs = outputs(&graph(&model));
    assert_eq!(outputs[0].shape(), [2, 1, 3, 4, 3]);
    assert_eq!(floats(&outputs[0])[..4], [1.0, 2.0, 3.0, 5.0]);
    assert_eq!(outputs[1].shape(), [1, 3, 4, 6]);
    assert_eq!(floats(&outputs[1])[..7], [1.0, 2.0, 3.0, 1.0, 2.0, 3.0, 5.0]);
}

#[test]
fn a_sequence_is_not_a_tensor() {
    let negated = channels().node(OnnxNode::new("Neg", &["channels"], &["y"])).output("y");
    assert_refused(read(&negated).unwrap().graph(4, 4), &["make_y", "sequence"]);
    assert_refused(read(&channels().output("channels")).unwrap().graph(4, 4), &["channels"]);
    let beyond = channels()
        .integers("three", &[3])
        .node(OnnxNode::new("SequenceAt", &["channels", "three"], &["y"]))
        .output("y");
    assert_refused(read(&beyond).unwrap().graph(4, 4), &["place 3", "3 tensors"]);
    let tensor = OnnxModel::new(13, "x", IMAGE)
        .node(OnnxNode::new("SequenceLength", &["x"], &["y"]))
        .output("y");
    assert_refused(read(&tensor).unwrap().graph(4, 4), &["not a sequence"]);
}
