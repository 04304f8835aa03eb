//! Matrix products.

use framegate_backend_api::graph::{Binary, Operator, ValueId};

use super::{Import, Imported, OnnxNode};
use crate::onnx::context::Problem;

/// `MatMul`, whose vectors count as a row on the left and as a column on the right.
pub(super) fn mat_mul(graph: &mut Import, node: &OnnxNode<'_>) -> Imported {
    let (a, b) = (node.operand(0)?, node.operand(1)?);
    Ok(vec![product(graph, a, b)?])
}

/// The product of matrices, of stacks of them, and of vectors.
pub(super) fn product(
    graph: &mut Import,
    mut a: ValueId,
    mut b: ValueId,
) -> Result<ValueId, Problem> {
    let (a_shape, b_shape) = (graph.shape(a), graph.shape(b));
    if let [inner] = a_shape[..] {
        a = graph.emit(Operator::Reshape { shape: vec![1, inner] }, &[a])?;
    }
    if let [inner] = b_shape[..] {
        b = graph.emit(Operator::Reshape { shape: vec![inner, 1] }, &[b])?;
    }
    let mut product = graph.emit(Operator::MatMul, &[a, b])?;
    if a_shape.len() == 1 || b_shape.len() == 1 {
        let mut shape = graph.shape(product);
        if b_shape.len() == 1 {
            shape.pop();
        }
        if a_shape.len() == 1 {
            shape.remove(shape.len() - if b_shape.len() == 1 { 1 } else { 2 });
        }
        product = graph.emit(Operator::Reshape { shape }, &[product])?;
    }
    Ok(product)
}

/// `alpha · A' × B' + beta · C`, a prime being an optional transposition.
pub(super) fn gemm(graph: &mut Import, node: &OnnxNode<'_>) -> Imported {
    let attributes = node.attributes;
    let mut a = node.operand(0)?;
    let mut b = node.operand(1)?;
    if attributes.flag("transA", false)? {
        a = transposed(graph, a)?;
    }
    if attributes.flag("transB", false)? {
        b = transposed(graph, b)?;
    }
    // Scaling the constant side costs nothing at run time.
    let b = scaled(graph, b, attributes.float_or("alpha", 1.0)?)?;
    let mut product = graph.emit(Operator::MatMul, &[a, b])?;
    if let Some(c) = node.optional(2) {
        let c = scaled(graph, c, attributes.float_or("beta", 1.0)?)?;
        product = graph.emit(Operator::Binary(Binary::Add), &[product, c])?;
    }
    Ok(vec![product])
}

fn transposed(graph: &mut Import, matrix: ValueId) -> Result<ValueId, Problem> {
    graph.emit(Operator::Transpose { permutation: vec![1, 0] }, &[matrix])
}

pub(super) fn scaled(graph: &mut Import, x: ValueId, factor: f32) -> Result<ValueId, Problem> {
    if factor == 1.0 {
        return Ok(x);
    }
    let factor = graph.scalar(factor);
    graph.emit(Operator::Binary(Binary::Mul), &[x, factor])
}
