//! Padding by a constant, by the nearest element or by a mirror image.

use framegate_backend_api::graph::{Pad, PadMode};

use crate::indexing::{offsets, selected, strides};
use crate::movement::take;
use crate::operands::for_each_type;
use crate::{ElementsMut, Operation};

pub(crate) fn pad(pad: &Pad, shape: &[usize]) -> Operation {
    let is_empty = shape.contains(&0);
    match pad.mode {
        // There is nothing to repeat or mirror on an axis without elements.
        PadMode::Edge | PadMode::Reflect if is_empty => surround(pad, 0.0, shape),
        PadMode::Constant(fill) => surround(pad, fill, shape),
        PadMode::Edge => take(selected(&sources(pad, shape, clamped), &strides(shape))),
        PadMode::Reflect => take(selected(&sources(pad, shape, mirrored), &strides(shape))),
    }
}

/// For each axis, the source position that `source` gives for each position from `-before` on.
fn sources(pad: &Pad, shape: &[usize], source: fn(isize, usize) -> usize) -> Vec<Vec<usize>> {
    (0..shape.len())
        .map(|axis| {
            let last = (shape[axis] + pad.after[axis]) as isize;
            let positions = -(pad.before[axis] as isize)..last;
            positions.map(|position| source(position, shape[axis])).collect()
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

/// Puts the operand into a larger tensor that is `fill` everywhere else.
fn surround(pad: &Pad, fill: f32, shape: &[usize]) -> Operation {
    let result: Vec<usize> =
        (0..shape.len()).map(|axis| pad.before[axis] + shape[axis] + pad.after[axis]).collect();
    let strides = strides(&result);
    let corner: usize =
        pad.before.iter().zip(&strides).map(|(before, stride)| before * stride).sum();
    let targets: Vec<usize> =
        offsets(shape, &strides).into_iter().map(|target| target + corner).collect();
    Operation::new(move |operands| {
        match operands.result() {
            ElementsMut::F32(to) => to.fill(fill),
            ElementsMut::I64(to) => to.fill(fill as i64),
            ElementsMut::Bool(to) => to.fill(fill != 0.0),
        }
        for_each_type!(operands.input(0), operands.result(), |from, to| {
            from.iter().zip(&targets).for_each(|(from, target)| to[*target] = *from);
        });
    })
}

#[cfg(test)]
mod tests {
    use framegate_backend_api::HostTensor;
    use framegate_backend_api::graph::Operator;

    use super::*;
    use crate::evaluate::single;

    fn matrix(rows: usize, elements: &[i64]) -> HostTensor {
        HostTensor::from_i64([rows, elements.len() / rows], elements.to_vec())
    }

    /// Pads `[[0, 1, 2], [3, 4, 5]]`.
    fn padded(mode: PadMode, before: [usize; 2], after: [usize; 2]) -> HostTensor {
        let pad = Pad { before: before.to_vec(), after: after.to_vec(), mode };
        single(Operator::Pad(pad), &[&matrix(2, &[0, 1, 2, 3, 4, 5])])
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
