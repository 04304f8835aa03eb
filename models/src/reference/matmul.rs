//! Products of matrices and of stacks of them.

use framegate_backend_api::HostTensor;

use super::indexing::{broadcast_shape, broadcast_strides, offsets};
use super::{floats, rounded};

pub(super) fn matmul(a: &HostTensor, b: &HostTensor) -> HostTensor {
    let ([a_stack @ .., rows, inner], [b_stack @ .., _, columns]) = (a.shape(), b.shape()) else {
        unreachable!("operands were checked to be matrices");
    };
    let stack = broadcast_shape(a_stack, b_stack);
    let matrices = |own: &[usize]| offsets(&stack, &broadcast_strides(own, stack.len()));
    let mut result = Vec::new();
    for (a_matrix, b_matrix) in matrices(a_stack).into_iter().zip(matrices(b_stack)) {
        let a = &floats(a)[a_matrix * rows * inner..][..rows * inner];
        let b = &floats(b)[b_matrix * inner * columns..][..inner * columns];
        for row in 0..*rows {
            let mut sums = vec![0.0; *columns];
            for k in 0..*inner {
                let factor = f64::from(a[row * inner + k]);
                let b_row = &b[k * columns..][..*columns];
                for (sum, element) in sums.iter_mut().zip(b_row) {
                    *sum += factor * f64::from(*element);
                }
            }
            result.extend(sums);
        }
    }
    let mut shape = stack;
    shape.extend([*rows, *columns]);
    rounded(shape, result)
}

#[cfg(test)]
mod tests {
    use super::*;

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
}
