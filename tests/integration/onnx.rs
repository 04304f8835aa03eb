//! Reading ONNX files: what is folded and fused, and what is refused in which words.

use framegate_backend_api::HostTensor;
use framegate_backend_api::graph::{Activation, Batching, Convolution, Graph, Operator};
use framegate_models::onnx::{OnnxError, OnnxFile};
use framegate_models::passes;
use framegate_testkit::evaluate_graph;

use crate::onnx_model::{OnnxModel, OnnxNode};
use crate::support::test_data;

/// A convolution, batch normalisation and SiLU, as training frameworks write them.
fn normalised_convolution() -> OnnxModel {
    let weights = |len: usize, seed: f32| {
        (0..len).map(|index| ((index as f32 + seed) * 0.7).sin()).collect::<Vec<f32>>()
    };
    OnnxModel::new(13, "images", &[-1, 3, -1, -1])
        .weights("w", &[4, 3, 3, 3], weights(108, 0.0))
        .weights("scale", &[4], weights(4, 1.0))
        .weights("offset", &[4], weights(4, 2.0))
        .weights("mean", &[4], weights(4, 3.0))
        .weights("variance", &[4], vec![0.5, 1.0, 2.0, 4.0])
        .node(OnnxNode::new("Conv", &["images", "w"], &["c"]).integers("pads", &[1, 1, 1, 1]))
        .node(OnnxNode::new(
            "BatchNormalization",
            &["c", "scale", "offset", "mean", "variance"],
            &["n"],
        ))
        .node(OnnxNode::new("Sigmoid", &["n"], &["s"]))
        .node(OnnxNode::new("Mul", &["n", "s"], &["y"]))
        .output("y")
}

fn graph_of(model: &OnnxModel, height: usize, width: usize) -> Graph {
    OnnxFile::parse(&model.bytes()).unwrap().graph(height, width).unwrap()
}

fn image(height: usize, width: usize) -> HostTensor {
    let elements = (0..3 * height * width).map(|index| (index as f32 * 0.37).cos()).collect();
    HostTensor::from_f32([1, 3, height, width], elements)
}

#[test]
fn normalisation_and_activation_end_up_in_the_convolution() {
    let graph = graph_of(&normalised_convolution(), 5, 7);
    let fused = passes::optimise(graph.clone());
    let [node] = &fused.nodes[..] else { panic!("{:#?}", fused.nodes) };
    let Operator::Convolution(Convolution { activation, .. }) = &node.operator else {
        panic!("{node:?}")
    };
    assert_eq!(*activation, Some(Activation::Silu));
    assert_eq!(fused.value(fused.outputs[0]).name, "y");

    let input = image(5, 7);
    let (before, after) = (evaluate_graph(&graph, &input), evaluate_graph(&fused, &input));
    let (before, after) = (before[0].as_f32().unwrap(), after[0].as_f32().unwrap());
    let largest = before.iter().fold(0.0_f32, |largest, x| largest.max(x.abs()));
    for (before, after) in before.iter().zip(after) {
        assert!((before - after).abs() <= 1e-5 * largest, "{before} became {after}");
    }
}

#[test]
fn a_value_that_is_read_twice_is_not_fused_away() {
    let model = normalised_convolution().output("n");
    let fused = passes::optimise(graph_of(&model, 4, 4));
    let names: Vec<&str> = fused.outputs.iter().map(|id| fused.value(*id).name.as_str()).collect();
    assert_eq!(names, ["y", "n"]);
    let outputs = evaluate_graph(&fused, &image(4, 4));
    let silu = |x: f32| x / (1.0 + (-x).exp());
    for (y, n) in outputs[0].as_f32().unwrap().iter().zip(outputs[1].as_f32().unwrap()) {
        assert!((y - silu(*n)).abs() < 1e-5);
    }
}

#[test]
fn open_axes_take_the_size_asked_for_and_shape_arithmetic_disappears() {
    // Flattens the image by asking for its own shape at run time.
    let model = OnnxModel::new(13, "images", &[-1, 3, -1, -1])
        .integers("first", &[0])
        .integers("rest", &[-1])
        .node(OnnxNode::new("Shape", &["images"], &["shape"]))
        .node(OnnxNode::new("Gather", &["shape", "first"], &["batch"]))
        .node(OnnxNode::new("Concat", &["batch", "rest"], &["target"]).integer("axis", 0))
        .node(OnnxNode::new("Reshape", &["images", "target"], &["y"]))
        .output("y");
    let graph = passes::optimise(graph_of(&model, 6, 8));
    assert_eq!(graph.nodes.len(), 1, "{:?}", graph.nodes);
    assert_eq!(graph.value(graph.outputs[0]).shape, [1, 3 * 6 * 8]);
    assert_eq!(graph.batching, Batching::FirstAxis);
}

