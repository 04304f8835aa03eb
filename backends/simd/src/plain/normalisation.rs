//! Softmax and layer normalisation: elements relative to others around them.

use super::Operation;
use super::indexing::Lines;

pub(super) fn softmax(axis: usize, shape: &[usize]) -> Operation {
    let lines = Lines::along(axis, shape);
    Box::new(move |operands| {
        let x = operands.floats(0);
        let results = operands.float_output();
        for start in &lines.starts {
            let line = lines.offsets(*start);
            // Subtracting the largest changes nothing but keeps the exponentials finite.
            let largest = line.clone().map(|at| x[at]).fold(f32::NEG_INFINITY, f32::max);
            let exponential = |at: usize| (f64::from(x[at]) - f64::from(largest)).exp();
            let sum: f64 = line.clone().map(exponential).sum();
            line.for_each(|at| results[at] = (exponential(at) / sum) as f32);
        }
    })
}

pub(super) fn layer_normalization(axis: usize, epsilon: f32, shape: &[usize]) -> Operation {
    let count: usize = shape[axis..].iter().product();
    Box::new(move |operands| {
        let (x, scale, bias) = (operands.floats(0), operands.floats(1), operands.floats(2));
        let results = operands.float_output().chunks_exact_mut(count.max(1));
        for (group, results) in x.chunks_exact(count.max(1)).zip(results) {
            let wide = group.iter().map(|element| f64::from(*element));
            let mean = wide.clone().sum::<f64>() / count as f64;
            let variance =
                wide.clone().map(|element| (element - mean).powi(2)).sum::<f64>() / count as f64;
            let deviation = (variance + f64::from(epsilon)).sqrt();
            let weights = scale.iter().zip(bias);
            for ((element, (scale, bias)), result) in wide.zip(weights).zip(results) {
                let normal = (element - mean) / deviation;
                *result = (normal * f64::from(*scale) + f64::from(*bias)) as f32;
            }
        }
    })
}
