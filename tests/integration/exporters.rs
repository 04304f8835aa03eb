//! Files in every form in which exporters write them: each is read as what it means.

use std::fs;
use std::path::Path;

use framegate_backend_api::HostTensor;
use framegate_backend_api::graph::{Batching, Graph, Operator};
use framegate_models::onnx::{InputValues, OnnxError, OnnxFile};
use framegate_models::passes;
use framegate_onnx_proto::{
    AttributeProto, AttributeType, FunctionProto, GraphProto, NodeProto, OperatorSetIdProto,
    StringStringEntryProto, TensorProto,
};
use framegate_testkit::evaluate_graph;

use crate::onnx_model::{FLOAT, INT64, OnnxModel, OnnxNode, declaration};
use crate::support::test_data;

/// Numbers of `UINT8`, `BOOL` and `DOUBLE` in ONNX's `TensorProto.DataType`.
const UINT8: i32 = 2;
const BOOL: i32 = 9;
const DOUBLE: i32 = 11;

const IMAGE: &[i64] = &[1, 3, 4, 4];

fn read(model: &OnnxModel) -> Result<OnnxFile, OnnxError> {
    OnnxFile::parse(&model.bytes())
}

fn graph(model: &OnnxModel) -> Graph {
    let file = read(model).unwrap();
    let [height, width] = file.image_size().map(|extent| extent.unwrap_or(4));
    file.graph(height, width).unwrap()
}

/// What the graph makes of an image whose elements are the whole numbers from 0 on.
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

/// A model that adds weights which are in another file.
fn with_weights_elsewhere(entries: &[(&str, &str)]) -> OnnxModel {
    let entries = entries
        .iter()
        .map(|(key, value)| StringStringEntryProto {
            key: (*key).to_owned(),
            value: (*value).to_owned(),
        })
        .collect();
    OnnxModel::new(18, "x", IMAGE)
        .node(OnnxNode::new("Add", &["x", "w"], &["y"]))
        .output("y")
        .edit(|model| {
            model.graph.as_mut().unwrap().initializer.push(TensorProto {
                name: "w".to_owned(),
                dims: vec![2, 1],
                data_type: FLOAT,
                external_data: entries,
                ..Default::default()
            });
        })
        .edit(|model| model.graph.as_mut().unwrap().initializer[0].dims = vec![1, 1])
}

fn read_at(path: &Path, model: &OnnxModel) -> Result<OnnxFile, OnnxError> {
    OnnxFile::parse_at(&model.bytes(), Some(path), InputValues::new())
}

#[test]
fn weights_beside_the_file_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("m.onnx");
    let bytes: Vec<u8> = [7.0_f32, 5.0].iter().flat_map(|x| x.to_le_bytes()).collect();
    fs::write(folder.path().join("m.onnx.data"), &bytes).unwrap();
    let entries = [("location", "m.onnx.data"), ("offset", "4"), ("length", "4")];
    let file = read_at(&path, &with_weights_elsewhere(&entries)).unwrap_err();
    // The model itself must be there too: its folder is where links may lead.
    assert!(file.to_string().contains("m.onnx.data"), "{file}");
    fs::write(&path, b"a model").unwrap();
    let file = read_at(&path, &with_weights_elsewhere(&entries)).unwrap();
    assert_eq!(floats(&outputs(&file.graph(4, 4).unwrap())[0])[..2], [5.0, 6.0]);
}

