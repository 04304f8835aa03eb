//! Products of matrices and of stacks of them.

use super::Operation;
use super::indexing::{broadcast_shape, broadcast_strides, offsets};

/// For each matrix of a product's stack, the matrix of either operand that it comes from.
pub(crate) fn stacked_matrices(a_shape: &[usize], b_shape: &[usize]) -> Vec<[usize; 2]> {
    let [a, b] = [a_shape, b_shape].map(|shape| &shape[..shape.len() - 2]);
    let stack = broadcast_shape(a, b);
    let matrices = |own: &[usize]| offsets(&stack, &broadcast_strides(own, stack.len()));
    matrices(a).into_iter().zip(matrices(b)).map(|(a, b)| [a, b]).collect()
}

pub(super) fn matmul(a_shape: &[usize], b_shape: &[usize]) -> Operation {
    let ([.., rows, inner], [.., columns]) = (a_shape, b_shape) else {
        unreachable!("operands were checked to be matrices");
    };
    let (rows, inner, columns) = (*rows, *inner, *columns);
    let matrices = stacked_matrices(a_shape, b_shape);
    Box::new(move |operands| {
        let (a, b) = (operands.floats(0), operands.floats(1));
        let mut results = operands.float_output().iter_mut();
        for [a_matrix, b_matrix] in &matrices {
            let a = &a[a_matrix * rows * inner..][..rows * inner];
            let b = &b[b_matrix * inner * columns..][..inner * columns];
            for row in 0..rows {
                for (column, result) in (0..columns).zip(results.by_ref()) {
                    let product = |k: usize| {
                        f64::from(a[row * inner + k]) * f64::from(b[k * columns + column])
                    };
                    *result = (0..inner).map(product).sum::<f64>() as f32;
                }
            }
        }
    })
}
