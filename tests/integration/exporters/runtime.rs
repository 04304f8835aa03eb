//! Operators that ONNX Runtime's own tools write, against the same in the standard's operators.

use framegate_backend_api::HostTensor;
use framegate_onnx_proto::{AttributeProto, AttributeType};

use super::{assert_refused, graph, outputs, read};
use crate::onnx_model::{OnnxModel, OnnxNode};

/// `UINT8`, `INT8` and `INT32` in ONNX's `TensorProto.DataType`.
const UINT8: i32 = 2;
const INT8: i32 = 3;
const INT32: i32 = 6;

/// An operator of ONNX Runtime's own set.
fn own(operator: &str, inputs: &[&str], outputs: &[&str]) -> OnnxNode {
    let mut node = OnnxNode::new(operator, inputs, outputs);
    node.0.domain = "com.microsoft".to_owned();
    node
}

fn floats(mut node: OnnxNode, name: &str, numbers: &[f32]) -> OnnxNode {
    let (r#type, single) = match numbers {
        [single] => (AttributeType::Float, Some(*single)),
        _ => (AttributeType::Floats, None),
    };
    let attribute = AttributeProto {
        name: name.to_owned(),
        r#type: r#type.into(),
        f: single,
        floats: numbers.to_vec(),
        ..Default::default()
    };
    node.0.attribute.push(attribute);
    node
}

fn text(mut node: OnnxNode, name: &str, text: &str) -> OnnxNode {
    node.0.attribute.push(AttributeProto {
        name: name.to_owned(),
        r#type: AttributeType::String.into(),
        s: Some(text.as_bytes().to_vec()),
        ..Default::default()
    });
    node
}

/// Numbers between −1 and 1 that repeat late.
fn numbers(count: usize) -> Vec<f32> {
    (0..count).map(|index| ((index * 37 + 11) % 101) as f32 / 50.0 - 1.0).collect()
}