#[test]
fn mixing_images_of_a_batch_is_noticed() {
    // A transposition that moves the batch axis cannot be run on several images at once.
    let model = OnnxModel::new(13, "images", &[1, 3, 4, 4])
        .node(OnnxNode::new("Transpose", &["images"], &["y"]).integers("perm", &[1, 0, 2, 3]))
        .output("y");
    assert_eq!(graph_of(&model, 4, 4).batching, Batching::OneByOne);
}

#[test]
fn a_fixed_size_cannot_be_changed() {
    let model = OnnxModel::new(13, "images", &[1, 3, 32, 64])
        .node(OnnxNode::new("Relu", &["images"], &["y"]))
        .output("y");
    let file = OnnxFile::parse(&model.bytes()).unwrap();
    assert!(file.graph(32, 64).is_ok());
    let refused = file.graph(64, 64).unwrap_err();
    assert!(matches!(refused, OnnxError::Input(_)), "{refused}");
    assert!(refused.to_string().contains("cannot be 64x64"), "{refused}");
}

#[test]
fn all_unsupported_operators_are_named_at_once_with_their_nodes() {
    let model = OnnxModel::new(13, "images", &[1, 3, 4, 4])
        .node(OnnxNode::new("Unfrobnicate", &["images", "images"], &["a"]))
        .node(OnnxNode::new("Relu", &["a"], &["b"]))
        .node(OnnxNode::new("FrobnicateTwice", &["b"], &["c"]))
        .node(OnnxNode::new("Unfrobnicate", &["c", "c"], &["y"]))
        .output("y");
    let refused = OnnxFile::parse(&model.bytes()).unwrap_err().to_string();
    for part in ["Unfrobnicate (at make_a, make_y)", "FrobnicateTwice (at make_c)"] {
        assert!(refused.contains(part), "{refused}");
    }
    assert!(!refused.contains("Relu"), "{refused}");
}

#[test]
fn a_node_that_cannot_be_expressed_is_named() {
    let model = OnnxModel::new(13, "images", &[1, 3, 4, 4])
        .weights("w", &[8, 5, 1, 1], vec![0.0; 40])
        .node(OnnxNode::new("Conv", &["images", "w"], &["y"]))
        .output("y");
    let refused = OnnxFile::parse(&model.bytes()).unwrap().graph(4, 4).unwrap_err().to_string();
    assert!(refused.contains("make_y") && refused.contains("3 channels"), "{refused}");
}

#[test]
fn a_truncated_file_is_an_error_wherever_it_ends() {
    let bytes = normalised_convolution().bytes();
    for len in 0..bytes.len() {
        let read = OnnxFile::parse(&bytes[..len]).and_then(|file| file.graph(5, 7));
        let refused = read.expect_err("a part of a model is not a model");
        assert!(!refused.to_string().is_empty());
    }
}

#[test]
fn flipped_bytes_never_panic() {
    let bytes = normalised_convolution().bytes();
    for position in 0..bytes.len() {
        for flip in [0x01, 0x10, 0x80, 0xff] {
            let mut broken = bytes.clone();
            broken[position] ^= flip;
            // Some changes only change a weight; what matters is that none brings the process down.
            if let Ok(graph) = OnnxFile::parse(&broken).and_then(|file| file.graph(5, 7)) {
                passes::optimise(graph);
            }
        }
    }
}

#[test]
fn real_models_are_fused() {
    let Some(data) = test_data() else { return };
    for (name, nodes) in [("yolox_nano", 155), ("yunet_n_320_320", 97)] {
        let bytes = std::fs::read(data.join(format!("models/{name}.onnx"))).unwrap();
        let file = OnnxFile::parse(&bytes).unwrap();
        let [_, _, Some(height), Some(width)] = file.input().dims[..] else { panic!() };
        let graph = passes::optimise(file.graph(height, width).unwrap());
        assert_eq!(graph.batching, Batching::FirstAxis, "{name}");
        assert_eq!(graph.nodes.len(), nodes, "{name}");
    }
}
