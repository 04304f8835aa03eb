//! ONNX Runtime's own operators on quantised numbers. Most are the standard's operators between two conversions:
//! their operands are dequantised, and what they compute is quantised again.

use framegate_backend_api::HostTensor;
use framegate_backend_api::graph::{Activation, Binary, Operator, Reduce, Reduction, ValueId};

use super::fused::{channels_first, channels_last};
use super::quantisation::{
    Scale, centred, dequantized, dynamically_quantized, quantized, requantized,
};
use super::quantised::{centred_rows, per_row};
use super::{Import, Imported, OnnxNode, matrix, pooling, recurrent};
use crate::onnx::context::{Problem, axes_of, axis_of, extents_of};

/// An integer product, scaled, with a bias.
pub(super) fn mat_mul_integer_to_float(graph: &mut Import, node: &OnnxNode<'_>) -> Imported {
    let a = centred_rows(graph, node.operand(0)?, node.optional(4))?;
    let b = centred(graph, node.operand(1)?, node.optional(5))?;
    let scale = per_row(graph, node.operand(2)?)?;
    Ok(vec![scaled_product(graph, [a, b], [scale, node.operand(3)?], node.optional(6))?])
}

/// The same with a left operand of floats, which are quantised by their own range.
pub(super) fn dynamic_mat_mul(graph: &mut Import, node: &OnnxNode<'_>) -> Imported {
    let [a, scale, zero] = dynamically_quantized(graph, node.operand(0)?)?;
    let a = centred(graph, a, Some(zero))?;
    let b = centred(graph, node.operand(1)?, node.optional(3))?;
    Ok(vec![scaled_product(graph, [a, b], [scale, node.operand(2)?], node.optional(4))?])
}

fn scaled_product(
    graph: &mut Import,
    [a, b]: [ValueId; 2],
    scales: [ValueId; 2],
    bias: Option<ValueId>,
) -> Result<ValueId, Problem> {
    let mut result = matrix::product(graph, a, b)?;
    for scale in scales {
        result = graph.emit(Operator::Binary(Binary::Mul), &[result, scale])?;
    }
    match bias {
        Some(bias) => graph.emit(Operator::Binary(Binary::Add), &[result, bias]),
        None => Ok(result),
    }
}

/// `a`, its scale and zero point, `b` and its, a bias of integers, and the scale and zero point of the result, which is
/// of floats without them.
pub(super) fn gemm(graph: &mut Import, node: &OnnxNode<'_>) -> Imported {
    let attributes = node.attributes;
    let (a_scale, b_scale) = (Scale::at(node, 1, 2)?, Scale::at(node, 4, 5)?);
    let mut a = centred(graph, node.operand(0)?, a_scale.zero)?;
    let mut b = node.operand(3)?;
    let transposed = Operator::Transpose { permutation: vec![1, 0] };
    if attributes.flag("transA", false)? {
        a = graph.emit(transposed.clone(), &[a])?;
    }
    // Scale and zero point of `b` are one per column of the result.
    if attributes.flag("transB", false)? {
        b = graph.emit(transposed, &[b])?;
    }
    let b = centred(graph, b, b_scale.zero)?;
    let mut sum = matrix::product(graph, a, b)?;
    if let Some(bias) = node.optional(6) {
        let bias = centred(graph, bias, None)?;
        sum = graph.emit(Operator::Binary(Binary::Add), &[sum, bias])?;
    }
    let factor = matrix::scaled(graph, a_scale.scale, attributes.float_or("alpha", 1.0)?)?;
    if node.optional(7).is_some() {
        let factors = [factor, b_scale.scale];
        return Ok(vec![requantized(graph, sum, factors, Scale::at(node, 7, 8)?)?]);
    }
    let scaled = graph.emit(Operator::Binary(Binary::Mul), &[sum, factor])?;
    Ok(vec![graph.emit(Operator::Binary(Binary::Mul), &[scaled, b_scale.scale])?])
}

/// `QLinearAdd` and `QLinearMul`.
pub(super) fn qlinear_binary(graph: &mut Import, node: &OnnxNode<'_>) -> Imported {
    let a = dequantized_operand(graph, node, 0)?;
    let b = dequantized_operand(graph, node, 3)?;
    let function = if node.operator == "QLinearAdd" { Binary::Add } else { Binary::Mul };
    let result = graph.emit(Operator::Binary(function), &[a, b])?;
    Ok(vec![quantized_result(graph, node, result, 6)?])
}