#[test]
fn weights_elsewhere_are_refused_in_words_that_help() {
    let folder = tempfile::tempdir().unwrap();
    let inside = folder.path().join("inside");
    fs::create_dir(&inside).unwrap();
    let path = inside.join("m.onnx");
    fs::write(&path, b"a model").unwrap();
    fs::write(inside.join("data"), [0; 8]).unwrap();
    fs::write(folder.path().join("secret"), [0; 8]).unwrap();
    let absolute = folder.path().join("secret").display().to_string();
    let cases: &[(&[(&str, &str)], &str)] = &[
        (&[("location", "missing")], "it is not there"),
        (&[("location", "../secret")], "only files in the model's own folder"),
        (&[("location", &absolute)], "only files in the model's own folder"),
        (&[("location", "")], "only files in the model's own folder"),
        (&[("location", ".")], "not a regular file"),
        (&[("location", "data"), ("offset", "5")], "reach beyond its 8 bytes"),
        (&[("location", "data"), ("offset", "18446744073709551615")], "reach beyond"),
        (&[("location", "data"), ("offset", "-1")], "`offset` is `-1`"),
        (&[("location", "data"), ("length", "8")], "declares 8 bytes where its shape has 4"),
    ];
    for (entries, words) in cases {
        assert_refused(read_at(&path, &with_weights_elsewhere(entries)), &["`w`", words]);
    }
    let model = with_weights_elsewhere(&[("location", "data")]);
    assert_refused(read(&model), &["in memory"]);
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink("../secret", inside.join("link")).unwrap();
        let link = with_weights_elsewhere(&[("location", "link")]);
        assert_refused(read_at(&path, &link), &["outside the model's own folder"]);
        std::os::unix::fs::symlink("/dev/zero", inside.join("zero")).unwrap();
        let device = with_weights_elsewhere(&[("location", "zero")]);
        assert_refused(read_at(&path, &device), &["outside the model's own folder"]);
    }
}

#[cfg(unix)]
#[test]
fn a_cache_of_links_counts_as_one_folder() {
    let folder = tempfile::tempdir().unwrap();
    let (blobs, snapshot) = (folder.path().join("blobs"), folder.path().join("snapshot"));
    fs::create_dir(&blobs).unwrap();
    fs::create_dir(&snapshot).unwrap();
    fs::write(blobs.join("1"), b"a model").unwrap();
    fs::write(blobs.join("2"), 5.0_f32.to_le_bytes()).unwrap();
    std::os::unix::fs::symlink("../blobs/1", snapshot.join("m.onnx")).unwrap();
    std::os::unix::fs::symlink("../blobs/2", snapshot.join("m.data")).unwrap();
    let model = with_weights_elsewhere(&[("location", "m.data")]);
    assert!(read_at(&snapshot.join("m.onnx"), &model).is_ok());
}

#[test]
fn channels_in_the_last_place_are_moved_there() {
    let model = OnnxModel::new(13, "x", &[1, 4, 6, 3])
        .node(OnnxNode::new("Transpose", &["x"], &["y"]).integers("perm", &[0, 3, 1, 2]))
        .output("y");
    let file = read(&model).unwrap();
    assert_eq!(file.image_size(), [Some(4), Some(6)]);
    assert_eq!(file.image_layout().unwrap().axes(), "[batch, height, width, channels]");
    let unfused = file.graph(4, 6).unwrap();
    assert_eq!(unfused.image_shape(), [3, 4, 6]);
    // The file moves them back at once: nothing is left of the two.
    let fused = passes::optimise(unfused);
    let is_transposition = |node: &&framegate_backend_api::graph::Node| {
        matches!(node.operator, Operator::Transpose { .. })
    };
    assert_eq!(fused.nodes.iter().filter(is_transposition).count(), 0);
    assert_eq!(floats(&outputs(&fused)[0])[..3], [0.0, 1.0, 2.0]);
}

#[test]
fn an_image_without_a_batch_axis_is_one() {
    let model =
        OnnxModel::new(13, "x", &[3, 4, 6]).node(OnnxNode::new("Neg", &["x"], &["y"])).output("y");
    let graph = graph(&model);
    assert_eq!(graph.image_shape(), [3, 4, 6]);
    assert_eq!(outputs(&graph)[0].shape(), [3, 4, 6]);
}

#[test]
fn a_grey_image_is_the_brightness_of_the_colour_image() {
    let model = OnnxModel::new(13, "x", &[1, 1, 1, 2])
        .node(OnnxNode::new("Identity", &["x"], &["y"]))
        .output("y");
    let graph = graph(&model);
    assert_eq!(graph.image_shape(), [3, 1, 2]);
    let image = HostTensor::from_f32([1, 3, 1, 2], vec![100.0, 0.0, 50.0, 0.0, 10.0, 200.0]);
    let y = evaluate_graph(&graph, &image);
    assert_eq!(y[0].shape(), [1, 1, 1, 2]);
    let expected = [0.299 * 100.0 + 0.587 * 50.0 + 0.114 * 10.0, 0.114 * 200.0];
    for (y, expected) in floats(&y[0]).iter().zip(expected) {
        assert!((y - expected).abs() < 1e-4, "{y} instead of {expected}");
    }
}

