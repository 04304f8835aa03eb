//! Builds the attributes of ONNX nodes.

use framegate_onnx_proto::{AttributeProto, AttributeType};

fn attribute(name: &str, kind: AttributeType) -> AttributeProto {
    AttributeProto { name: name.to_owned(), r#type: kind.into(), ..Default::default() }
}

pub(super) fn integer(name: &str, value: usize) -> AttributeProto {
    AttributeProto { i: Some(value as i64), ..attribute(name, AttributeType::Int) }
}

pub(super) fn integers(name: &str, values: &[usize]) -> AttributeProto {
    let ints = values.iter().map(|value| *value as i64).collect();
    AttributeProto { ints, ..attribute(name, AttributeType::Ints) }
}

pub(super) fn float(name: &str, value: f32) -> AttributeProto {
    AttributeProto { f: Some(value), ..attribute(name, AttributeType::Float) }
}

pub(super) fn text(name: &str, value: &str) -> AttributeProto {
    AttributeProto { s: Some(value.into()), ..attribute(name, AttributeType::String) }
}

/// A boolean, which ONNX writes as an integer.
pub(super) fn flag(name: &str, value: bool) -> AttributeProto {
    integer(name, usize::from(value))
}
