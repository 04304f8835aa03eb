//! Graphs whose values are as many as an image has of something: exact where the file means them, and refused where
//! that cannot be.

use framegate_backend_api::HostTensor;
use framegate_models::onnx::OnnxFile;
use framegate_models::passes;
use framegate_testkit::evaluate_graph;

use crate::onnx_model::{OnnxModel, OnnxNode};

/// Twelve numbers of an image, those above 0 chosen: `chosen [n]`, with `n` in `count`.
fn chosen() -> OnnxModel {
    OnnxModel::new(13, "image", &[1, 3, 2, 2])
        .integers("flat", &[-1])
        .integers("axis", &[0])
        .weights("zero", &[], vec![0.0])
        .node(OnnxNode::new("Reshape", &["image", "flat"], &["all"]))
        .node(OnnxNode::new("Greater", &["all", "zero"], &["positive"]))
        .node(OnnxNode::new("NonZero", &["positive"], &["places"]))
        .node(OnnxNode::new("Transpose", &["places"], &["tuples"]))
        .node(OnnxNode::new("GatherND", &["all", "tuples"], &["chosen"]))
        .node(OnnxNode::new("Shape", &["chosen"], &["count"]))
}

const IMAGE: [f32; 12] = [0.5, -1.0, 2.0, -3.0, 4.0, -0.5, 3.0, 0.0, -2.0, 1.0, -9.0, 8.0];
/// Its numbers above 0.
const CHOSEN: [f32; 6] = [0.5, 2.0, 4.0, 3.0, 1.0, 8.0];

fn outputs_of(model: &OnnxModel, image: &[f32]) -> Vec<Vec<f32>> {
    let graph = OnnxFile::parse(&model.bytes()).unwrap().graph(2, 2).unwrap();
    let image = HostTensor::from_f32([1, 3, 2, 2], image.to_vec());
    let outputs = evaluate_graph(&passes::optimise(graph), &image);
    let floats = |output: &HostTensor| match (output.as_f32(), output.as_i64()) {
        (Some(floats), _) => floats.to_vec(),
        (_, Some(integers)) => integers.iter().map(|integer| *integer as f32).collect(),
        _ => panic!("booleans"),
    };
    outputs.iter().map(floats).collect()
}

fn padded(numbers: &[f32], len: usize) -> Vec<f32> {
    numbers.iter().copied().chain(std::iter::repeat(0.0)).take(len).collect()
}

#[test]
fn what_is_chosen_comes_first_and_zeros_follow() {
    let model = chosen().output("chosen").output("count");
    assert_eq!(outputs_of(&model, &IMAGE), [padded(&CHOSEN, 12), vec![6.0]]);
    assert_eq!(outputs_of(&model, &[-1.0; 12]), [vec![0.0; 12], vec![0.0]]);
}

#[test]
fn sums_means_and_extremes_are_of_what_is_chosen() {
    let model = chosen()
        .node(OnnxNode::new("Neg", &["chosen"], &["negative"]))
        .node(OnnxNode::new("ReduceMax", &["negative"], &["largest"]))
        .node(OnnxNode::new("ReduceMean", &["chosen"], &["mean"]))
        .node(OnnxNode::new("ReduceSum", &["chosen"], &["sum"]))
        .node(OnnxNode::new("ArgMin", &["negative"], &["last"]))
        .output("largest")
        .output("mean")
        .output("sum")
        .output("last");
    let expected = [vec![-0.5], vec![18.5 / 6.0], vec![18.5], vec![5.0]];
    for (got, expected) in outputs_of(&model, &IMAGE).iter().zip(expected) {
        assert!((got[0] - expected[0]).abs() < 1e-5, "{got:?} is not {expected:?}");
    }
}

/// As torchvision takes the best thousand, or all if there are fewer, of each level, and joins them.
#[test]
fn the_best_of_what_is_chosen_are_joined() {
    let best = |model: OnnxModel, most: i64, name: &str| {
        let part = |what: &str| format!("{name}_{what}");
        let [most_name, both, least, k, values, indices] =
            ["most", "both", "least", "k", "values", "indices"].map(part);
        model
            .integers(&most_name, &[most])
            .node(OnnxNode::new("Concat", &[&most_name, "count"], &[&both]).integer("axis", 0))
            .node(OnnxNode::new("ReduceMin", &[&both], &[&least]).integer("keepdims", 0))
            .node(OnnxNode::new("Reshape", &[&least, "flat"], &[&k]))
            .node(OnnxNode::new("TopK", &["chosen", &k], &[&values, &indices]))
    };
    let model = best(best(chosen(), 2, "few"), 1000, "many")
        .node(
            OnnxNode::new("Concat", &["many_values", "few_values"], &["joined"]).integer("axis", 0),
        )
        .node(OnnxNode::new("Gather", &["chosen", "many_indices"], &["again"]))
        .output("joined")
        .output("again");
    let sorted = [8.0, 4.0, 3.0, 2.0, 1.0, 0.5];
    let joined = [&sorted[..], &sorted[..2]].concat();
    assert_eq!(outputs_of(&model, &IMAGE), [padded(&joined, 14), padded(&sorted, 12)]);
    // Fewer than two.
    let mut one = [-1.0; 12];
    one[7] = 5.0;
    assert_eq!(outputs_of(&model, &one), [padded(&[5.0, 5.0], 14), padded(&[5.0], 12)]);
}

