//! Operators that only move elements: every result element is one of the operand's.

use framegate_backend_api::graph::{AxisSlice, Pad, PadMode};
use framegate_backend_api::{HostTensor, TensorData};

use super::elementwise::broadcast_to;
use super::indexing::{offsets, strides, take};

/// Joins tensors along an axis.
pub(super) fn concat(axis: usize, operands: &[&HostTensor]) -> HostTensor {
    fn joined<'a, T: Copy + 'a>(
        axis: usize,
        operands: &[&HostTensor],
        elements: impl Fn(usize) -> Option<&'a [T]>,
    ) -> Vec<T> {
        let outer: usize = operands[0].shape()[..axis].iter().product();
        let mut result = Vec::new();
        for block in 0..outer {
            for (index, operand) in operands.iter().enumerate() {
                let block_len: usize = operand.shape()[axis..].iter().product();
                let elements = elements(index).expect("operands were checked to be of one type");
                result.extend_from_slice(&elements[block * block_len..][..block_len]);
            }
        }
        result
    }
    let mut shape = operands[0].shape().to_vec();
    shape[axis] = operands.iter().map(|operand| operand.shape()[axis]).sum();
    let data = match operands[0].data() {
        TensorData::F32(_) => TensorData::F32(joined(axis, operands, |i| operands[i].as_f32())),
        TensorData::I64(_) => TensorData::I64(joined(axis, operands, |i| operands[i].as_i64())),
        TensorData::Bool(_) => {
            TensorData::Bool(joined(axis, operands, |i| match operands[i].data() {
                TensorData::Bool(elements) => Some(elements.as_slice()),
                _ => None,
            }))
        }
    };
    HostTensor::new(shape, data)
}

pub(super) fn slice(slices: &[AxisSlice], x: &HostTensor) -> HostTensor {
    let kept: Vec<Vec<usize>> = slices
        .iter()
        .map(|slice| {
            (0..slice.len)
                .map(|index| slice.start.wrapping_add_signed(index as isize * slice.step))
                .collect()
        })
        .collect();
    select(x, &kept)
}

pub(super) fn tile(repeats: &[usize], x: &HostTensor) -> HostTensor {
    let copies: Vec<Vec<usize>> = x
        .shape()
        .iter()
        .zip(repeats)
        .map(|(extent, count)| (0..extent * count).map(|position| position % extent).collect())
        .collect();
    select(x, &copies)
}

pub(super) fn expand(shape: &[usize], x: &HostTensor) -> HostTensor {
    broadcast_to(x, shape)
}

pub(super) fn transpose(permutation: &[usize], x: &HostTensor) -> HostTensor {
    let source_strides = strides(x.shape());
    let shape: Vec<usize> = permutation.iter().map(|axis| x.shape()[*axis]).collect();
    let strides: Vec<usize> = permutation.iter().map(|axis| source_strides[*axis]).collect();
    let offsets = offsets(&shape, &strides);
    take(x, shape, &offsets)
}

/// The elements of `x` whose position along each axis is one of that axis' list, in its order.
pub(super) fn select(x: &HostTensor, positions: &[Vec<usize>]) -> HostTensor {
    let shape: Vec<usize> = positions.iter().map(Vec::len).collect();
    let offsets = positions.iter().zip(strides(x.shape())).fold(
        vec![0],
        |outer: Vec<usize>, (positions, stride)| {
            outer
                .iter()
                .flat_map(|offset| positions.iter().map(move |position| offset + position * stride))
                .collect()
        },
    );
    take(x, shape, &offsets)
}

pub(super) fn pad(pad: &Pad, x: &HostTensor) -> HostTensor {
    match pad.mode {
        // There is nothing to repeat or mirror on an axis without elements.
        PadMode::Edge | PadMode::Reflect if x.is_empty() => surround(pad, 0.0, x),
        PadMode::Constant(fill) => surround(pad, fill, x),
        PadMode::Edge => select(x, &padded_positions(pad, x, clamped)),
        PadMode::Reflect => select(x, &padded_positions(pad, x, mirrored)),
    }
}

/// For each axis, the source position that `source` gives for each position from `-before` on.
fn padded_positions(
    pad: &Pad,
    x: &HostTensor,
    source: fn(isize, usize) -> usize,
) -> Vec<Vec<usize>> {
    (0..x.shape().len())
        .map(|axis| {
            let extent = x.shape()[axis];
            let last = (extent + pad.after[axis]) as isize;
            (-(pad.before[axis] as isize)..last).map(|position| source(position, extent)).collect()
        })
        .collect()
}

/// The nearest position inside an axis of `extent` elements.
fn clamped(position: isize, extent: usize) -> usize {
    position.clamp(0, extent as isize - 1) as usize
}

