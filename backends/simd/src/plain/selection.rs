//! Picking elements by index, and finding the indices of extreme ones.

use std::cmp::Ordering;

use framegate_backend_api::graph::TopK;

use super::Operation;
use super::indexing::{Lines, offsets, strides, with_extent};
use super::operands::{Elements, ElementsMut};

pub(super) fn gather(axis: usize, shape: &[usize], indices: &[usize]) -> Operation {
    let inner: usize = shape[axis + 1..].iter().product();
    let outer: usize = shape[..axis].iter().product();
    let extent = shape[axis];
    let count: usize = indices.iter().product();
    let source = move |block: usize, index: i64| (block * extent + position(index, extent)) * inner;
    Box::new(move |operands| {
        let indices = operands.integers(1);
        macro_rules! gathered {
            ($from:expr, $to:expr) => {
                for block in 0..outer {
                    for (at, index) in indices.iter().enumerate() {
                        $to[(block * count + at) * inner..][..inner]
                            .copy_from_slice(&$from[source(block, *index)..][..inner]);
                    }
                }
            };
        }
        match (operands.input(0), operands.output(0)) {
            (Elements::F32(from), ElementsMut::F32(to)) => gathered!(from, to),
            (Elements::I64(from), ElementsMut::I64(to)) => gathered!(from, to),
            (Elements::Bool(from), ElementsMut::Bool(to)) => gathered!(from, to),
            _ => unreachable!("the result was inferred to be of the operand's type"),
        }
    })
}

pub(super) fn gather_elements(axis: usize, shape: &[usize], indices: &[usize]) -> Operation {
    let mut strides = strides(shape);
    let axis_stride = std::mem::take(&mut strides[axis]);
    let extent = shape[axis];
    let starts = offsets(indices, &strides);
    Box::new(move |operands| {
        let sources = starts
            .iter()
            .zip(operands.integers(1))
            .map(|(start, index)| start + position(*index, extent) * axis_stride);
        match (operands.input(0), operands.output(0)) {
            (Elements::F32(from), ElementsMut::F32(to)) => {
                to.iter_mut().zip(sources).for_each(|(to, source)| *to = from[source]);
            }
            (Elements::I64(from), ElementsMut::I64(to)) => {
                to.iter_mut().zip(sources).for_each(|(to, source)| *to = from[source]);
            }
            (Elements::Bool(from), ElementsMut::Bool(to)) => {
                to.iter_mut().zip(sources).for_each(|(to, source)| *to = from[source]);
            }
            _ => unreachable!("the result was inferred to be of the operand's type"),
        }
    })
}

/// An index that may count from the end; the nearest element if it is out of range.
pub(crate) fn position(index: i64, extent: usize) -> usize {
    let extent = extent as i64;
    let from_start = if index < 0 { index.saturating_add(extent) } else { index };
    from_start.clamp(0, extent - 1) as usize
}

/// Order of elements `a` and `b`, the one to be found first being the lesser. No number counts as
/// larger than any, and equal ones are told apart by their place.
fn order(x: Elements<'_>, largest: bool, a: usize, b: usize) -> Ordering {
    let ascending = match x {
        Elements::F32(x) => {
            let by_nan = || x[a].is_nan().cmp(&x[b].is_nan());
            x[a].partial_cmp(&x[b]).unwrap_or_else(by_nan)
        }
        Elements::I64(x) => x[a].cmp(&x[b]),
        Elements::Bool(_) => unreachable!("operand was checked to be a number"),
    };
    if largest { ascending.reverse() } else { ascending }
}

/// The first of `line` by [`order`], among those that come after `previous`.
fn next_of(
    x: Elements<'_>,
    largest: bool,
    line: impl Iterator<Item = usize>,
    previous: Option<usize>,
) -> Option<usize> {
    let before = |a: usize, b: usize| order(x, largest, a, b).then(a.cmp(&b)).is_lt();
    line.filter(|at| previous.is_none_or(|previous| before(previous, *at)))
        .reduce(|best, at| if before(at, best) { at } else { best })
}

pub(super) fn arg_extremum(axis: usize, largest: bool, shape: &[usize]) -> Operation {
    let lines = Lines::along(axis, shape);
    Box::new(move |operands| {
        let x = operands.input(0);
        let ElementsMut::I64(indices) = operands.output(0) else {
            unreachable!("the result was inferred to be i64");
        };
        for (start, index) in lines.starts.iter().zip(indices) {
            let found = next_of(x, largest, lines.offsets(*start), None).unwrap_or(*start);
            *index = ((found - start) / lines.stride.max(1)) as i64;
        }
    })
}

/// Finds one after the other: `k` times a pass over the line, and no memory for a sorted one.
pub(super) fn top_k(parameters: &TopK, shape: &[usize]) -> Operation {
    let TopK { axis, k, largest } = *parameters;
    let lines = Lines::along(axis, shape);
    let result_lines = Lines::along(axis, &with_extent(shape, axis, k));
    Box::new(move |operands| {
        let x = operands.input(0);
        let (mut values, indices) = operands.output_pair();
        let ElementsMut::I64(indices) = indices else {
            unreachable!("indices are i64");
        };
        for (start, result_start) in lines.starts.iter().zip(&result_lines.starts) {
            let mut found = None;
            for target in result_lines.offsets(*result_start) {
                found = next_of(x, largest, lines.offsets(*start), found);
                let Some(at) = found else { break };
                indices[target] = ((at - start) / lines.stride.max(1)) as i64;
                match (x, &mut values) {
                    (Elements::F32(x), ElementsMut::F32(values)) => values[target] = x[at],
                    (Elements::I64(x), ElementsMut::I64(values)) => values[target] = x[at],
                    _ => unreachable!("the result was inferred to be of the operand's type"),
                }
            }
        }
    })
}
