//! Resizes that are not of height and width alone, or not by the nearest or the two nearest elements: each
//! axis is gathered by index, or multiplied with a matrix of weights.

use framegate_backend_api::{
    HostTensor,
    graph::{Coordinates, NearestRounding, Operator, Resize, ResizeMode, ValueId},
};

use super::Import;
use crate::onnx::context::Problem;

/// How elements between the source's are computed.
#[derive(Clone, Copy)]
pub(super) enum Interpolation {
    Nearest(NearestRounding),
    Weighted(Weighting),
}

/// A sum of neighbours by weight.
#[derive(Clone, Copy)]
pub(super) struct Weighting {
    /// Keys' kernel with this parameter, or else linear.
    pub(super) cubic: Option<f32>,
    /// Whether a reduction reads all elements that a result covers.
    pub(super) antialias: bool,
    /// Whether elements outside count nothing; otherwise they are the outermost ones.
    pub(super) exclude_outside: bool,
}

/// Where result positions are in the source.
#[derive(Clone, Copy)]
pub(super) enum Rule {
    Plain(Coordinates),
    /// Half pixels around the middle of the unrounded result.
    HalfPixelSymmetric,
}

/// New extent of an axis, and its quotient with the old one as the file gives it.
#[derive(Clone, Copy)]
pub(super) struct Target {
    pub(super) extent: usize,
    pub(super) scale: f32,
}

/// Resizes every axis whose extent or scale changes.
pub(super) fn resized(
    graph: &mut Import,
    mut x: ValueId,
    targets: &[Target],
    interpolation: Interpolation,
    rule: Rule,
) -> Result<ValueId, Problem> {
    for (axis, target) in targets.iter().enumerate() {
        let extent = graph.shape(x)[axis];
        if target.extent == extent && target.scale == 1.0 {
            continue;
        }
        if extent == 0 {
            return Err("there is nothing to resize".to_owned());
        }
        let positions: Vec<f32> =
            (0..target.extent).map(|at| rule.source(*target, extent, at)).collect();
        x = match interpolation {
            Interpolation::Nearest(rounding) => {
                let nearest = positions.iter().map(|at| rounding.nearest(*at, extent) as i64);
                let nearest = HostTensor::from_i64([target.extent], nearest.collect());
                let nearest = graph.constant(nearest);
                graph.emit(Operator::Gather { axis }, &[x, nearest])?
            }
            Interpolation::Weighted(weighting) => {
                let size = target.extent.checked_mul(extent).filter(|size| *size <= MOST_WEIGHTS);
                size.ok_or("the axis is too long to be resized by weights")?;
                let rows = positions.iter().map(|at| weighting.row(*at, target.scale, extent));
                let matrix = rows.flatten().collect();
                let matrix = HostTensor::from_f32([target.extent, extent], matrix);
                multiplied(graph, x, axis, matrix)?
            }
        };
    }
    Ok(x)
}

/// A matrix of more weights would take more memory than a detector does.
const MOST_WEIGHTS: usize = 1 << 24;

/// Multiplies each line along an axis with a matrix.
fn multiplied(
    graph: &mut Import,
    x: ValueId,
    axis: usize,
    matrix: HostTensor,
) -> Result<ValueId, Problem> {
    let rank = graph.shape(x).len();
    let matrix = graph.constant(matrix);
    if rank >= 2 && axis + 2 == rank {
        return graph.emit(Operator::MatMul, &[matrix, x]);
    }
    let matrix = graph.emit(Operator::Transpose { permutation: vec![1, 0] }, &[matrix])?;
    if rank >= 2 && axis + 1 == rank {
        return graph.emit(Operator::MatMul, &[x, matrix]);
    }
    if rank == 1 {
        let shape = vec![1, graph.shape(x)[0]];
        let row = graph.emit(Operator::Reshape { shape }, &[x])?;
        let row = graph.emit(Operator::MatMul, &[row, matrix])?;
        let shape = vec![graph.shape(row)[1]];
        return graph.emit(Operator::Reshape { shape }, &[row]);
    }
    let mut permutation: Vec<usize> = (0..rank).collect();
    permutation.swap(axis, rank - 1);
    let moved = graph.emit(Operator::Transpose { permutation: permutation.clone() }, &[x])?;
    let product = graph.emit(Operator::MatMul, &[moved, matrix])?;
    graph.emit(Operator::Transpose { permutation }, &[product])
}

impl Rule {
    fn source(self, target: Target, extent: usize, position: usize) -> f32 {
        let Target { extent: size, scale } = target;
        match self {
            Self::Plain(coordinates) => {
                let mode = ResizeMode::Linear;
                let resize = Resize { size: [size, 1], scale: [scale, 1.0], mode, coordinates };
                resize.source_position(0, extent, position)
            }
            Self::HalfPixelSymmetric => {
                let adjustment = size as f32 / (scale * extent as f32);
                let offset = extent as f32 / 2.0 * (1.0 - adjustment);
                offset + (position as f32 + 0.5) / scale - 0.5
            }
        }
    }
}

impl Weighting {
    /// The weight of every element of an axis for one result.
    fn row(self, position: f32, scale: f32, extent: usize) -> Vec<f32> {
        let position = f64::from(position);
        // Reducing with antialiasing widens the kernel.
        let narrowing = if self.antialias { f64::from(scale.min(1.0)) } else { 1.0 };
        let reach = if self.cubic.is_some() { 2.0 } else { 1.0 } / narrowing;
        let (first, last) = ((position - reach).floor() as i64, (position + reach).ceil() as i64);
        let mut row = vec![0.0_f64; extent];
        for at in first..=last {
            let weight = self.kernel((at as f64 - position).abs() * narrowing);
            let inside = at.clamp(0, extent as i64 - 1);
            if inside == at || !self.exclude_outside {
                row[inside as usize] += weight;
            }
        }
        let sum: f64 = row.iter().sum();
        let sum = if sum == 0.0 { 1.0 } else { sum };
        row.iter().map(|weight| (weight / sum) as f32).collect()
    }

    fn kernel(self, distance: f64) -> f64 {
        let Some(a) = self.cubic.map(f64::from) else { return (1.0 - distance).max(0.0) };
        match distance {
            ..=1.0 => ((a + 2.0) * distance - (a + 3.0)) * distance * distance + 1.0,
            ..2.0 => ((a * distance - 5.0 * a) * distance + 8.0 * a) * distance - 4.0 * a,
            _ => 0.0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(cubic: Option<f32>, antialias: bool, scale: f32, position: f32) -> Vec<f32> {
        Weighting { cubic, antialias, exclude_outside: false }.row(position, scale, 4)
    }

    #[test]
    fn weights_are_of_the_neighbours() {
        assert_eq!(row(None, false, 1.0, 1.25), [0.0, 0.75, 0.25, 0.0]);
        assert_eq!(row(None, false, 1.0, -0.25), [1.0, 0.0, 0.0, 0.0]);
        assert_eq!(row(Some(-0.5), false, 1.0, 1.5), [-0.0625, 0.5625, 0.5625, -0.0625]);
        // Twice as wide; what is outside counts as the outermost.
        assert_eq!(row(None, true, 0.5, 1.5), [0.125, 0.375, 0.375, 0.125]);
        assert_eq!(row(None, true, 0.5, 0.5), [0.5, 0.375, 0.125, 0.0]);
    }
}
