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
                multiply_row(&a[row * inner..][..inner], b, results);
            }
        }
    })
}

/// Multiplies a row with a matrix: as many columns at a time as there are left, up to 16, so that wide
/// matrices are read in order.
fn multiply_row(row: &[f32], matrix: &[f32], results: &mut [f32]) {
    let columns = results.len();
    let (sixteens, rest) = results.as_chunks_mut::<16>();
    let (fours, ones) = rest.as_chunks_mut::<4>();
    let first_four = sixteens.len() * 16;
    let first_one = first_four + fours.len() * 4;
    for (index, results) in sixteens.iter_mut().enumerate() {
        *results = sums(row, matrix, columns, index * 16);
    }
    for (index, results) in fours.iter_mut().enumerate() {
        *results = sums(row, matrix, columns, first_four + index * 4);
    }
    for (index, result) in ones.iter_mut().enumerate() {
        [*result] = sums(row, matrix, columns, first_one + index);
    }
}

/// The products of a row with `N` columns of a matrix, from column `first` on.
fn sums<const N: usize>(row: &[f32], matrix: &[f32], columns: usize, first: usize) -> [f32; N] {
    let mut sums = [0.0; N];
    for (factor, line) in row.iter().zip(matrix.chunks_exact(columns)) {
        for (sum, element) in sums.iter_mut().zip(&line[first..][..N]) {
            *sum += f64::from(*factor) * f64::from(*element);
        }
    }
    sums.map(|sum| sum as f32)
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

    /// 37 columns are two times sixteen, four and one.
    #[test]
    fn every_column_is_computed() {
        let b: Vec<f32> = (0..2 * 37).map(|x| x as f32).collect();
        let a = HostTensor::from_f32([1, 2], vec![2.0, -1.0]);
        let expected = (0..37).map(|column| (2 * column - (37 + column)) as f32).collect();
        let b = HostTensor::from_f32([2, 37], b);
        assert_eq!(matmul(&a, &b), HostTensor::from_f32([1, 37], expected));
    }
}