fn of_type(data_type: i32, dims: &[i64]) -> OnnxModel {
    OnnxModel::new(13, "x", dims)
        .edit(|model| model.graph.as_mut().unwrap().input[0] = declaration("x", data_type, dims))
}

#[test]
fn whole_numbers_are_taken_where_the_file_wants_them() {
    let cast = OnnxNode::new("Cast", &["x"], &["f"]).integer("to", i64::from(FLOAT));
    let model =
        of_type(UINT8, IMAGE).node(cast).node(OnnxNode::new("Neg", &["f"], &["y"])).output("y");
    assert!(read(&model).unwrap().takes_integers());
    let graph = passes::optimise(graph(&model));
    // Pixels are whole numbers anyway, so nothing is cast.
    let casts = graph.nodes.iter().filter(|node| matches!(node.operator, Operator::Cast(_)));
    assert_eq!(casts.count(), 0);
    assert_eq!(floats(&outputs(&graph)[0])[..3], [0.0, -1.0, -2.0]);

    // Division of integers truncates.
    let model = of_type(UINT8, IMAGE)
        .integers("two", &[2])
        .node(OnnxNode::new("Div", &["x", "two"], &["y"]))
        .output("y");
    let y = &outputs(&self::graph(&model))[0];
    assert_eq!(y.as_i64().unwrap()[..4], [0, 0, 1, 1]);

    let booleans = of_type(BOOL, IMAGE).node(OnnxNode::new("Not", &["x"], &["y"])).output("y");
    assert_refused(read(&booleans), &["`x`", "booleans"]);
}

#[test]
fn doubles_are_floats() {
    let model = of_type(DOUBLE, IMAGE)
        .node(OnnxNode::new("Mul", &["x", "w"], &["y"]))
        .output("y")
        .edit(|model| {
            model.graph.as_mut().unwrap().initializer.push(TensorProto {
                name: "w".to_owned(),
                data_type: DOUBLE,
                raw_data: 0.5_f64.to_le_bytes().to_vec(),
                ..Default::default()
            });
        });
    assert_eq!(floats(&outputs(&graph(&model))[0])[..3], [0.0, 0.5, 1.0]);
}

#[test]
fn a_file_for_batches_is_cut_down_to_one_image() {
    let model = OnnxModel::new(13, "x", &[4, 3, 4, 4])
        .integers("rows", &[4, 3, 16])
        .integers("flat", &[4, -1])
        .node(OnnxNode::new("Reshape", &["x", "rows"], &["r"]))
        .node(OnnxNode::new("Neg", &["r"], &["n"]))
        .node(OnnxNode::new("Reshape", &["n", "flat"], &["y"]))
        .output("y");
    let graph = graph(&model);
    assert_eq!(graph.value(graph.outputs[0]).shape, [1, 48]);
    assert_eq!(graph.batching, Batching::FirstAxis);
    assert_eq!(floats(&outputs(&graph)[0])[..3], [0.0, -1.0, -2.0]);
}

#[test]
fn a_file_that_mixes_its_batch_says_what_to_do() {
    let mixing = OnnxModel::new(13, "x", &[4, 3, 4, 4])
        .node(OnnxNode::new("Transpose", &["x"], &["y"]).integers("perm", &[1, 0, 2, 3]))
        .output("y");
    let joined = OnnxModel::new(13, "x", &[4, 3, 4, 4])
        .integers("rows", &[12, 16])
        .node(OnnxNode::new("Reshape", &["x", "rows"], &["y"]))
        .output("y");
    for model in [mixing, joined] {
        let refused = read(&model).unwrap().graph(4, 4);
        assert_refused(refused, &["batches of 4 images", "batch=1", "dynamic batch"]);
    }
}

