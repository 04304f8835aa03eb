//! Files in every form in which exporters write them: each is read as what it means.

mod image_inputs;
mod lists;
mod plugins;
mod runtime;
mod sequences;
mod weights_elsewhere;

use std::fs;

use framegate_backend_api::HostTensor;
use framegate_backend_api::graph::{Batching, Graph};
use framegate_models::onnx::{InputValues, OnnxError, OnnxFile};
use framegate_models::passes;
use framegate_onnx_proto::{
    AttributeProto, AttributeType, FunctionProto, GraphProto, NodeProto, OperatorSetIdProto,
};
use framegate_testkit::evaluate_graph;

use crate::onnx_model::{FLOAT, INT64, OnnxModel, OnnxNode, declaration};
use crate::support::test_data;

const IMAGE: &[i64] = &[1, 3, 4, 4];

fn read(model: &OnnxModel) -> Result<OnnxFile, OnnxError> {
    OnnxFile::parse(&model.bytes())
}

fn graph(model: &OnnxModel) -> Graph {
    let file = read(model).unwrap();
    let [height, width] = file.image_size().map(|extent| extent.unwrap_or(4));
    file.graph(height, width).unwrap()
}

/// The outputs for an image whose elements are the whole numbers from 0 on.
fn outputs(graph: &Graph) -> Vec<HostTensor> {
    let shape = graph.value(graph.input).shape.clone();
    let elements = (0..shape.iter().product()).map(|index: usize| index as f32).collect();
    evaluate_graph(graph, &HostTensor::from_f32(shape, elements))
}

fn floats(tensor: &HostTensor) -> &[f32] {
    tensor.as_f32().expect("it holds floats")
}

#[track_caller]
fn assert_refused<T>(result: Result<T, OnnxError>, fragments: &[&str]) {
    let Err(error) = result else { panic!("it should be refused") };
    let message = error.to_string();
    for fragment in fragments {
        assert!(message.contains(fragment), "no `{fragment}` in: {message}");
    }
}

#[test]
fn nodes_may_come_in_any_order() {
    let model = OnnxModel::new(13, "x", IMAGE)
        .node(OnnxNode::new("Neg", &["b"], &["y"]))
        .node(OnnxNode::new("Abs", &["a"], &["b"]))
        .node(OnnxNode::new("Neg", &["x"], &["a"]))
        .output("y");
    assert_eq!(floats(&outputs(&graph(&model))[0])[..3], [0.0, -1.0, -2.0]);
}

#[test]
fn nodes_in_a_circle_are_an_error() {
    let model = OnnxModel::new(13, "x", IMAGE)
        .node(OnnxNode::new("Add", &["x", "b"], &["a"]))
        .node(OnnxNode::new("Abs", &["a"], &["b"]))
        .output("b");
    assert_refused(read(&model), &["depends on its own result"]);
    let twice = OnnxModel::new(13, "x", IMAGE)
        .node(OnnxNode::new("Abs", &["x"], &["a"]))
        .node(OnnxNode::new("Neg", &["x"], &["a"]))
        .output("a");
    assert_refused(read(&twice), &["two nodes make `a`"]);
}

#[test]
fn what_no_output_needs_is_ignored() {
    let model = OnnxModel::new(13, "x", IMAGE)
        .input("unused", FLOAT, &[7])
        .input("only_for_a_dead_node", INT64, &[2])
        .node(OnnxNode::new("FrobnicateTwice", &["x", "only_for_a_dead_node"], &["dead"]))
        .node(OnnxNode::new("Abs", &["x"], &["y"]))
        .output("y");
    let file = read(&model).unwrap();
    assert_eq!(file.input().name, "x");
    assert!(file.other_inputs().is_empty());
    assert_eq!(file.operator_counts().into_keys().collect::<Vec<_>>(), ["Abs"]);
    assert!(file.graph(4, 4).is_ok());
}