/// Adds a constant of small integers.
fn small(
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

#[track_caller]
fn assert_close(found: &[HostTensor], expected: &[HostTensor]) {
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.iter().zip(expected) {
        assert_eq!(found.shape(), expected.shape());
        let (found, expected) = (found.as_f32().unwrap(), expected.as_f32().unwrap());
        assert!(expected.iter().any(|number| number.abs() > 1e-3), "there is nothing to compare");
        for (found, expected) in found.iter().zip(expected) {
            assert!(
                (found - expected).abs() <= 1e-4 * expected.abs().max(1.0),
                "{found} is not {expected}"
            );
        }
    }
}

/// The outputs `y` of one model with either nodes.
#[track_caller]
fn assert_same(model: impl Fn() -> OnnxModel, own: Vec<OnnxNode>, standard: Vec<OnnxNode>) {
    let [own, standard] = [own, standard].map(|nodes| {
        let model = nodes.into_iter().fold(model(), OnnxModel::node).output("y");
        outputs(&graph(&model))
    });
    assert_close(&own, &standard);
}

#[test]
fn convolutions_may_end_in_a_sum_and_an_activation() {
    let model = || {
        OnnxModel::new(17, "x", &[1, 3, 4, 4]).weights("w", &[3, 3, 1, 1], numbers(9)).weights(
            "b",
            &[3],
            numbers(3),
        )
    };
    let sum = || {
        vec![
            OnnxNode::new("Conv", &["x", "w", "b"], &["c"]),
            OnnxNode::new("Add", &["c", "x"], &["s"]),
        ]
    };
    let fused = |activation: &str, parameters: &[f32]| {
        let node = text(own("FusedConv", &["x", "w", "b", "x"], &["y"]), "activation", activation);
        vec![if parameters.is_empty() {
            node
        } else {
            floats(node, "activation_params", parameters)
        }]
    };
    let with = |node: OnnxNode| sum().into_iter().chain([node]).collect();
    assert_same(model, fused("Relu", &[]), with(OnnxNode::new("Relu", &["s"], &["y"])));
    let clipped = with(OnnxNode::new("Clip", &["s", "low", "high"], &["y"]));
    let bounded = || model().weights("low", &[], vec![-20.0]).weights("high", &[], vec![5.0]);
    assert_same(bounded, fused("Clip", &[-20.0, 5.0]), clipped);
    let unknown = fused("Softsign", &[]).into_iter().fold(model(), OnnxModel::node).output("y");
    assert_refused(read(&unknown).unwrap().graph(4, 4), &["Softsign"]);
}

#[test]
fn operands_of_a_product_may_be_transposed_and_have_their_first_axis_behind_the_others() {
    let model = || {
        OnnxModel::new(17, "x", &[1, 3, 2, 2])
            .integers("tokens", &[2, 3, 2])
            .weights("w", &[3, 4, 2], numbers(24))
            .weights("scale", &[], vec![0.25])
            .node(OnnxNode::new("Reshape", &["x", "tokens"], &["t"]))
    };
    let fused =
        own("FusedMatMul", &["t", "w"], &["y"]).integer("transBatchA", 1).integer("transB", 1);
    let transposed = |from: &str, to: &str, permutation: &[i64]| {
        OnnxNode::new("Transpose", &[from], &[to]).integers("perm", permutation)
    };
    let standard = vec![
        transposed("t", "a", &[1, 0, 2]),
        transposed("w", "b", &[0, 2, 1]),
        OnnxNode::new("MatMul", &["a", "b"], &["p"]),
        OnnxNode::new("Mul", &["p", "scale"], &["y"]),
    ];
    assert_same(model, vec![floats(fused, "alpha", &[0.25])], standard);
    let gemm = |node: OnnxNode| node.integer("transA", 1);
    let flat = || {
        let rows = OnnxNode::new("Flatten", &["x"], &["f"]).integer("axis", 2);
        OnnxModel::new(17, "x", &[1, 3, 2, 2]).weights("v", &[3, 2], numbers(6)).node(rows)
    };
    let fused = text(gemm(own("FusedGemm", &["f", "v"], &["y"])), "activation", "LeakyRelu");
    assert_same(
        flat,
        vec![floats(fused, "activation_alpha", &[0.125])],
        vec![
            gemm(OnnxNode::new("Gemm", &["f", "v"], &["g"])),
            floats(OnnxNode::new("LeakyRelu", &["g"], &["y"]), "alpha", &[0.125]),
        ],
    );
}

/// Four tokens of six numbers.
fn tokens() -> OnnxModel {
    OnnxModel::new(17, "x", &[1, 3, 2, 4])
        .integers("rows", &[1, 4, 6])
        .weights("scale", &[6], numbers(6))
        .weights("bias", &[6], numbers(12)[6..].to_vec())
        .node(OnnxNode::new("Reshape", &["x", "rows"], &["t"]))
        .weights("skip", &[1, 4, 6], numbers(24))
}

#[test]
fn a_normalisation_may_begin_with_a_sum_that_is_a_result_as_well() {
    let results = ["n", "", "", "s"];
    let by_layer = own("SkipLayerNormalization", &["t", "skip", "scale", "bias", "bias"], &results);
    let sums = || {
        vec![
            OnnxNode::new("Add", &["t", "skip"], &["a"]),
            OnnxNode::new("Add", &["a", "bias"], &["s"]),
        ]
    };
    let both = || OnnxNode::new("Add", &["n", "s"], &["y"]);
    let layer = OnnxNode::new("LayerNormalization", &["s", "scale", "bias"], &["n"]);
    let standard = sums().into_iter().chain([floats(layer, "epsilon", &[0.5]), both()]).collect();
    assert_same(tokens, vec![floats(by_layer, "epsilon", &[0.5]), both()], standard);

    let operands = ["t", "skip", "scale", "bias"];
    let by_square = own("SkipSimplifiedLayerNormalization", &operands, &results);
    let root = own("SimplifiedLayerNormalization", &["s", "scale"], &["n"]);
    let standard = sums().into_iter().chain([floats(root, "epsilon", &[0.5]), both()]).collect();
    assert_same(tokens, vec![floats(by_square, "epsilon", &[0.5]), both()], standard);
}

#[test]
fn attention_may_hold_all_its_weights_or_the_biases_of_its_operands() {
    let model = || {
        tokens()
            .weights("w", &[6, 18], numbers(108))
            .weights("b", &[18], numbers(18))
            .integers("parts", &[6, 6, 6])
            .integers("heads", &[1, 4, 2, 3])
            .weights("root", &[], vec![3.0_f32.sqrt()])
    };
    let projected = || vec![OnnxNode::new("MatMul", &["t", "w"], &["m"])];
    let split =
        |from: &str| OnnxNode::new("Split", &[from, "parts"], &["q", "k", "v"]).integer("axis", -1);
    let by_head = |from: &str, to: &str, permutation: &[i64]| {
        let reshaped = format!("{from}r");
        [
            OnnxNode::new("Reshape", &[from, "heads"], &[&reshaped]),
            OnnxNode::new("Transpose", &[&reshaped], &[to]).integers("perm", permutation),
        ]
    };
    let mut standard = projected();
    standard.push(OnnxNode::new("Add", &["m", "b"], &["all"]));
    standard.push(split("all"));
    standard.extend(by_head("q", "qh", &[0, 2, 1, 3]));
    standard.extend(by_head("k", "kh", &[0, 2, 3, 1]));
    standard.extend(by_head("v", "vh", &[0, 2, 1, 3]));
    standard.extend([
        OnnxNode::new("MatMul", &["qh", "kh"], &["scores"]),
        OnnxNode::new("Div", &["scores", "root"], &["scaled"]),
        OnnxNode::new("Softmax", &["scaled"], &["shares"]),
        OnnxNode::new("MatMul", &["shares", "vh"], &["h"]),
        OnnxNode::new("Transpose", &["h"], &["ht"]).integers("perm", &[0, 2, 1, 3]),
        OnnxNode::new("Reshape", &["ht", "rows"], &["y"]),
    ]);
    let whole = own("Attention", &["t", "w", "b"], &["y"]).integer("num_heads", 2);
    let expected =
        outputs(&graph(&standard.into_iter().fold(model(), OnnxModel::node).output("y")));
    let found = |nodes: Vec<OnnxNode>| {
        outputs(&graph(&nodes.into_iter().fold(model(), OnnxModel::node).output("y")))
    };
    assert_close(&found(vec![whole]), &expected);
    let operands = own("MultiHeadAttention", &["q", "k", "v", "b"], &["y"]).integer("num_heads", 2);
    let nodes = projected().into_iter().chain([split("m"), operands]).collect();
    assert_close(&found(nodes), &expected);
    let earlier = own("Attention", &["t", "w", "b", "", "skip"], &["y"]).integer("num_heads", 2);
    assert_refused(
        read(&model().node(earlier).output("y")).unwrap().graph(2, 4),
        &["earlier calls"],
    );
}

/// A quantised image, its weights, and scales that are powers of two.
fn quantised() -> OnnxModel {
    let model = OnnxModel::new(17, "x", &[1, 4, 4, 3])
        .weights("s", &[], vec![0.25])
        .weights("ws", &[], vec![0.125])
        .weights("ys", &[], vec![2.0]);
    let model = small(model, "z", &[], UINT8, vec![3]);
    let model = small(model, "wz", &[], INT8, vec![2]);
    let model =
        small(model, "w", &[5, 3, 1, 1], INT8, (0..15).map(|at| at * 53 % 200 - 100).collect());
    let model = small(model, "b", &[5], INT32, vec![-40, 30, 20, -10, 0]);
    model.node(OnnxNode::new("QuantizeLinear", &["x", "s", "z"], &["q"]))
}

#[test]
fn quantised_convolutions_and_pools_may_have_their_channels_last() {
    let moved = |from: &str, to: &str, permutation: &[i64]| {
        OnnxNode::new("Transpose", &[from], &[to]).integers("perm", permutation)
    };
    let operands = ["q", "s", "z", "w", "ws", "wz", "ys", "z", "b"];
    let last = own("QLinearConv", &operands, &["c"]).integer("channels_last", 1);
    let pool = own("NhwcMaxPool", &["c"], &["p"])
        .integers("kernel_shape", &[2, 2])
        .integers("strides", &[2, 2]);
    let mean = own("QLinearAveragePool", &["p", "ys", "z", "s", "z"], &["m"])
        .integers("kernel_shape", &[2, 1])
        .integer("channels_last", 1);
    let standard = vec![
        moved("q", "qf", &[0, 3, 1, 2]),
        OnnxNode::new("QLinearConv", &["qf", "s", "z", "w", "ws", "wz", "ys", "z", "b"], &["c"]),
        OnnxNode::new("DequantizeLinear", &["c", "ys", "z"], &["d"]),
        OnnxNode::new("MaxPool", &["d"], &["p"])
            .integers("kernel_shape", &[2, 2])
            .integers("strides", &[2, 2]),
        OnnxNode::new("AveragePool", &["p"], &["a"]).integers("kernel_shape", &[2, 1]),
        moved("a", "al", &[0, 2, 3, 1]),
        OnnxNode::new("QuantizeLinear", &["al", "s", "z"], &["m"]),
    ];
    let done = || OnnxNode::new("DequantizeLinear", &["m", "s", "z"], &["y"]);
    let standard = standard.into_iter().chain([done()]).collect();
    assert_same(quantised, vec![last, pool, mean, done()], standard);
}

#[test]
fn quantised_products_add_integers_or_floats() {
    let model = || {
        let model = quantised().weights("fb", &[5], numbers(5));
        let weights = (0..15).map(|at| at * 53 % 200 - 100).collect();
        small(model, "v", &[3, 5], INT8, weights)
    };
    let rows = || OnnxNode::new("Flatten", &["q"], &["qr"]).integer("axis", 3);
    let real = |from: &str, scale: &str, zero: &str, to: &str| {
        OnnxNode::new("DequantizeLinear", &[from, scale, zero], &[to])
    };
    let gemm = own("QGemm", &["qr", "s", "z", "v", "ws", "wz", "b"], &["y"]);
    let product = vec![
        rows(),
        real("qr", "s", "z", "a"),
        real("v", "ws", "wz", "c"),
        OnnxNode::new("MatMul", &["a", "c"], &["p"]),
    ];
    let model_with_bias =
        || model().weights("rb", &[5], [-40.0, 30.0, 20.0, -10.0, 0.0].map(|b| b / 32.0).to_vec());
    let standard =
        product.into_iter().chain([OnnxNode::new("Add", &["p", "rb"], &["y"])]).collect();
    assert_same(model_with_bias, vec![rows(), gemm], standard);

    let dynamic = own("DynamicQuantizeMatMul", &["x", "v", "ws", "wz", "fb"], &["y"]);
    let standard = vec![
        OnnxNode::new("DynamicQuantizeLinear", &["x"], &["dq", "ds", "dz"]),
        real("dq", "ds", "dz", "a"),
        real("v", "ws", "wz", "c"),
        OnnxNode::new("MatMul", &["a", "c"], &["p"]),
        OnnxNode::new("Add", &["p", "fb"], &["y"]),
    ];
    assert_same(model, vec![dynamic], standard);
}

/// Five inputs in blocks of four, of which the second is filled up: rows of two blocks, each of two bytes.
#[test]
fn weights_of_four_bits_are_unpacked() {
    let numbers = |row: i32| (0..8).map(move |at| (at * 7 + row * 3) % 16).collect::<Vec<i32>>();
    let pairs = [numbers(0), numbers(1)].concat();
    let bytes: Vec<i32> = pairs.chunks(2).map(|pair| pair[0] | pair[1] << 4).collect();
    let scales = [0.5, 0.25, 2.0, 1.0];
    let model = || {
        let model = OnnxModel::new(17, "x", &[1, 3, 1, 5]).weights("s", &[4], scales.to_vec());
        small(model, "w", &[2, 2, 2], UINT8, bytes.clone())
    };
    let zeros = [[8.0, 8.0, 8.0, 8.0], [1.0, 2.0, 3.0, 4.0]];
    let with_zeros = small(model(), "z", &[2, 1], UINT8, vec![0x21, 0x43]);
    let product = |operands: &[&str]| {
        let node = own("MatMulNBits", operands, &["y"]);
        node.integer("K", 5).integer("N", 2).integer("bits", 4).integer("block_size", 4)
    };
    let models = [
        model().node(product(&["x", "w", "s"])).output("y"),
        with_zeros.node(product(&["x", "w", "s", "z"])).output("y"),
    ];
    for (model, zeros) in models.into_iter().zip(zeros) {
        let found = outputs(&graph(&model));
        for (index, found) in found[0].as_f32().unwrap().iter().enumerate() {
            let (row, output) = (index / 2, index % 2);
            let expected: f32 = (0..5)
                .map(|at| {
                    let block = output * 2 + at / 4;
                    let weight = numbers(output as i32)[at] as f32 - zeros[block];
                    (row * 5 + at) as f32 * weight * scales[block]
                })
                .sum();
            assert_eq!(*found, expected, "row {row}, output {output}");
        }
    }
}

/// The second direction of the file has weights of its own scale.
#[test]
fn weights_of_a_recurrent_layer_may_be_integers() {
    let weights =
        |count: i32, factor: i32| (0..count).map(|at| at * factor % 200 - 100).collect::<Vec<_>>();
    let model = || {
        let model = OnnxModel::new(17, "x", &[1, 3, 2, 2])
            .integers("steps", &[3, 1, 4])
            .weights("s", &[2], vec![0.0078125, 0.00390625])
            .node(OnnxNode::new("Reshape", &["x", "steps"], &["t"]));
        let model = small(model, "w", &[2, 4, 8], INT8, weights(64, 53));
        let model = small(model, "z", &[2], INT8, vec![0, 0]);
        small(model, "r", &[2, 2, 8], INT8, weights(32, 71))
    };
    let layer = |node: OnnxNode| text(node.integer("hidden_size", 2), "direction", "bidirectional");
    let operands = ["t", "w", "r", "", "", "", "", "", "s", "z", "s", "z"];
    let integers = layer(own("DynamicQuantizeLSTM", &operands, &["y"]));
    let real = |from: &str, to: &str| {
        OnnxNode::new("DequantizeLinear", &[from, "s", "z"], &[to]).integer("axis", 0)
    };
    let moved = |from: &str, to: &str| {
        OnnxNode::new("Transpose", &[from], &[to]).integers("perm", &[0, 2, 1])
    };
    let standard = vec![
        real("w", "wr"),
        real("r", "rr"),
        moved("wr", "wt"),
        moved("rr", "rt"),
        layer(OnnxNode::new("LSTM", &["t", "wt", "rt"], &["y"])),
    ];
    assert_same(model, vec![integers], standard);
}

/// The weights are in an order that depends on the processor, which the file does not name.
#[test]
fn a_file_that_was_saved_for_one_processor_is_refused() {
    let mut node = OnnxNode::new("Conv", &["x", "w"], &["y"]);
    node.0.domain = "com.microsoft.nchwc".to_owned();
    let model = OnnxModel::new(17, "x", &[1, 3, 4, 4]).weights("w", &[8, 3, 1, 1], vec![0.0; 24]);
    assert_refused(read(&model.node(node).output("y")), &["the processor", "ORT_ENABLE_EXTENDED"]);
}