/// As Ultralytics fills a list up to 300 rows.
#[test]
fn a_list_can_be_filled_up_to_a_length_that_is_known() {
    let model = chosen()
        .integers("zeros", &[0])
        .integers("four", &[4])
        .integers("none", &[0])
        .node(OnnxNode::new("Slice", &["chosen", "zeros", "four"], &["first"]))
        .node(OnnxNode::new("Shape", &["first"], &["length"]))
        .node(OnnxNode::new("Sub", &["four", "length"], &["rest"]))
        .node(OnnxNode::new("Concat", &["none", "rest"], &["pads"]).integer("axis", 0))
        .weights("seven", &[], vec![7.0])
        .node(OnnxNode::new("Pad", &["first", "pads", "seven"], &["filled"]))
        .integers("shape", &[2, 2])
        .node(OnnxNode::new("Reshape", &["filled", "shape"], &["square"]))
        .output("square");
    assert_eq!(outputs_of(&model, &IMAGE), [CHOSEN[..4].to_vec()]);
    let mut one = [-1.0; 12];
    one[7] = 5.0;
    assert_eq!(outputs_of(&model, &one), [vec![5.0, 7.0, 7.0, 7.0]]);
}

/// As torchvision's Mask R-CNN puts a margin around each mask.
#[test]
fn axes_that_are_not_ragged_are_padded_on_both_sides() {
    let model = chosen()
        .integers("column", &[-1, 1])
        .integers("pads", &[0, 1, 0, 2])
        .node(OnnxNode::new("Reshape", &["chosen", "column"], &["rows"]))
        .node(OnnxNode::new("Pad", &["rows", "pads"], &["padded"]))
        .output("padded");
    let rows: Vec<f32> = CHOSEN.iter().flat_map(|number| [0.0, *number, 0.0, 0.0]).collect();
    assert_eq!(outputs_of(&model, &IMAGE), [padded(&rows, 48)]);
}

#[test]
fn what_would_count_from_an_unknown_end_is_refused() {
    let model = chosen()
        .integers("zeros", &[0])
        .integers("last", &[-1])
        .node(OnnxNode::new("Slice", &["chosen", "zeros", "last"], &["y"]))
        .output("y");
    let refused = OnnxFile::parse(&model.bytes()).unwrap().graph(2, 2).unwrap_err().to_string();
    for fragment in ["make_y", "Slice", "depends on the image"] {
        assert!(refused.contains(fragment), "no {fragment} in {refused}");
    }
    // A single index from the end is exact.
    let model = chosen()
        .integers("last", &[-1])
        .node(OnnxNode::new("Gather", &["chosen", "last"], &["y"]))
        .output("y");
    assert_eq!(outputs_of(&model, &IMAGE), [vec![8.0]]);
}

/// Boxes of an image, suppressed in the graph: rows of image, class and box as ONNX has them.
#[test]
fn suppression_keeps_the_best_boxes() {
    let model = OnnxModel::new(13, "image", &[1, 3, 2, 2])
        .weights("boxes", &[1, 3, 4], vec![0., 0., 2., 2., 0., 0., 2., 2.1, 5., 5., 7., 7.])
        .integers("rows", &[1, 4, 3])
        .integers("starts", &[0])
        .integers("ends", &[1])
        .integers("axes", &[1])
        .integers("most", &[10])
        .weights("iou", &[1], vec![0.5])
        .weights("least", &[1], vec![0.1])
        .node(OnnxNode::new("Reshape", &["image", "rows"], &["all"]))
        .node(OnnxNode::new("Slice", &["all", "starts", "ends", "axes"], &["scores"]))
        .node(OnnxNode::new(
            "NonMaxSuppression",
            &["boxes", "scores", "most", "iou", "least"],
            &["kept"],
        ))
        .output("kept");
    let mut image = [0.0; 12];
    image[..3].copy_from_slice(&[0.6, 0.9, 0.3]);
    assert_eq!(outputs_of(&model, &image), [vec![0., 0., 1., 0., 0., 2., 0., 0., 0.]]);
}
