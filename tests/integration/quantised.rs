//! Quantised files: what the importer and the passes make of them.

use framegate_backend_api::HostTensor;
use framegate_backend_api::graph::{Activation, Convolution, Graph, Operator};
use framegate_models::onnx::OnnxFile;
use framegate_models::passes;
use framegate_testkit::evaluate_graph;

use crate::onnx_model::{OnnxModel, OnnxNode};

/// `UINT8`, `INT8` and `INT32` in ONNX's `TensorProto.DataType`.
const UINT8: i32 = 2;
const INT8: i32 = 3;
const INT32: i32 = 6;

const SCALE: f32 = 0.125;

/// Adds a constant of integers.
fn integers(
    model: OnnxModel,
    name: &str,
    dims: &[i64],
    data_type: i32,
    elements: Vec<i32>,
) -> OnnxModel {
    model.integers(name, &[]).edit(|model| {
        let tensor = model.graph.as_mut().unwrap().initializer.last_mut().unwrap();
        (tensor.dims, tensor.data_type) = (dims.to_vec(), data_type);
        tensor.int32_data = elements;
    })
}

/// Scales, zero points, weights from −127 to 127 with a scale per filter, and a bias.
fn constants() -> OnnxModel {
    let model = OnnxModel::new(13, "images", &[1, 3, 8, 8])
        .weights("s", &[], vec![SCALE])
        .weights("ws", &[4], vec![0.25, 0.5, 0.0625, 0.125])
        .weights("bs", &[4], vec![0.03125, 0.0625, 0.0078125, 0.015625]);
    let model = integers(model, "z", &[], UINT8, vec![120]);
    let model = integers(model, "wz", &[4], INT8, vec![0; 4]);
    let weights = (0..108).map(|index| index * 83 % 255 - 127).collect();
    let model = integers(model, "w", &[4, 3, 3, 3], INT8, weights);
    let model = integers(model, "bz", &[4], INT32, vec![0; 4]);
    integers(model, "b", &[4], INT32, vec![100, -2000, 30, 0])
}

/// A convolution between pairs of QuantizeLinear and DequantizeLinear.
fn pairs() -> OnnxModel {
    constants()
        .node(OnnxNode::new("QuantizeLinear", &["images", "s", "z"], &["q"]))
        .node(OnnxNode::new("DequantizeLinear", &["q", "s", "z"], &["x"]))
        .node(OnnxNode::new("DequantizeLinear", &["w", "ws", "wz"], &["wf"]).integer("axis", 0))
        .node(OnnxNode::new("DequantizeLinear", &["b", "bs", "bz"], &["bf"]).integer("axis", 0))
        .node(OnnxNode::new("Conv", &["x", "wf", "bf"], &["c"]).integers("pads", &[1, 1, 1, 1]))
        .node(OnnxNode::new("QuantizeLinear", &["c", "s", "z"], &["cq"]))
        .node(OnnxNode::new("DequantizeLinear", &["cq", "s", "z"], &["y"]))
        .output("y")
}

/// The same with one operator for all.
fn fused() -> OnnxModel {
    let operands = ["q", "s", "z", "w", "ws", "wz", "s", "z", "b"];
    constants()
        .node(OnnxNode::new("QuantizeLinear", &["images", "s", "z"], &["q"]))
        .node(OnnxNode::new("QLinearConv", &operands, &["cq"]).integers("pads", &[1, 1, 1, 1]))
        .node(OnnxNode::new("DequantizeLinear", &["cq", "s", "z"], &["y"]))
        .output("y")
}

fn graph_of(model: &OnnxModel) -> Graph {
    OnnxFile::parse(&model.bytes()).unwrap().graph(8, 8).unwrap()
}

/// Scales are powers of two, so that nothing is rounded but where the file says so.
#[test]
fn both_ways_to_write_a_quantised_convolution_become_the_same_short_graph() {
    let pixels = (0..192).map(|index| (index * 7919 % 251) as f32 / 16.0 - 7.0).collect();
    let image = HostTensor::from_f32([1, 3, 8, 8], pixels);
    let mut all = Vec::new();
    for model in [pairs(), fused()] {
        let written = graph_of(&model);
        let graph = passes::optimise(written.clone());
        let [quantize, dequantize, convolution, last] = &graph.nodes[..] else {
            panic!("{:#?}", graph.nodes)
        };
        let activation = |node: &framegate_backend_api::graph::Node| match node.operator {
            Operator::Activation(activation) => activation,
            _ => panic!("{node:?}"),
        };
        assert!(matches!(activation(quantize), Activation::Quantize { scale: SCALE, .. }));
        assert!(matches!(activation(dequantize), Activation::Dequantize { zero: 120.0, .. }));
        assert!(matches!(activation(last), Activation::Dequantize { scale: SCALE, .. }));
        let Operator::Convolution(Convolution { activation: Some(function), .. }) =
            convolution.operator
        else {
            panic!("{convolution:?}")
        };
        assert!(matches!(function, Activation::Quantize { min: 0.0, max: 255.0, .. }));
        all.push(evaluate_graph(&written, &image));
        all.push(evaluate_graph(&graph, &image));
    }
    let spread: std::collections::HashSet<u32> =
        all[0][0].as_f32().unwrap().iter().map(|x| x.to_bits()).collect();
    assert!(spread.len() > 20, "the results are hardly cut off");
    assert!(all.iter().all(|outputs| *outputs == all[0]));
}