#[test]
fn an_output_that_does_not_depend_on_the_image_is_left_out() {
    let model = OnnxModel::new(13, "x", IMAGE)
        .weights("anchors", &[1, 2], vec![3.0, 4.0])
        .node(OnnxNode::new("Neg", &["anchors"], &["priors"]))
        .node(OnnxNode::new("Abs", &["x"], &["y"]));
    let both = graph(&model.output("priors").output("y"));
    assert_eq!(both.outputs.len(), 1);
    assert_eq!(both.value(both.outputs[0]).name, "y");
    assert_eq!(both.batching, Batching::FirstAxis);

    let constant = OnnxModel::new(13, "x", IMAGE)
        .weights("anchors", &[1, 2], vec![3.0, 4.0])
        .node(OnnxNode::new("Neg", &["anchors"], &["priors"]))
        .output("priors");
    assert_refused(read(&constant), &["none of its outputs depends on the image"]);
}

#[test]
fn an_initialiser_may_be_declared_as_an_input() {
    let model = OnnxModel::new(8, "x", IMAGE)
        .input("w", FLOAT, &[1])
        .weights("w", &[1], vec![2.0])
        .node(OnnxNode::new("Mul", &["x", "w"], &["y"]))
        .output("y");
    assert_eq!(floats(&outputs(&graph(&model))[0])[..3], [0.0, 2.0, 4.0]);
}

#[test]
fn old_operator_sets_say_how_to_make_newer_ones() {
    let of = |opset| {
        OnnxModel::new(opset, "x", IMAGE).node(OnnxNode::new("Abs", &["x"], &["y"])).output("y")
    };
    for opset in [7, 13, 25] {
        assert!(read(&of(opset)).is_ok(), "{opset}");
    }
    assert_refused(read(&of(6)), &["operator set 6", "convert_version"]);
}

/// A function of the file that multiplies by an attribute and subtracts its second operand, if it has one.
fn scale_and_shift() -> FunctionProto {
    let reference = AttributeProto {
        name: "value_float".to_owned(),
        ref_attr_name: "factor".to_owned(),
        r#type: AttributeType::Float.into(),
        ..Default::default()
    };
    let mut constant = OnnxNode::new("Constant", &[], &["f"]).0;
    constant.attribute.push(reference);
    FunctionProto {
        name: "ScaleAndShift".to_owned(),
        domain: "this".to_owned(),
        input: vec!["a".to_owned(), "b".to_owned()],
        output: vec!["c".to_owned()],
        node: vec![
            constant,
            OnnxNode::new("Mul", &["a", "f"], &["m"]).0,
            OnnxNode::new("Sub", &["m", "b"], &["c"]).0,
        ],
        opset_import: vec![OperatorSetIdProto { version: 18, ..Default::default() }],
        attribute_proto: vec![AttributeProto {
            name: "factor".to_owned(),
            r#type: AttributeType::Float.into(),
            f: Some(2.0),
            ..Default::default()
        }],
        ..Default::default()
    }
}

fn call(inputs: &[&str], output: &str, factor: Option<f32>) -> OnnxNode {
    let mut node = OnnxNode::new("ScaleAndShift", inputs, &[output]);
    node.0.domain = "this".to_owned();
    node.0.attribute.extend(factor.map(|factor| AttributeProto {
        name: "factor".to_owned(),
        r#type: AttributeType::Float.into(),
        f: Some(factor),
        ..Default::default()
    }));
    node
}

#[test]
fn functions_of_the_file_are_inlined() {
    let model = OnnxModel::new(18, "x", IMAGE)
        .weights("one", &[1], vec![1.0])
        .node(call(&["x", "one"], "once", None))
        .node(call(&["once", "one"], "y", Some(3.0)))
        .output("y")
        .edit(|model| model.functions.push(scale_and_shift()));
    // (2x - 1) · 3 - 1
    assert_eq!(floats(&outputs(&graph(&model))[0])[..3], [-4.0, 2.0, 8.0]);
}

