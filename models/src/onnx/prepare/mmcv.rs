//! Operators of MMCV and MMDeploy as those of ONNX that mean the same.

use framegate_onnx_proto::{AttributeType, NodeProto};

const DOMAINS: [&str; 2] = ["mmdeploy", "mmcv"];

/// Makes a node one of ONNX's own, if there is one.
pub(super) fn translate(node: &mut NodeProto) {
    if !DOMAINS.contains(&node.domain.as_str()) {
        return;
    }
    match node.op_type.as_str() {
        "grid_sampler" => grid_sample(node),
        "MMCVModulatedDeformConv2d" => deform_conv(node, &[0, 3, 1, 4, 2]),
        "MMCVDeformConv2d" => deform_conv(node, &[0, 2, 1]),
        _ => {}
    }
}

/// Modes are numbers.
fn grid_sample(node: &mut NodeProto) {
    for (name, own, values) in [
        ("interpolation_mode", "mode", ["bilinear", "nearest", "bicubic"]),
        ("padding_mode", "padding_mode", ["zeros", "border", "reflection"]),
    ] {
        for attribute in node.attribute.iter_mut().filter(|attribute| attribute.name == name) {
            let value = attribute.i.and_then(|number| values.get(usize::try_from(number).ok()?));
            // A number without a name is refused with its attribute.
            attribute.s = value.map(|value| value.as_bytes().to_vec());
            attribute.name = own.to_owned();
            attribute.r#type = AttributeType::String.into();
        }
    }
    become_own(node, "GridSample");
}

/// Operands are in another `order`, and attributes have other names.
fn deform_conv(node: &mut NodeProto, order: &[usize]) {
    node.input =
        order.iter().map(|index| node.input.get(*index).cloned().unwrap_or_default()).collect();
    for attribute in &mut node.attribute {
        let name = match attribute.name.as_str() {
            "stride" => "strides",
            "dilation" => "dilations",
            "groups" => "group",
            "deform_groups" => "offset_group",
            "padding" => {
                attribute.ints = attribute.ints.repeat(2);
                "pads"
            }
            _ => continue,
        };
        attribute.name = name.to_owned();
    }
    become_own(node, "DeformConv");
}

fn become_own(node: &mut NodeProto, operator: &str) {
    node.domain.clear();
    node.op_type = operator.to_owned();
}

#[cfg(test)]
mod tests {
    use framegate_onnx_proto::AttributeProto;

    use super::*;

    fn node(operator: &str, inputs: &[&str], attributes: Vec<AttributeProto>) -> NodeProto {
        let mut node = NodeProto {
            op_type: operator.to_owned(),
            domain: "mmdeploy".to_owned(),
            input: inputs.iter().map(|name| (*name).to_owned()).collect(),
            attribute: attributes,
            ..NodeProto::default()
        };
        translate(&mut node);
        node
    }

    fn number(name: &str, value: i64) -> AttributeProto {
        AttributeProto {
            name: name.to_owned(),
            i: Some(value),
            r#type: AttributeType::Int.into(),
            ..AttributeProto::default()
        }
    }

    #[test]
    fn modes_get_their_names() {
        let attributes = vec![number("interpolation_mode", 2), number("padding_mode", 1)];
        let node = node("grid_sampler", &["x", "grid"], attributes);
        assert_eq!((&*node.domain, &*node.op_type), ("", "GridSample"));
        let texts: Vec<_> =
            node.attribute.iter().map(|it| (&*it.name, it.s.as_deref().unwrap())).collect();
        assert_eq!(texts, [("mode", &b"bicubic"[..]), ("padding_mode", b"border")]);
    }

    #[test]
    fn operands_are_put_into_order() {
        let padding = AttributeProto { ints: vec![1, 2], ..number("padding", 0) };
        let with_bias = ["x", "offset", "mask", "weight", "bias"];
        let modulated = node("MMCVModulatedDeformConv2d", &with_bias, vec![padding]);
        assert_eq!(modulated.input, ["x", "weight", "offset", "bias", "mask"]);
        assert_eq!(
            (&*modulated.attribute[0].name, &modulated.attribute[0].ints[..]),
            ("pads", &[1, 2, 1, 2][..])
        );
        let without_bias = node("MMCVModulatedDeformConv2d", &with_bias[..4], Vec::new());
        assert_eq!(without_bias.input, ["x", "weight", "offset", "", "mask"]);
        let plain = node("MMCVDeformConv2d", &["x", "offset", "weight"], Vec::new());
        assert_eq!(plain.input, ["x", "weight", "offset"]);
        let other = node("NMSRotated", &["x"], Vec::new());
        assert_eq!(other.domain, "mmdeploy");
    }
}