/// The position mirrored at the first and last element, as often as it takes to get inside.
fn mirrored(position: isize, extent: usize) -> usize {
    let last = extent as isize - 1;
    if last == 0 {
        return 0;
    }
    let along = position.rem_euclid(2 * last);
    along.min(2 * last - along) as usize
}

/// Puts `x` into a larger tensor that is `fill` everywhere else.
fn surround(pad: &Pad, fill: f32, x: &HostTensor) -> HostTensor {
    fn placed<T: Copy>(elements: &[T], targets: &[usize], len: usize, fill: T) -> Vec<T> {
        let mut result = vec![fill; len];
        for (element, target) in elements.iter().zip(targets) {
            result[*target] = *element;
        }
        result
    }
    let shape: Vec<usize> = (0..x.shape().len())
        .map(|axis| pad.before[axis] + x.shape()[axis] + pad.after[axis])
        .collect();
    let len = shape.iter().product();
    let strides = strides(&shape);
    let corner: usize =
        pad.before.iter().zip(&strides).map(|(before, stride)| before * stride).sum();
    let mut targets = offsets(x.shape(), &strides);
    targets.iter_mut().for_each(|target| *target += corner);
    let data = match x.data() {
        TensorData::F32(x) => TensorData::F32(placed(x, &targets, len, fill)),
        TensorData::I64(x) => TensorData::I64(placed(x, &targets, len, fill as i64)),
        TensorData::Bool(x) => TensorData::Bool(placed(x, &targets, len, fill != 0.0)),
    };
    HostTensor::new(shape, data)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `[[0, 1, 2], [3, 4, 5]]`
    fn x() -> HostTensor {
        HostTensor::from_i64([2, 3], (0..6).collect())
    }

    fn matrix(rows: usize, elements: &[i64]) -> HostTensor {
        HostTensor::from_i64([rows, elements.len() / rows], elements.to_vec())
    }

    #[test]
    fn joins_along_each_axis() {
        let row = matrix(1, &[7, 8, 9]);
        assert_eq!(concat(0, &[&x(), &row]), matrix(3, &[0, 1, 2, 3, 4, 5, 7, 8, 9]));
        let column = matrix(2, &[7, 8]);
        assert_eq!(concat(1, &[&column, &x()]), matrix(2, &[7, 0, 1, 2, 8, 3, 4, 5]));
    }

    #[test]
    fn slices_backwards_and_with_steps() {
        let rows = AxisSlice { start: 1, step: -1, len: 2 };
        let columns = AxisSlice { start: 0, step: 2, len: 2 };
        assert_eq!(slice(&[rows, columns], &x()), matrix(2, &[3, 5, 0, 2]));
    }

    #[test]
    fn tiles_and_transposes() {
        let tiled = matrix(2, &[0, 1, 2, 0, 1, 2, 3, 4, 5, 3, 4, 5]);
        assert_eq!(tile(&[1, 2], &x()), tiled);
        assert_eq!(transpose(&[1, 0], &x()), matrix(3, &[0, 3, 1, 4, 2, 5]));
        let cube = HostTensor::from_i64([1, 2, 3], (0..6).collect());
        let turned = HostTensor::from_i64([3, 1, 2], vec![0, 3, 1, 4, 2, 5]);
        assert_eq!(transpose(&[2, 0, 1], &cube), turned);
    }

    #[test]
    fn expands_new_and_unit_axes() {
        let column = matrix(2, &[1, 2]);
        let expected = HostTensor::from_i64([2, 2, 2], vec![1, 1, 2, 2, 1, 1, 2, 2]);
        assert_eq!(expand(&[2, 2, 2], &column), expected);
    }

    fn padded(mode: PadMode, before: [usize; 2], after: [usize; 2]) -> HostTensor {
        pad(&Pad { before: before.to_vec(), after: after.to_vec(), mode }, &x())
    }

    #[test]
    fn pads_in_every_mode() {
        assert_eq!(
            padded(PadMode::Constant(9.0), [1, 0], [0, 1]),
            matrix(3, &[9, 9, 9, 9, 0, 1, 2, 9, 3, 4, 5, 9])
        );
        assert_eq!(
            padded(PadMode::Edge, [0, 2], [1, 0]),
            matrix(3, &[0, 0, 0, 1, 2, 3, 3, 3, 4, 5, 3, 3, 3, 4, 5])
        );
        assert_eq!(
            padded(PadMode::Reflect, [1, 2], [0, 1]),
            matrix(3, &[5, 4, 3, 4, 5, 4, 2, 1, 0, 1, 2, 1, 5, 4, 3, 4, 5, 4])
        );
    }

    #[test]
    fn mirrors_again_at_the_far_end() {
        let positions: Vec<usize> = (-3..5).map(|position| mirrored(position, 2)).collect();
        assert_eq!(positions, [1, 0, 1, 0, 1, 0, 1, 0]);
        assert_eq!(mirrored(4, 1), 0);
    }
}
