//! Functions of one element, or of two.

use framegate_backend_api::ElementType;
use framegate_backend_api::graph::{Binary, Unary};

use super::super::writer::Writer;

pub(super) fn unary(unary: Unary) -> &'static str {
    match unary {
        Unary::Abs => "Abs",
        Unary::Neg => "Neg",
        Unary::Sign => "Sign",
        Unary::Exp => "Exp",
        Unary::Log => "Log",
        Unary::Sqrt => "Sqrt",
        Unary::Reciprocal => "Reciprocal",
        Unary::Floor => "Floor",
        Unary::Ceil => "Ceil",
        Unary::Round => "Round",
        Unary::Sin => "Sin",
        Unary::Cos => "Cos",
        Unary::Atan => "Atan",
        Unary::Erf => "Erf",
        Unary::Not => "Not",
    }
}

pub(super) fn binary(
    writer: &mut Writer<'_>,
    binary: Binary,
    element_type: ElementType,
    inputs: &[String],
    output: &[String],
) {
    let operator = match binary {
        // ONNX defines the remainder with the sign of the divisor for integers only.
        Binary::Mod if element_type == ElementType::F32 => {
            return float_remainder(writer, inputs, output);
        }
        Binary::Add => "Add",
        Binary::Sub => "Sub",
        Binary::Mul => "Mul",
        Binary::Div => "Div",
        Binary::Pow => "Pow",
        Binary::Mod => "Mod",
        Binary::Max => "Max",
        Binary::Min => "Min",
        Binary::Equal => "Equal",
        Binary::Less => "Less",
        Binary::LessOrEqual => "LessOrEqual",
        Binary::Greater => "Greater",
        Binary::GreaterOrEqual => "GreaterOrEqual",
        Binary::And => "And",
        Binary::Or => "Or",
        Binary::Xor => "Xor",
    };
    writer.node(operator, inputs, output, Vec::new());
}

/// `condition ? a : b` per element.
pub(super) fn choice(
    writer: &mut Writer<'_>,
    element_type: ElementType,
    inputs: &[String],
    output: &[String],
) {
    let [condition, a, b] = inputs else { unreachable!("the graph was checked") };
    if element_type != ElementType::Bool {
        return writer.node("Where", inputs, output, Vec::new());
    }
    // The runtime has no `Where` for booleans.
    let otherwise = writer.helper("Not", std::slice::from_ref(condition));
    let from_a = writer.helper("And", &[condition.clone(), a.clone()]);
    let from_b = writer.helper("And", &[otherwise, b.clone()]);
    writer.node("Or", &[from_a, from_b], output, Vec::new());
}

/// `a − b · floor(a / b)`
fn float_remainder(writer: &mut Writer<'_>, inputs: &[String], output: &[String]) {
    let quotient = writer.helper("Div", inputs);
    let whole = writer.helper("Floor", &[quotient]);
    let multiple = writer.helper("Mul", &[inputs[1].clone(), whole]);
    writer.node("Sub", &[inputs[0].clone(), multiple], output, Vec::new());
}
