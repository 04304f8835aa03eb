//! Resizing feature maps.
//!
//! burn's own interpolation supports few of the rules that a model can ask for. So the input positions are
//! computed when the model is loaded, and the result is assembled from rows and columns.

use burn_tensor::{Device, Int, Tensor, TensorData};
use framegate_backend_api::graph::{Resize, ResizeMode};

use super::Operation;
use crate::value::{Ranked, Value};

/// [`Operator::Resize`](framegate_backend_api::graph::Operator::Resize)
pub(super) fn resize(options: &Resize, x_shape: &[usize], device: &Device) -> Operation {
    let scaled: Box<dyn Fn(Tensor<4>) -> Tensor<4> + Send + Sync> = match options.mode {
        ResizeMode::Nearest(rounding) => {
            let sources = [0, 1].map(|axis| {
                let extent = x_shape[2 + axis];
                let source = |position| rounding.nearest(position, extent);
                positions(options, axis, extent).map(source).collect::<Vec<_>>()
            });
            let [rows, columns] = [0, 1].map(|axis| repetition(&sources[axis], x_shape[2 + axis]));
            match (rows, columns) {
                // The common case, enlarging by a whole number, needs no index table.
                (Some(rows), Some(columns)) => Box::new(move |x| repeat(x, rows, columns)),
                _ => {
                    let [rows, columns] = sources.map(|sources| indices(&sources, device));
                    Box::new(move |x| x.select(2, rows.clone()).select(3, columns.clone()))
                }
            }
        }
        ResizeMode::Linear => {
            let blends = [0, 1].map(|axis| Blend::new(options, axis, x_shape[2 + axis], device));
            Box::new(move |x| blends.iter().fold(x, |x, blend| blend.apply(x)))
        }
    };
    Box::new(move |mut operands, _| vec![Value::Float(Ranked::R4(scaled(operands.nchw())))])
}

/// The input position of each result position along an axis.
fn positions(options: &Resize, axis: usize, extent: usize) -> impl Iterator<Item = f32> {
    (0..options.size[axis]).map(move |position| options.source_position(axis, extent, position))
}

/// How often each of `extent` elements is repeated, if `sources` only repeats elements.
fn repetition(sources: &[usize], extent: usize) -> Option<usize> {
    let times = sources.len() / extent;
    let repeats = times * extent == sources.len()
        && sources.iter().enumerate().all(|(position, source)| position / times == *source);
    repeats.then_some(times)
}

/// Repeats each element as a block of `rows` by `columns`.
fn repeat(x: Tensor<4>, rows: usize, columns: usize) -> Tensor<4> {
    let [n, c, height, width] = x.dims();
    x.reshape([n, c, height, 1, width, 1]).expand([n, c, height, rows, width, columns]).reshape([
        n,
        c,
        height * rows,
        width * columns,
    ])
}

fn indices(sources: &[usize], device: &Device) -> Tensor<1, Int> {
    let indices: Vec<i64> = sources.iter().map(|source| *source as i64).collect();
    Tensor::from_data(TensorData::new(indices, [sources.len()]), device)
}

/// Linear interpolation along one axis, between the two neighbours of each position.
struct Blend {
    axis: usize,
    lower: Tensor<1, Int>,
    upper: Tensor<1, Int>,
    /// Weight of the upper neighbour; extent 1 along all other axes.
    share: Tensor<4>,
}

impl Blend {
    fn new(options: &Resize, axis: usize, extent: usize, device: &Device) -> Self {
        let last = extent - 1;
        let positions: Vec<f32> = positions(options, axis, extent)
            .map(|position| position.clamp(0.0, last as f32))
            .collect();
        let lower: Vec<usize> = positions.iter().map(|position| *position as usize).collect();
        let upper: Vec<usize> = lower.iter().map(|lower| (lower + 1).min(last)).collect();
        let shares: Vec<f32> = positions.iter().map(|position| position.fract()).collect();
        let axis = 2 + axis;
        let mut shape = [1; 4];
        shape[axis] = positions.len();
        Self {
            axis,
            lower: indices(&lower, device),
            upper: indices(&upper, device),
            share: Tensor::from_data(TensorData::new(shares, shape), device),
        }
    }

    fn apply(&self, x: Tensor<4>) -> Tensor<4> {
        let lower = x.clone().select(self.axis, self.lower.clone());
        let upper = x.select(self.axis, self.upper.clone());
        lower.clone() + (upper - lower) * self.share.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_blocks_are_a_repetition() {
        assert_eq!(repetition(&[0, 0, 1, 1, 2, 2], 3), Some(2));
        assert_eq!(repetition(&[0, 1, 2], 3), Some(1));
        assert_eq!(repetition(&[0, 1, 1, 1], 2), None);
        assert_eq!(repetition(&[0, 1, 1], 2), None);
        assert_eq!(repetition(&[0], 3), None);
    }
}
