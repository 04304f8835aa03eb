//! Operators that only move elements: every result element is one of the operand's, and which one
//! is known at load time.

use framegate_backend_api::graph::{AxisSlice, Pad, PadMode};

use super::Operation;
use super::indexing::{broadcast_strides, offsets, selected, strides};
use super::operands::{Elements, ElementsMut, Operands};

/// Source and result elements of one type.
macro_rules! for_type {
    ($source:expr, $target:expr, |$from:ident, $to:ident| $body:expr) => {
        match ($source, $target) {
            (Elements::F32($from), ElementsMut::F32($to)) => $body,
            (Elements::I64($from), ElementsMut::I64($to)) => $body,
            (Elements::Bool($from), ElementsMut::Bool($to)) => $body,
            _ => unreachable!("the result was inferred to be of the operand's type"),
        }
    };
}

/// The same elements.
pub(super) fn copy() -> Operation {
    Box::new(|operands| {
        for_type!(operands.input(0), operands.output(0), |from, to| to.copy_from_slice(from))
    })
}

/// Result element `i` is operand element `sources[i]`.
pub(super) fn take(sources: Vec<usize>) -> Operation {
    Box::new(move |operands| take_by(operands, &sources))
}

fn take_by(operands: &mut Operands<'_>, sources: &[usize]) {
    for_type!(operands.input(0), operands.output(0), |from, to| {
        to.iter_mut().zip(sources).for_each(|(to, source)| *to = from[*source])
    })
}

pub(super) fn concat(axis: usize, shapes: &[&[usize]]) -> Operation {
    let outer: usize = shapes[0][..axis].iter().product();
    let lengths: Vec<usize> = shapes.iter().map(|shape| shape[axis..].iter().product()).collect();
    let total: usize = lengths.iter().sum();
    Box::new(move |operands| {
        let mut start = 0;
        for (index, length) in (0..operands.len()).zip(&lengths) {
            for_type!(operands.input(index), operands.output(0), |from, to| {
                for block in 0..outer {
                    to[block * total + start..][..*length]
                        .copy_from_slice(&from[block * length..][..*length]);
                }
            });
            start += length;
        }
    })
}

pub(super) fn slice(slices: &[AxisSlice], shape: &[usize]) -> Operation {
    let position = |slice: &AxisSlice, index: usize| {
        slice.start.wrapping_add_signed(index as isize * slice.step)
    };
    let kept: Vec<Vec<usize>> = slices
        .iter()
        .map(|slice| (0..slice.len).map(|index| position(slice, index)).collect())
        .collect();
    take(selected(&kept, &strides(shape)))
}

pub(super) fn tile(repeats: &[usize], shape: &[usize]) -> Operation {
    let copies: Vec<Vec<usize>> = shape
        .iter()
        .zip(repeats)
        .map(|(extent, count)| (0..extent * count).map(|position| position % extent).collect())
        .collect();
    take(selected(&copies, &strides(shape)))
}

pub(super) fn expand(shape: &[usize], to: &[usize]) -> Operation {
    take(offsets(to, &broadcast_strides(shape, to.len())))
}

pub(super) fn transpose(permutation: &[usize], shape: &[usize]) -> Operation {
    let source_strides = strides(shape);
    let result: Vec<usize> = permutation.iter().map(|axis| shape[*axis]).collect();
    let strides: Vec<usize> = permutation.iter().map(|axis| source_strides[*axis]).collect();
    take(offsets(&result, &strides))
}

pub(super) fn pad(pad: &Pad, shape: &[usize]) -> Operation {
    let is_empty = shape.contains(&0);
    match pad.mode {
        // There is nothing to repeat or mirror on an axis without elements.
        PadMode::Edge | PadMode::Reflect if is_empty => surround(pad, 0.0, shape),
        PadMode::Constant(fill) => surround(pad, fill, shape),
        PadMode::Edge => take(selected(&padded_positions(pad, shape, clamped), &strides(shape))),
        PadMode::Reflect => {
            take(selected(&padded_positions(pad, shape, mirrored), &strides(shape)))
        }
    }
}

fn padded_positions(
    pad: &Pad,
    shape: &[usize],
    source: fn(isize, usize) -> usize,
) -> Vec<Vec<usize>> {
    (0..shape.len())
        .map(|axis| {
            let last = (shape[axis] + pad.after[axis]) as isize;
            let positions = -(pad.before[axis] as isize)..last;
            positions.map(|position| source(position, shape[axis])).collect()
        })
        .collect()
}

fn clamped(position: isize, extent: usize) -> usize {
    position.clamp(0, extent as isize - 1) as usize
}

/// Mirrored as often as it takes: the elements of a picture and its mirror image alternate.
fn mirrored(position: isize, extent: usize) -> usize {
    let last = extent as isize - 1;
    if last == 0 {
        return 0;
    }
    let along = position.rem_euclid(2 * last);
    along.min(2 * last - along) as usize
}

/// The operand in the middle of a larger tensor full of `fill`.
fn surround(pad: &Pad, fill: f32, shape: &[usize]) -> Operation {
    let result: Vec<usize> =
        (0..shape.len()).map(|axis| pad.before[axis] + shape[axis] + pad.after[axis]).collect();
    let strides = strides(&result);
    let corner: usize =
        pad.before.iter().zip(&strides).map(|(before, stride)| before * stride).sum();
    let targets: Vec<usize> =
        offsets(shape, &strides).into_iter().map(|target| target + corner).collect();
    Box::new(move |operands| {
        match operands.output(0) {
            ElementsMut::F32(to) => to.fill(fill),
            ElementsMut::I64(to) => to.fill(fill as i64),
            ElementsMut::Bool(to) => to.fill(u8::from(fill != 0.0)),
        }
        for_type!(operands.input(0), operands.output(0), |from, to| {
            from.iter().zip(&targets).for_each(|(from, target)| to[*target] = *from);
        });
    })
}