#[test]
fn functions_that_call_themselves_or_explode_are_errors() {
    let itself = |nodes: Vec<NodeProto>| FunctionProto { node: nodes, ..scale_and_shift() };
    let model = |function: FunctionProto| {
        OnnxModel::new(18, "x", IMAGE)
            .node(call(&["x", "x"], "y", None))
            .output("y")
            .edit(|model| model.functions.push(function))
    };
    let circle = itself(vec![call(&["a", "b"], "c", None).0]);
    assert_refused(read(&model(circle)), &["`ScaleAndShift`", "calls itself"]);
    // Twice at each level: a billion nodes, if it were not stopped.
    let twice = vec![call(&["a", "b"], "d", None).0, call(&["d", "b"], "c", None).0];
    assert_refused(read(&model(itself(twice))), &["`ScaleAndShift`"]);
    let wide = |name: &str, inner: &str| FunctionProto {
        name: name.to_owned(),
        node: (0..100)
            .map(|index| {
                let mut node = call(&["a", "b"], &format!("v{index}"), None).0;
                node.op_type = inner.to_owned();
                node
            })
            .collect(),
        ..scale_and_shift()
    };
    let fan = OnnxModel::new(18, "x", IMAGE).node(call(&["x", "x"], "y", None)).output("y").edit(
        |model| {
            model.functions.push(wide("ScaleAndShift", "b"));
            model.functions.push(wide("b", "c"));
            model.functions.push(wide("c", "d"));
            model.functions.push(wide("d", "Abs"));
        },
    );
    assert_refused(read(&fan), &["too many nodes"]);
}

/// One large attribute or name of a call, and a function that uses it often: in many nodes, or often in one.
#[test]
fn functions_that_repeat_what_a_call_gives_them_have_a_limit() {
    let large = "n".repeat(1 << 20);
    let reference = |name: String| AttributeProto {
        name,
        ref_attr_name: "factor".to_owned(),
        ..Default::default()
    };
    let node = |inputs: Vec<String>, attribute: Vec<AttributeProto>| NodeProto {
        op_type: "Constant".to_owned(),
        input: inputs,
        attribute,
        ..Default::default()
    };
    let attributes = (0..100).map(|index| reference(index.to_string())).collect();
    for body in [
        (0..100).map(|_| node(Vec::new(), vec![reference("value".to_owned())])).collect(),
        vec![node(Vec::new(), attributes)],
        vec![node(vec!["a".to_owned(); 100], Vec::new())],
    ] {
        let model = OnnxModel::new(18, "x", IMAGE)
            .node({
                let mut node = call(&[&large, "x"], "y", None);
                node.0.attribute.push(AttributeProto {
                    name: "factor".to_owned(),
                    r#type: AttributeType::String.into(),
                    s: Some(large.clone().into_bytes()),
                    ..Default::default()
                });
                node
            })
            .output("y")
            .edit(|model| {
                model.functions.push(FunctionProto { node: body, ..scale_and_shift() });
            });
        assert_refused(read(&model), &["`ScaleAndShift`", "repeats"]);
    }
}

#[test]
fn a_condition_that_is_known_in_advance_is_resolved() {
    let branch = |operator: &str, name: &str| {
        let graph = GraphProto {
            node: vec![OnnxNode::new(operator, &["x"], &[name]).0],
            output: vec![declaration(name, FLOAT, IMAGE)],
            ..Default::default()
        };
        Some(Box::new(graph))
    };
    let mut choice = OnnxNode::new("If", &["is_small"], &["y"]);
    for (name, g) in
        [("then_branch", branch("Neg", "n")), ("else_branch", branch("FrobnicateTwice", "a"))]
    {
        choice.0.attribute.push(AttributeProto {
            name: name.to_owned(),
            r#type: AttributeType::Graph.into(),
            g,
            ..Default::default()
        });
    }
    let model = OnnxModel::new(13, "x", &[1, 3, -1, 4])
        .integers("height", &[2])
        .integers("limit", &[10])
        .node(OnnxNode::new("Shape", &["x"], &["shape"]))
        .node(OnnxNode::new("Gather", &["shape", "height"], &["rows"]))
        .node(OnnxNode::new("Less", &["rows", "limit"], &["is_small"]))
        .node(choice)
        .output("y");
    let file = read(&model).unwrap();
    let small = file.graph(4, 4).unwrap();
    assert_eq!(floats(&outputs(&small)[0])[..3], [0.0, -1.0, -2.0]);
    // The other branch has an operator that nothing knows.
    assert_refused(file.graph(12, 4), &["make_a", "not supported"]);
}

