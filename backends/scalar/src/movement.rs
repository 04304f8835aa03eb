//! Operators that only move elements, each to a place that its operand's shape determines.

use framegate_backend_api::graph::AxisSlice;

use crate::Operation;
use crate::indexing::{broadcast_strides, offsets, selected, strides};
use crate::operands::for_each_type;

/// The same elements.
pub(crate) fn copy() -> Operation {
    Operation::new(|operands| {
        for_each_type!(operands.input(0), operands.result(), |from, to| to.copy_from_slice(from));
    })
}

/// Result element `i` is operand element `sources[i]`.
pub(crate) fn take(sources: Vec<usize>) -> Operation {
    Operation::new(move |operands| {
        for_each_type!(operands.input(0), operands.result(), |from, to| {
            to.iter_mut().zip(&sources).for_each(|(to, source)| *to = from[*source]);
        });
    })
}

/// Joins tensors along an axis.
pub(crate) fn concat(axis: usize, shapes: &[&[usize]]) -> Operation {
    let outer: usize = shapes[0][..axis].iter().product();
    let lengths: Vec<usize> = shapes.iter().map(|shape| shape[axis..].iter().product()).collect();
    let total: usize = lengths.iter().sum();
    Operation::new(move |operands| {
        let mut start = 0;
        for (index, length) in lengths.iter().enumerate() {
            for_each_type!(operands.input(index), operands.result(), |from, to| {
                for block in 0..outer {
                    to[block * total + start..][..*length]
                        .copy_from_slice(&from[block * length..][..*length]);
                }
            });
            start += length;
        }
    })
}

pub(crate) fn slice(slices: &[AxisSlice], shape: &[usize]) -> Operation {
    let position = |slice: &AxisSlice, index: usize| {
        slice.start.wrapping_add_signed(index as isize * slice.step)
    };
    let kept: Vec<Vec<usize>> = slices
        .iter()
        .map(|slice| (0..slice.len).map(|index| position(slice, index)).collect())
        .collect();
    take(selected(&kept, &strides(shape)))
}

pub(crate) fn tile(repeats: &[usize], shape: &[usize]) -> Operation {
    let copies: Vec<Vec<usize>> = shape
        .iter()
        .zip(repeats)
        .map(|(extent, count)| (0..extent * count).map(|position| position % extent).collect())
        .collect();
    take(selected(&copies, &strides(shape)))
}

pub(crate) fn expand(shape: &[usize], to: &[usize]) -> Operation {
    take(offsets(to, &broadcast_strides(shape, to.len())))
}

pub(crate) fn transpose(permutation: &[usize], shape: &[usize]) -> Operation {
    let source_strides = strides(shape);
    let result: Vec<usize> = permutation.iter().map(|axis| shape[*axis]).collect();
    let strides: Vec<usize> = permutation.iter().map(|axis| source_strides[*axis]).collect();
    take(offsets(&result, &strides))
}

#[cfg(test)]
mod tests {
    use framegate_backend_api::HostTensor;
    use framegate_backend_api::graph::Operator;

    use super::*;
    use crate::evaluate::single;

    /// `[[0, 1, 2], [3, 4, 5]]`
    fn x() -> HostTensor {
        HostTensor::from_i64([2, 3], (0..6).collect())
    }

    fn matrix(rows: usize, elements: &[i64]) -> HostTensor {
        HostTensor::from_i64([rows, elements.len() / rows], elements.to_vec())
    }

    #[test]
    fn joins_along_each_axis() {
        let joined = |axis, operands: &[&HostTensor]| single(Operator::Concat { axis }, operands);
        let row = matrix(1, &[7, 8, 9]);
        assert_eq!(joined(0, &[&x(), &row]), matrix(3, &[0, 1, 2, 3, 4, 5, 7, 8, 9]));
        let column = matrix(2, &[7, 8]);
        assert_eq!(joined(1, &[&column, &x()]), matrix(2, &[7, 0, 1, 2, 8, 3, 4, 5]));
    }

    #[test]
    fn slices_backwards_and_with_steps() {
        let rows = AxisSlice { start: 1, step: -1, len: 2 };
        let columns = AxisSlice { start: 0, step: 2, len: 2 };
        let kept = single(Operator::Slice(vec![rows, columns]), &[&x()]);
        assert_eq!(kept, matrix(2, &[3, 5, 0, 2]));
    }

    #[test]
    fn tiles_and_transposes() {
        let transpose = |permutation: &[usize], x: &HostTensor| {
            single(Operator::Transpose { permutation: permutation.to_vec() }, &[x])
        };
        let tiled = matrix(2, &[0, 1, 2, 0, 1, 2, 3, 4, 5, 3, 4, 5]);
        assert_eq!(single(Operator::Tile { repeats: vec![1, 2] }, &[&x()]), tiled);
        assert_eq!(transpose(&[1, 0], &x()), matrix(3, &[0, 3, 1, 4, 2, 5]));
        let cube = HostTensor::from_i64([1, 2, 3], (0..6).collect());
        let turned = HostTensor::from_i64([3, 1, 2], vec![0, 3, 1, 4, 2, 5]);
        assert_eq!(transpose(&[2, 0, 1], &cube), turned);
    }

    #[test]
    fn expands_new_and_unit_axes() {
        let column = matrix(2, &[1, 2]);
        let expected = HostTensor::from_i64([2, 2, 2], vec![1, 1, 2, 2, 1, 1, 2, 2]);
        assert_eq!(single(Operator::Expand { shape: vec![2, 2, 2] }, &[&column]), expected);
    }
}