/// Operators with one operand. Pools may have their channels in the last place.
pub(super) fn qlinear_unary(graph: &mut Import, node: &OnnxNode<'_>) -> Imported {
    let attributes = node.attributes;
    let mut x = dequantized_operand(graph, node, 0)?;
    let is_last = attributes.flag("channels_last", false)?;
    if is_last {
        x = channels_first(graph, x)?;
    }
    let rank = graph.shape(x).len();
    let mut result = match node.operator {
        "QLinearSigmoid" => graph.emit(Operator::Activation(Activation::Sigmoid), &[x])?,
        "QLinearLeakyRelu" => {
            let slope = attributes.float_or("alpha", 0.01)?;
            graph.emit(Operator::Activation(Activation::LeakyRelu { slope }), &[x])?
        }
        "QLinearSoftmax" => softmax(graph, node, x)?,
        "QLinearAveragePool" => pooling::average_pool_of(graph, node, x)?,
        "QLinearReduceMean" => {
            let axes = match attributes.integers("axes")? {
                Some(axes) => axes_of(&axes, rank)?,
                None => (0..rank).collect(),
            };
            let keep_axes = attributes.flag("keepdims", true)?;
            let mean = Reduce { reduction: Reduction::Mean, axes, keep_axes };
            graph.emit(Operator::Reduce(mean), &[x])?
        }
        "QLinearGlobalAveragePool" => {
            let (reduction, axes) = (Reduction::Mean, (2..rank).collect());
            let mean = Reduce { reduction, axes, keep_axes: true };
            graph.emit(Operator::Reduce(mean), &[x])?
        }
        other => return Err(format!("{other} with these attributes is not supported")),
    };
    if is_last {
        result = channels_last(graph, result)?;
    }
    Ok(vec![quantized_result(graph, node, result, 3)?])
}

/// Before version 13 of the standard, all axes from `axis` on count as one.
fn softmax(graph: &mut Import, node: &OnnxNode<'_>, x: ValueId) -> Result<ValueId, Problem> {
    let shape = graph.shape(x);
    let axis = axis_of(node.attributes.integer_or("axis", -1)?, shape.len())?;
    if node.attributes.integer_or("opset", 13)? >= 13 || axis + 1 == shape.len() {
        return graph.emit(Operator::Softmax { axis }, &[x]);
    }
    let flat = vec![shape[..axis].iter().product(), shape[axis..].iter().product()];
    let flat = graph.emit(Operator::Reshape { shape: flat }, &[x])?;
    let shares = graph.emit(Operator::Softmax { axis: 1 }, &[flat])?;
    graph.emit(Operator::Reshape { shape }, &[shares])
}

/// `QLinearConcat`: the scale of the result, then three operands for each part.
pub(super) fn qlinear_concat(graph: &mut Import, node: &OnnxNode<'_>) -> Imported {
    let parts: Vec<ValueId> = (2..node.operands.len())
        .step_by(3)
        .map(|index| dequantized_operand(graph, node, index))
        .collect::<Result<_, _>>()?;
    let first = *parts.first().ok_or("it has no operands")?;
    let axis = node.attributes.integer("axis")?.ok_or("attribute `axis` is missing")?;
    let axis = axis_of(axis, graph.shape(first).len())?;
    let result = graph.emit(Operator::Concat { axis }, &parts)?;
    Ok(vec![quantized_result(graph, node, result, 0)?])
}

pub(super) fn qlinear_where(graph: &mut Import, node: &OnnxNode<'_>) -> Imported {
    let a = dequantized_operand(graph, node, 1)?;
    let b = dequantized_operand(graph, node, 4)?;
    let result = graph.emit(Operator::Where, &[node.operand(0)?, a, b])?;
    Ok(vec![quantized_result(graph, node, result, 7)?])
}

/// The operand at `index`, whose scale and zero point follow it.
fn dequantized_operand(
    graph: &mut Import,
    node: &OnnxNode<'_>,
    index: usize,
) -> Result<ValueId, Problem> {
    let x = node.operand(index)?;
    dequantized(graph, x, Scale::at(node, index + 1, index + 2)?)
}

/// A result quantised by the scale and zero point at `index`.
fn quantized_result(
    graph: &mut Import,
    node: &OnnxNode<'_>,
    result: ValueId,
    index: usize,
) -> Result<ValueId, Problem> {
    let scale = Scale::at(node, index, index + 1)?;
    let data_type = match scale.zero {
        Some(zero) => graph.data_type(zero),
        None => graph.data_type(node.operand(0)?),
    };
    quantized(graph, result, scale, data_type)
}

