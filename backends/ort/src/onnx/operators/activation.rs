//! Activation functions.

use framegate_backend_api::graph::Activation;

use super::super::attribute::{float, text};
use super::super::writer::Writer;

pub(super) fn write(
    writer: &mut Writer<'_>,
    activation: Activation,
    input: &str,
    output: &[String],
) {
    let mut inputs = vec![input.to_owned()];
    let (operator, attributes) = match activation {
        Activation::Relu => ("Relu", Vec::new()),
        Activation::LeakyRelu { slope } => ("LeakyRelu", vec![float("alpha", slope)]),
        Activation::Sigmoid => ("Sigmoid", Vec::new()),
        Activation::Silu => {
            inputs.push(writer.helper("Sigmoid", &inputs));
            ("Mul", Vec::new())
        }
        Activation::HardSigmoid { alpha, beta } => {
            ("HardSigmoid", vec![float("alpha", alpha), float("beta", beta)])
        }
        Activation::HardSwish => ("HardSwish", Vec::new()),
        Activation::Clip { min, max } => {
            inputs.push(writer.number(min));
            inputs.push(writer.number(max));
            ("Clip", Vec::new())
        }
        Activation::Tanh => ("Tanh", Vec::new()),
        Activation::Gelu { approximate } => {
            let formula = if approximate { "tanh" } else { "none" };
            ("Gelu", vec![text("approximate", formula)])
        }
        Activation::Elu { alpha } => ("Elu", vec![float("alpha", alpha)]),
        Activation::Softplus => ("Softplus", Vec::new()),
        Activation::Mish => ("Mish", Vec::new()),
        Activation::Quantize { scale, zero, min, max } => {
            inputs.push(writer.number(scale));
            let divided = writer.helper("Div", &inputs);
            let rounded = writer.helper("Round", &[divided]);
            let zero = writer.number(zero);
            let moved = writer.helper("Add", &[rounded, zero]);
            inputs = vec![moved, writer.number(min), writer.number(max)];
            ("Clip", Vec::new())
        }
        Activation::Dequantize { scale, zero } => {
            inputs.push(writer.number(zero));
            let moved = writer.helper("Sub", &inputs);
            inputs = vec![moved, writer.number(scale)];
            ("Mul", Vec::new())
        }
    };
    writer.node(operator, &inputs, output, attributes);
}
