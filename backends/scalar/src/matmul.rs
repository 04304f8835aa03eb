//! Products of matrices and of stacks of them.

use crate::Operation;
use crate::indexing::{broadcast_shape, broadcast_strides, offsets};

/// For each matrix of a product's stack, the indices of the matrices of `a` and of `b` that it is the
/// product of.
pub fn stacked_matrices(a_shape: &[usize], b_shape: &[usize]) -> Vec<[usize; 2]> {
    let [a, b] = [a_shape, b_shape].map(|shape| &shape[..shape.len() - 2]);
    let stack = broadcast_shape(a, b);
    let matrices = |own: &[usize]| offsets(&stack, &broadcast_strides(own, stack.len()));
    matrices(a).into_iter().zip(matrices(b)).map(|(a, b)| [a, b]).collect()
}

/// Sums that are accumulated side by side, so that rows of `b` are read in order.
const CHUNK: usize = 16;

pub(crate) fn matmul(a_shape: &[usize], b_shape: &[usize]) -> Operation {
    let ([.., rows, inner], [.., columns]) = (a_shape, b_shape) else {
        unreachable!("operands were checked to be matrices");
    };
    let (rows, inner, columns) = (*rows, *inner, *columns);
    let matrices = stacked_matrices(a_shape, b_shape);
    Operation::new(move |operands| {
        let (a, b) = (operands.floats(0), operands.floats(1));
        let mut results = operands.float_result().chunks_exact_mut(columns.max(1));
        for [a_matrix, b_matrix] in &matrices {
            let a = &a[a_matrix * rows * inner..][..rows * inner];
            let b = &b[b_matrix * inner * columns..][..inner * columns];
            for (row, results) in (0..rows).zip(results.by_ref()) {
                let a = &a[row * inner..][..inner];
                for (chunk, results) in results.chunks_mut(CHUNK).enumerate() {
                    let mut sums = [0.0; CHUNK];
                    for (k, factor) in a.iter().enumerate() {
                        let b = &b[k * columns + chunk * CHUNK..][..results.len()];
                        for (sum, element) in sums.iter_mut().zip(b) {
                            *sum += f64::from(*factor) * f64::from(*element);
                        }
                    }
                    for (result, sum) in results.iter_mut().zip(sums) {
                        *result = sum as f32;
                    }
                }
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use framegate_backend_api::HostTensor;
    use framegate_backend_api::graph::Operator;

    use crate::evaluate::single;

    fn matmul(a: &HostTensor, b: &HostTensor) -> HostTensor {
        single(Operator::MatMul, &[a, b])
    }

    #[test]
    fn multiplies_matrices() {
        let a = HostTensor::from_f32([2, 3], vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
        let b = HostTensor::from_f32([3, 2], vec![1.0, 0.0, 0.0, 1.0, -1.0, 2.0]);
        assert_eq!(matmul(&a, &b), HostTensor::from_f32([2, 2], vec![-2.0, 8.0, -2.0, 17.0]));
    }

    #[test]
    fn stacks_broadcast() {
        let a = HostTensor::from_f32([2, 1, 1, 2], vec![1.0, 2.0, 3.0, 4.0]);
        let b = HostTensor::from_f32([2, 2, 1], vec![1.0, 10.0, 100.0, 1000.0]);
        let expected = HostTensor::from_f32([2, 2, 1, 1], vec![21.0, 2100.0, 43.0, 4300.0]);
        assert_eq!(matmul(&a, &b), expected);
    }

    /// Longer than what is accumulated side by side, and not a multiple of it.
    #[test]
    fn long_rows_are_whole() {
        let b: Vec<f32> = (0..2 * 37).map(|x| x as f32).collect();
        let a = HostTensor::from_f32([1, 2], vec![2.0, -1.0]);
        let expected = (0..37).map(|column| (2 * column - (37 + column)) as f32).collect();
        let b = HostTensor::from_f32([2, 37], b);
        assert_eq!(matmul(&a, &b), HostTensor::from_f32([1, 37], expected));
    }
}
