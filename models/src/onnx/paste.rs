//! The loop by which torchvision pastes masks into an image: each is resized to its box, whose size depends on the image.
//! No graph of fixed shapes can do that, and readers of boxes do not need it: the masks as they are before the loop
//! take its place, each `[height, width]` of its box and a margin of one element.

use framegate_backend_api::graph::{Operator, ValueId};
use framegate_onnx_proto::{GraphProto, NodeProto};

use super::context::Import;
use super::walk::Names;

/// The masks that a loop pastes, `[N, height, width]`; `None` if it is another loop.
pub(super) fn unpasted(
    import: &mut Import,
    node: &NodeProto,
    names: &Names<'_>,
) -> Option<ValueId> {
    let body = node.attribute.iter().find(|it| it.name == "body")?.g.as_deref()?;
    let ([_, _, images], [_, joined]) = (&body.input[..], &body.output[..]) else { return None };
    let join = producer(body, &joined.name).filter(|node| node.op_type == "Concat")?;
    let resize = body.node.iter().find(|node| node.op_type == "Resize")?;
    if join.input.first() != Some(&images.name) {
        return None;
    }
    let mut name = resize.input.first()?;
    for _ in 0..body.node.len() {
        let Some(made) = producer(body, name) else { break };
        if !matches!(&*made.op_type, "Gather" | "Expand" | "Unsqueeze" | "Squeeze" | "Cast") {
            return None;
        }
        name = made.input.first()?;
    }
    let masks = *names.get(name.as_str())?;
    let [count, 1, height, width] = import.shape(masks)[..] else { return None };
    import.emit(Operator::Reshape { shape: vec![count, height, width] }, &[masks]).ok()
}

fn producer<'a>(graph: &'a GraphProto, name: &str) -> Option<&'a NodeProto> {
    graph.node.iter().find(|node| node.output.iter().any(|output| output == name))
}
