//! Images in every form in which files take them, and other inputs.

use framegate_backend_api::HostTensor;
use framegate_backend_api::graph::{Batching, Node, Operator};
use framegate_models::onnx::{InputValues, OnnxFile};
use framegate_models::passes;
use framegate_onnx_proto::TensorProto;
use framegate_testkit::evaluate_graph;

use super::{IMAGE, assert_refused, floats, graph, outputs, read};
use crate::onnx_model::{FLOAT, INT64, OnnxModel, OnnxNode, declaration};

/// Numbers of `UINT8`, `INT8`, `BOOL` and `DOUBLE` in ONNX's `TensorProto.DataType`.
const UINT8: i32 = 2;
const INT8: i32 = 3;
const BOOL: i32 = 9;
const DOUBLE: i32 = 11;

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
    let is_transposition = |node: &&Node| matches!(node.operator, Operator::Transpose { .. });
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
    let y = &outputs(&super::graph(&model))[0];
    assert_eq!(y.as_i64().unwrap()[..4], [0, 0, 1, 1]);

    let booleans = of_type(BOOL, IMAGE).node(OnnxNode::new("Not", &["x"], &["y"])).output("y");
    assert_refused(read(&booleans), &["`x`", "booleans"]);
}

#[test]
fn signed_bytes_begin_below_0() {
    let of = |data_type| {
        let cast = OnnxNode::new("Cast", &["x"], &["f"]).integer("to", i64::from(FLOAT));
        read(&of_type(data_type, IMAGE).node(cast).output("f")).unwrap()
    };
    assert!(of(INT8).takes_integers() && of(INT8).takes_signed_bytes());
    assert!(of(UINT8).takes_integers() && !of(UINT8).takes_signed_bytes());
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
fn a_file_that_joins_its_batch_runs_on_equal_images() {
    let model = OnnxModel::new(13, "x", &[4, 3, 4, 4])
        .integers("rows", &[12, 16])
        .integers("flat", &[4, -1])
        .node(OnnxNode::new("Reshape", &["x", "rows"], &["r"]))
        .node(OnnxNode::new("Neg", &["r"], &["n"]))
        .node(OnnxNode::new("Reshape", &["n", "flat"], &["y"]))
        .output("y");
    let graph = graph(&model);
    assert_eq!(graph.value(graph.outputs[0]).shape, [1, 48]);
    assert_eq!(read(&model).unwrap().repeats(&graph), Some(4));
    assert_eq!(floats(&outputs(&graph)[0])[..3], [0.0, -1.0, -2.0]);
    assert_eq!(floats(&outputs(&graph)[0])[47], -47.0);
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
        let given = InputValues::from([(name.to_owned(), values.to_vec().into())]);
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
    let given = InputValues::from([("right".to_owned(), vec![1.0].into())]);
    let file = OnnxFile::parse_at(&model.bytes(), None, given).unwrap();
    let graph = file.graph(4, 4).unwrap();
    assert_eq!(floats(&outputs(&graph)[0])[..3], [1.0, 2.0, 3.0]);
}
