//! Attributes of ONNX nodes.

use framegate_onnx_proto::{AttributeProto, AttributeType};

fn attribute(name: &str, kind: AttributeType) -> AttributeProto {
    AttributeProto { name: name.to_owned(), r#type: kind.into(), ..Default::default() }
}

/// One integer.
pub(super) fn integer(name: &str, value: usize) -> AttributeProto {
    AttributeProto { i: Some(value as i64), ..attribute(name, AttributeType::Int) }
}

/// Several integers.
pub(super) fn integers(name: &str, values: &[usize]) -> AttributeProto {
    let ints = values.iter().map(|value| *value as i64).collect();
    AttributeProto { ints, ..attribute(name, AttributeType::Ints) }
}

/// One number.
pub(super) fn float(name: &str, value: f32) -> AttributeProto {
    AttributeProto { f: Some(value), ..attribute(name, AttributeType::Float) }
}

/// A word.
pub(super) fn text(name: &str, value: &str) -> AttributeProto {
    AttributeProto { s: Some(value.into()), ..attribute(name, AttributeType::String) }
}

/// Truth, as ONNX writes it.
pub(super) fn flag(name: &str, value: bool) -> AttributeProto {
    integer(name, usize::from(value))
}
