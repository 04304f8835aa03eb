//! Outputs for people in files of classifiers, as Azure's Custom Vision and scikit-learn's converter write them: a name
//! beside the scores, and a map from names to scores.

use framegate_onnx_proto::{GraphProto, ValueInfoProto};

/// `TensorProto.DataType` of texts.
const STRING: i32 = 8;

/// Leaves out outputs that are texts, where others remain, and makes maps of names to scores plain scores.
pub(in crate::onnx) fn leave_out(graph: &mut GraphProto) {
    for node in &mut graph.node {
        if node.op_type == "ZipMap" && node.domain == "ai.onnx.ml" {
            node.op_type = "Identity".to_owned();
            node.domain.clear();
            node.attribute.clear();
        }
    }
    if graph.output.iter().any(|output| !is_text(output)) {
        graph.output.retain(|output| !is_text(output));
    }
}

fn is_text(value: &ValueInfoProto) -> bool {
    let tensor = value.r#type.as_ref().and_then(|of| of.tensor_type.as_ref());
    tensor.is_some_and(|tensor| tensor.elem_type == STRING)
}

#[cfg(test)]
mod tests {
    use framegate_onnx_proto::{NodeProto, TensorTypeProto, TypeProto};

    use super::*;

    fn output(name: &str, elem_type: i32) -> ValueInfoProto {
        let tensor_type = Some(TensorTypeProto { elem_type, shape: None });
        ValueInfoProto { name: name.to_owned(), r#type: Some(TypeProto { tensor_type }) }
    }

    fn names(outputs: Vec<ValueInfoProto>) -> Vec<String> {
        let zip = NodeProto {
            op_type: "ZipMap".to_owned(),
            domain: "ai.onnx.ml".to_owned(),
            ..NodeProto::default()
        };
        let mut graph = GraphProto { node: vec![zip], output: outputs, ..GraphProto::default() };
        leave_out(&mut graph);
        assert_eq!((&*graph.node[0].op_type, &*graph.node[0].domain), ("Identity", ""));
        graph.output.into_iter().map(|output| output.name).collect()
    }

    #[test]
    fn scores_remain_and_texts_do_not() {
        let label = || output("classLabel", STRING);
        let map = ValueInfoProto { name: "loss".to_owned(), r#type: None };
        assert_eq!(names(vec![label(), map]), ["loss"]);
        assert_eq!(names(vec![label()]), ["classLabel"]);
    }
}
