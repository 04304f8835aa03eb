//! Activations.

use framegate_backend_api::{
    ElementType,
    graph::{Activation, Binary, Operator, ValueId},
};

use super::{Import, Imported, OnnxNode};
use crate::onnx::context::Problem;

pub(super) fn activation(graph: &mut Import, node: &OnnxNode<'_>) -> Imported {
    let attributes = node.attributes;
    let activation = match node.operator {
        "Relu" => Activation::Relu,
        "LeakyRelu" => Activation::LeakyRelu { slope: attributes.float_or("alpha", 0.01)? },
        "Sigmoid" => Activation::Sigmoid,
        "HardSigmoid" => Activation::HardSigmoid {
            alpha: attributes.float_or("alpha", 0.2)?,
            beta: attributes.float_or("beta", 0.5)?,
        },
        "HardSwish" => Activation::HardSwish,
        "Tanh" => Activation::Tanh,
        "Gelu" => {
            let approximate = attributes.text_or("approximate", "none")? == "tanh";
            Activation::Gelu { approximate }
        }
        "Elu" => Activation::Elu { alpha: attributes.float_or("alpha", 1.0)? },
        "Softplus" => Activation::Softplus,
        "Mish" => Activation::Mish,
        other => return Err(format!("{other} with these attributes is not supported")),
    };
    Ok(vec![graph.emit(Operator::Activation(activation), &[node.operand(0)?])?])
}

pub(super) fn clip(graph: &mut Import, node: &OnnxNode<'_>) -> Imported {
    let x = node.operand(0)?;
    if graph.value(x).element_type != ElementType::F32 {
        return clip_integers(graph, node, x);
    }
    let bound = |graph: &Import, name: &str, index: usize, open: f32| -> Result<f32, Problem> {
        match node.optional(index) {
            Some(id) => Ok(graph.floats_of(id, "the bound")?.first().copied().unwrap_or(open)),
            None => node.attributes.float_or(name, open),
        }
    };
    let min = bound(graph, "min", 1, f32::NEG_INFINITY)?;
    let max = bound(graph, "max", 2, f32::INFINITY)?;
    let activation = match min == 0.0 && max == f32::INFINITY {
        true => Activation::Relu,
        false => Activation::Clip { min, max },
    };
    Ok(vec![graph.emit(Operator::Activation(activation), &[x])?])
}

fn clip_integers(graph: &mut Import, node: &OnnxNode<'_>, mut x: ValueId) -> Imported {
    for (index, binary) in [(1, Binary::Max), (2, Binary::Min)] {
        if let Some(bound) = node.optional(index) {
            x = graph.emit(Operator::Binary(binary), &[x, bound])?;
        }
    }
    Ok(vec![x])
}

/// `max(x, 0) + slope · min(x, 0)`; the slope broadcasts.
pub(super) fn prelu(graph: &mut Import, node: &OnnxNode<'_>) -> Imported {
    let (x, slope) = (node.operand(0)?, node.operand(1)?);
    let zero = graph.scalar(0.0);
    let positive = graph.emit(Operator::Activation(Activation::Relu), &[x])?;
    let negative = graph.emit(Operator::Binary(Binary::Min), &[x, zero])?;
    let scaled = graph.emit(Operator::Binary(Binary::Mul), &[negative, slope])?;
    Ok(vec![graph.emit(Operator::Binary(Binary::Add), &[positive, scaled])?])
}
