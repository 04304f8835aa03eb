//! Any bytes as an ONNX file: read, made into a graph for an image size, its constants folded, its
//! nodes fused. It may be refused; what is accepted is a graph that backends can rely on.

#![no_main]

use framegate_backend_api::graph::Graph;
use framegate_fuzz::graft::{Inputs, onto_image};
use framegate_models::onnx::OnnxFile;
use framegate_models::passes::optimise;
use framegate_onnx_proto::{Message, ModelProto};
use libfuzzer_sys::fuzz_target;

/// Where the file leaves the size open.
const SIDE: usize = 32;
/// Largest input: a file may declare any.
const LARGEST: usize = 256;

/// Nodes come after what they read, and constants have as many elements as their shape says.
fn check(graph: &Graph) {
    let mut is_known = vec![false; graph.values.len()];
    is_known[graph.input.0] = true;
    for (known, value) in is_known.iter_mut().zip(&graph.values) {
        if let Some(constant) = &value.constant {
            assert_eq!(constant.shape(), value.shape, "of `{}`", value.name);
            *known = true;
        }
    }
    for node in &graph.nodes {
        assert!(node.inputs.iter().all(|id| is_known[id.0]), "`{}` comes too early", node.name);
        node.outputs.iter().for_each(|id| is_known[id.0] = true);
    }
    assert!(graph.outputs.iter().all(|id| is_known[id.0]), "an output is never computed");
}

/// Reads a file and makes its graph, as it is and with nodes fused.
fn import(bytes: &[u8]) {
    let Ok(file) = OnnxFile::parse(bytes) else { return };
    let [height, width] = file.image_size().map(|extent| extent.unwrap_or(SIDE));
    if height > LARGEST || width > LARGEST {
        return;
    }
    if let Ok(graph) = file.graph(height, width) {
        check(&graph);
        check(&optimise(graph));
    }
}

fuzz_target!(|bytes: &[u8]| {
    import(bytes);
    // Few files take an image, and without one no operator is reached.
    for inputs in [Inputs::Constant, Inputs::Computed] {
        if let Ok(mut model) = ModelProto::decode(bytes)
            && onto_image(&mut model, SIDE, inputs)
        {
            import(&model.encode_to_vec());
        }
    }
});
