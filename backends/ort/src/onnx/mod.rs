//! Writes a graph as an ONNX model.

mod attribute;
mod operators;
mod writer;

use framegate_backend_api::graph::{Batching, Graph};

use writer::Writer;

/// The bytes of an ONNX model file that computes `graph`. Its outputs are in the graph's order and all `f32`.
/// If images may run together, the first axis of its input and outputs is symbolic.
pub(crate) fn write(graph: &Graph) -> Vec<u8> {
    let open_batch = graph.batching == Batching::FirstAxis;
    let mut writer = Writer::new(graph, open_batch);
    for node in &graph.nodes {
        operators::write(&mut writer, node);
    }
    writer.finish()
}