/// Files that an operator or a layout is still missing for are refused for that, and for nothing else.
#[test]
fn the_files_of_the_zoo_get_past_the_reader() {
    let Some(data) = test_data() else { return };
    let mut read = 0;
    for folder in ["small", "trained"] {
        let Ok(entries) = fs::read_dir(data.join("zoo").join(folder)) else { return };
        for path in entries.map(|entry| entry.unwrap().path()) {
            if path.extension().is_none_or(|extension| extension != "onnx") {
                continue;
            }
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            let bytes = fs::read(&path).unwrap();
            let file = match OnnxFile::parse_at(&bytes, Some(&path), InputValues::new()) {
                Ok(file) => file,
                Err(OnnxError::UnsupportedOperators(_)) => continue,
                Err(error) => panic!("{name}: {error}"),
            };
            let [height, width] = file.image_size().map(|extent| extent.unwrap_or(320));
            match file.graph(height, width) {
                Ok(graph) => {
                    passes::optimise(graph);
                    read += 1;
                }
                Err(OnnxError::Node { problem, .. }) if problem.contains("not supported") => {}
                // It takes boxes and settings, not an image.
                Err(OnnxError::Input(_)) if name == "hyuto-nms-yolov8.onnx" => {}
                Err(error) => panic!("{name}: {error}"),
            }
        }
    }
    assert!(read >= 25, "only {read} were read");
}

#[test]
fn negative_pads_cut_off() {
    let model = OnnxModel::new(13, "x", IMAGE)
        .integers("pads", &[0, 0, -1, 2, 0, 0, -2, -1])
        .node(OnnxNode::new("Pad", &["x", "pads"], &["y"]))
        .output("y");
    let found = outputs(&graph(&model));
    assert_eq!(found[0].shape(), [1, 3, 1, 5]);
    assert_eq!(floats(&found[0])[..5], [0.0, 0.0, 4.0, 5.0, 6.0]);
    let too_much = OnnxModel::new(13, "x", IMAGE)
        .integers("pads", &[0, 0, -3, 0, 0, 0, -2, 0])
        .node(OnnxNode::new("Pad", &["x", "pads"], &["y"]))
        .output("y");
    assert_refused(read(&too_much).unwrap().graph(4, 4), &["cut off more than there is"]);
}

/// Hugging Face's EfficientNet takes the mean of everything by a window as large as it has channels.
#[test]
fn a_window_may_be_larger_than_the_feature_map() {
    let pooled = |kernel: &[i64]| {
        let pool = OnnxNode::new("AveragePool", &["x"], &["y"])
            .integers("kernel_shape", kernel)
            .integers("strides", kernel)
            .integer("ceil_mode", 1);
        let graph = graph(&OnnxModel::new(13, "x", IMAGE).node(pool).output("y"));
        outputs(&graph).remove(0)
    };
    let means = pooled(&[100_000, 100_000]);
    assert_eq!((means.shape(), floats(&means)), (&[1, 3, 1, 1][..], &[7.5, 23.5, 39.5][..]));
    let rows = pooled(&[1, 100_000]);
    assert_eq!((rows.shape(), floats(&rows)[1]), (&[1, 3, 4, 1][..], 5.5));
}

#[test]
fn computed_constants_that_nothing_reads_any_more_are_freed() {
    let mut model = OnnxModel::new(13, "x", IMAGE)
        .integers("shape", &[1024, 1024])
        .node(OnnxNode::new("ConstantOfShape", &["shape"], &["zeros"]))
        .node(OnnxNode::new("Exp", &["zeros"], &["c0"]));
    for index in 0..80 {
        let names = [index, index + 1].map(|index| format!("c{index}"));
        model = model.node(OnnxNode::new("Neg", &[&names[0]], &[&names[1]]));
    }
    // The first -1 is still there, and the last 1: together they would take more than constants may.
    let model = model
        .node(OnnxNode::new("Add", &["c80", "c1"], &["sum"]))
        .node(OnnxNode::new("ReduceMax", &["sum"], &["largest"]))
        .node(OnnxNode::new("Add", &["x", "largest"], &["y"]))
        .output("y");
    assert_eq!(floats(&outputs(&graph(&model))[0])[..3], [0.0, 1.0, 2.0]);
}
