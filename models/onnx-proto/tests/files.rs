//! Files as Python's `onnx` writes them, and damaged ones.
//!
//! `data/pool.onnx` has fields that the messages here leave out (`doc_string` everywhere, `value_info`,
//! a node's `metadata_props`), and `ints` in the unpacked form of proto2.

use framegate_onnx_proto::{AttributeType, Message, ModelProto, TensorProto, count_messages};

const POOL: &[u8] = include_bytes!("data/pool.onnx");
const NO_GRAPH: &[u8] = include_bytes!("data/no-graph.onnx");

#[test]
fn a_file_with_unknown_fields_is_read() {
    let model = ModelProto::decode(POOL).unwrap();
    assert_eq!((&*model.producer_name, &*model.producer_version), ("a producer", "1"));
    let opsets: Vec<_> = model.opset_import.iter().map(|it| (&*it.domain, it.version)).collect();
    assert_eq!(opsets, [("", 17), ("this", 1)]);
    let metadata = &model.metadata_props[0];
    assert_eq!((&*metadata.key, &*metadata.value), ("names", "{0: 'a'}"));

    let graph = model.graph.unwrap();
    let [node] = &graph.node[..] else { panic!("{} nodes", graph.node.len()) };
    assert_eq!((&*node.op_type, &*node.name), ("MaxPool", "pool"));
    assert_eq!((&node.input[..], &node.output[..]), (&["x".to_owned()][..], &["y".to_owned()][..]));
    let ints = |name: &str| {
        let attribute = node.attribute.iter().find(|attribute| attribute.name == name).unwrap();
        assert_eq!(attribute.r#type(), AttributeType::Ints);
        attribute.ints.clone()
    };
    assert_eq!((ints("kernel_shape"), ints("strides")), (vec![3, 2], vec![2, 1]));

    let [weight, integers] = &graph.initializer[..] else { panic!("two initialisers") };
    assert_eq!((&weight.dims[..], weight.data_type), (&[2, 3][..], 1));
    assert_eq!(weight.float_data, [1.5, -2.0, 0.0, 4.0, 5.0, 6.0]);
    assert_eq!(integers.int64_data, [-1, 1 << 40]);

    let input = graph.input[0].r#type.as_ref().unwrap().tensor_type.as_ref().unwrap();
    assert_eq!(input.elem_type, 1);
    let dims = &input.shape.as_ref().unwrap().dim;
    assert_eq!(dims[0].dim_param.as_deref(), Some("N"));
    assert_eq!((dims[1].dim_value, dims[2].dim_value), (Some(3), Some(8)));
    assert_eq!((dims[3].dim_value, dims[3].dim_param.as_deref()), (None, None));
    let output = graph.output[0].r#type.as_ref().unwrap().tensor_type.as_ref().unwrap();
    assert_eq!(output.shape, None);
}

#[test]
fn a_file_without_a_graph_says_so() {
    assert_eq!(ModelProto::decode(NO_GRAPH).unwrap().graph, None);
}

#[test]
fn repeated_numbers_are_read_packed_and_unpacked() {
    let half = 0.5_f32.to_le_bytes();
    // Field 4, `float_data`: twice with its own tag, and as one field of both.
    let unpacked = [&[0x25][..], &half, &[0x25], &half].concat();
    let packed = [&[0x22, 8][..], &half, &half].concat();
    for bytes in [unpacked, packed] {
        assert_eq!(TensorProto::decode(&bytes[..]).unwrap().float_data, [0.5, 0.5], "{bytes:?}");
    }
    // Field 1, `dims`.
    for bytes in [&[0x08, 2, 0x08, 3][..], &[0x0a, 2, 2, 3]] {
        assert_eq!(TensorProto::decode(bytes).unwrap().dims, [2, 3], "{bytes:?}");
    }
}

#[test]
fn messages_are_counted_before_they_take_memory() {
    // Model, operator sets (2), metadata, graph, node, attributes (2), weights (2), input and output
    // with type, tensor type and shape (the output has none), four extents.
    let model = ModelProto::decode(POOL).unwrap();
    let known = model.encode_to_vec();
    let functions = model.functions.len();
    assert!(functions > 0, "the file has functions");
    let mut plain = model.clone();
    plain.functions.clear();
    assert_eq!(count_messages(&plain.encode_to_vec()), 1 + 2 + 1 + 1 + 1 + 2 + 2 + 4 + 3 + 4);
    assert_eq!(count_messages(POOL), count_messages(&known));
    // A graph of empty nodes.
    let nodes = [0x0a, 0].repeat(1000);
    let graph = [&[0x3a, 0xd0, 0x0f][..], &nodes].concat();
    assert_eq!(ModelProto::decode(&graph[..]).unwrap().graph.unwrap().node.len(), 1000);
    assert_eq!(count_messages(&graph), 1002);
    assert_eq!(count_messages(&graph[..graph.len() - 1]), 1);
}

#[test]
fn what_is_read_can_be_written() {
    let model = ModelProto::decode(POOL).unwrap();
    assert_eq!(ModelProto::decode(&model.encode_to_vec()[..]).unwrap(), model);
}

#[test]
fn damaged_files_are_errors_or_smaller_files_but_never_panics() {
    let mut refused = 0;
    let mut decode = |bytes: &[u8]| refused += usize::from(ModelProto::decode(bytes).is_err());
    for len in 0..POOL.len() {
        decode(&POOL[..len]);
    }
    for position in 0..POOL.len() {
        for bit in 0..8 {
            let mut bytes = POOL.to_vec();
            bytes[position] ^= 1 << bit;
            decode(&bytes);
        }
    }
    assert!(refused > POOL.len(), "only {refused} were refused");
}

#[test]
fn messages_within_messages_have_a_limit() {
    // The start of a group with the unknown number 100, within another, and so on.
    let bytes = [0xa3, 0x06].repeat(100_000);
    let error = ModelProto::decode(&bytes[..]).unwrap_err();
    assert!(error.to_string().contains("recursion"), "{error}");
}