/// An LSTM whose weights are integers, `[directions, inputs, gates]`. ONNX Runtime quantises what it multiplies them
/// with as well, step by step, which loses up to half a step of its range; here that stays as it is.
pub(super) fn dynamic_lstm(graph: &mut Import, node: &OnnxNode<'_>) -> Imported {
    let mut operands: Vec<Option<ValueId>> = (0..8).map(|index| node.optional(index)).collect();
    for (index, scale) in [(1, Scale::at(node, 8, 9)?), (2, Scale::at(node, 10, 11)?)] {
        let along = |graph: &mut Import, id: ValueId| match graph.shape(id)[..] {
            [directions] => graph.emit(Operator::Reshape { shape: vec![directions, 1, 1] }, &[id]),
            [directions, gates] => {
                graph.emit(Operator::Reshape { shape: vec![directions, 1, gates] }, &[id])
            }
            _ => Ok(id),
        };
        let zero = scale.zero.map(|zero| along(graph, zero)).transpose()?;
        let scale = Scale { scale: along(graph, scale.scale)?, zero };
        let weights = dequantized(graph, node.operand(index)?, scale)?;
        let permutation = vec![0, 2, 1];
        operands[index] = Some(graph.emit(Operator::Transpose { permutation }, &[weights])?);
    }
    let (attributes, output_count) = (node.attributes, node.output_count);
    let plain = OnnxNode { attributes, operands, output_count, operator: "LSTM", domain: "" };
    recurrent::recurrent(graph, &plain)
}

/// `MatMulNBits`: a product with weights `[N, K]` of a few bits, which have a scale, and maybe a zero point, for each
/// block of a row. Bytes hold their first number in their lowest bits.
pub(super) fn mat_mul_of_few_bits(graph: &mut Import, node: &OnnxNode<'_>) -> Imported {
    let attributes = node.attributes;
    let number = |name: &str| attributes.integer(name)?.ok_or(format!("`{name}` is missing"));
    let bits = attributes.integer_or("bits", 4)?;
    let numbers = [number("K")?, number("N")?, number("block_size")?, bits];
    let &[inputs, outputs, block, bits] = &extents_of(&numbers, "its sizes")?[..] else {
        return Err("its sizes are missing".to_owned());
    };
    if ![2, 4, 8].contains(&bits) || block == 0 || !(block * bits).is_multiple_of(8) {
        return Err(format!("weights of {bits} bits in blocks of {block} are not supported"));
    }
    if node.optional(4).is_some() {
        return Err("an order of its inputs is not supported".to_owned());
    }
    let blocks = inputs.div_ceil(block);
    let row = blocks * block * bits / 8;
    let scales = graph.floats_of(node.operand(2)?, "its scales")?;
    let packed = graph.integers_of(node.operand(1)?, "its weights")?;
    let unfit = || format!("its weights do not make up {outputs} rows of {inputs}");
    if row == 0 || scales.len() != outputs * blocks || packed.len() != outputs * row {
        return Err(unfit());
    }
    let zeros = match node.optional(3) {
        None => vec![(1_u64 << (bits - 1)) as f32; scales.len()],
        Some(zeros) => match graph.constant_of(zeros, "its zero points")?.as_f32() {
            Some(floats) => floats.to_vec(),
            None => {
                let packed = graph.integers_of(zeros, "its zero points")?;
                let rows = packed.chunks((blocks * bits).div_ceil(8));
                rows.flat_map(|row| unpacked(row, bits, blocks)).map(|it| it as f32).collect()
            }
        },
    };
    if zeros.len() != scales.len() {
        return Err(unfit());
    }
    graph.reserve(inputs * outputs)?;
    let mut weights = Vec::with_capacity(inputs * outputs);
    for (row, bytes) in packed.chunks(row).enumerate() {
        weights.extend(unpacked(bytes, bits, inputs).into_iter().enumerate().map(
            |(at, number)| {
                let of_block = row * blocks + at / block;
                (number as f32 - zeros[of_block]) * scales[of_block]
            },
        ));
    }
    let weights = graph.constant(HostTensor::from_f32([outputs, inputs], weights));
    let weights = graph.emit(Operator::Transpose { permutation: vec![1, 0] }, &[weights])?;
    let product = matrix::product(graph, node.operand(0)?, weights)?;
    Ok(vec![match node.optional(5) {
        Some(bias) => graph.emit(Operator::Binary(Binary::Add), &[product, bias])?,
        None => product,
    }])
}

/// The first `count` numbers of a few bits in some bytes.
fn unpacked(bytes: &[i64], bits: usize, count: usize) -> Vec<i64> {
    let numbers = bytes.iter().flat_map(|byte| {
        (0..8 / bits).map(move |place| (byte >> (place * bits)) & ((1 << bits) - 1))
    });
    numbers.take(count).collect()
}
