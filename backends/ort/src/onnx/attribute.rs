//! Attributes of ONNX nodes.

use onnx_ir::{AttributeProto, AttributeType};

fn attribute(name: &str, kind: AttributeType) -> AttributeProto {
    let mut attribute = AttributeProto::new();
    attribute.name = name.to_owned();
    attribute.type_ = kind.into();
    attribute
}

/// One integer.
pub(super) fn integer(name: &str, value: usize) -> AttributeProto {
    AttributeProto { i: value as i64, ..attribute(name, AttributeType::INT) }
}

/// Several integers.
pub(super) fn integers(name: &str, values: &[usize]) -> AttributeProto {
    let ints = values.iter().map(|value| *value as i64).collect();
    AttributeProto { ints, ..attribute(name, AttributeType::INTS) }
}

/// One number.
pub(super) fn float(name: &str, value: f32) -> AttributeProto {
    AttributeProto { f: value, ..attribute(name, AttributeType::FLOAT) }
}

/// A word.
pub(super) fn text(name: &str, value: &str) -> AttributeProto {
    AttributeProto { s: value.as_bytes().to_vec().into(), ..attribute(name, AttributeType::STRING) }
}

/// Truth, as ONNX writes it.
pub(super) fn flag(name: &str, value: bool) -> AttributeProto {
    integer(name, usize::from(value))
}