#[test]
fn inputs_with_an_obvious_value_become_constants() {
    let model = OnnxModel::new(13, "images", &[1, 3, 4, 6])
        .input("orig_target_sizes", INT64, &[-1, 2])
        .input("scale_factor", FLOAT, &[1, 2])
        .input("pixel_mask", INT64, &[-1, -1, -1])
        .node(OnnxNode::new("ReduceSum", &["images"], &["sum"]).integer("keepdims", 0))
        .node(OnnxNode::new("Cast", &["orig_target_sizes"], &["f"]).integer("to", 1))
        .node(OnnxNode::new("Mul", &["f", "scale_factor"], &["s"]))
        .node(OnnxNode::new("Add", &["sum", "s"], &["y"]))
        .node(OnnxNode::new("Cast", &["pixel_mask"], &["m"]).integer("to", 1))
        .node(OnnxNode::new("Mul", &["images", "m"], &["z"]))
        .output("y")
        .output("z");
    let file = read(&model).unwrap();
    let names: Vec<&str> = file.other_inputs().iter().map(|input| &*input.name).collect();
    assert_eq!((&*file.input().name, &names[1..]), ("images", &["scale_factor", "pixel_mask"][..]));
    let y = outputs(&file.graph(4, 6).unwrap());
    let sum = (71 * 72 / 2) as f32;
    // Width, then height.
    assert_eq!(floats(&y[0]), [sum + 6.0, sum + 4.0]);
    assert_eq!(y[1].shape(), [1, 3, 4, 6]);
    assert_eq!(floats(&y[1])[71], 71.0);
}

#[test]
fn other_inputs_take_their_values_from_the_sidecar() {
    let model = OnnxModel::new(13, "x", IMAGE)
        .input("offsets", FLOAT, &[-1, 2])
        .node(OnnxNode::new("Slice", &["x", "start", "end"], &["s"]))
        .integers("start", &[0, 0, 0, 0])
        .integers("end", &[1, 1, 1, 2])
        .node(OnnxNode::new("Add", &["s", "offsets"], &["y"]))
        .output("y");
    assert_refused(
        read(&model).unwrap().graph(4, 4),
        &["`offsets` [?, 2]", "`inputs = { offsets = [..] }`"],
    );
    let with = |name: &str, values: &[f64]| {
        let given = InputValues::from([(name.to_owned(), values.to_vec())]);
        OnnxFile::parse_at(&model.bytes(), None, given)
    };
    let graph = with("offsets", &[10.0, 20.0]).unwrap().graph(4, 4).unwrap();
    assert_eq!(floats(&outputs(&graph)[0]), [10.0, 21.0]);
    assert_refused(with("offsets", &[1.0, 2.0, 3.0]).unwrap().graph(4, 4), &["3 elements"]);
    assert_refused(with("offset", &[1.0]), &["`offset`", "x, offsets"]);
}

#[test]
fn two_images_are_not_confused() {
    let model = OnnxModel::new(13, "left", IMAGE)
        .input("right", FLOAT, IMAGE)
        .node(OnnxNode::new("Add", &["left", "right"], &["y"]))
        .output("y");
    assert_refused(read(&model), &["2 inputs (left, right)", "which is the image", "inputs = {"]);
    let given = InputValues::from([("right".to_owned(), vec![1.0])]);
    let file = OnnxFile::parse_at(&model.bytes(), None, given).unwrap();
    let graph = file.graph(4, 4).unwrap();
    assert_eq!(floats(&outputs(&graph)[0])[..3], [1.0, 2.0, 3.0]);
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
                // It takes boxes, not an image.
                Err(OnnxError::Input(_)) if name == "hyuto-nms-yolov8.onnx" => continue,
                Err(error) => panic!("{name}: {error}"),
            };
            let [height, width] = file.image_size().map(|extent| extent.unwrap_or(320));
            match file.graph(height, width) {
                Ok(graph) => {
                    passes::optimise(graph);
                    read += 1;
                }
                Err(OnnxError::Node { problem, .. }) if problem.contains("not supported") => {}
                Err(error) => panic!("{name}: {error}"),
            }
        }
    }
    assert!(read >= 25, "only {read} were read");
}
