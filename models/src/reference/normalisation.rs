//! Softmax and layer normalisation: elements relative to others around them.

use framegate_backend_api::HostTensor;

use super::indexing::Lines;
use super::{floats, rounded};

pub(super) fn softmax(axis: usize, x: &HostTensor) -> HostTensor {
    let elements = floats(x);
    let lines = Lines::along(axis, x.shape());
    let mut result = vec![0.0; elements.len()];
    for start in &lines.starts {
        let line = lines.offsets(*start);
        // Subtracting the largest changes nothing but keeps the exponentials finite.
        let largest = line.clone().map(|i| elements[i]).fold(f32::NEG_INFINITY, f32::max);
        let exponential = |i: usize| (f64::from(elements[i]) - f64::from(largest)).exp();
        let sum: f64 = line.clone().map(exponential).sum();
        line.for_each(|i| result[i] = exponential(i) / sum);
    }
    rounded(x.shape(), result)
}

pub(super) fn layer_normalization(
    axis: usize,
    epsilon: f32,
    x: &HostTensor,
    scale: &HostTensor,
    bias: &HostTensor,
) -> HostTensor {
    let count: usize = x.shape()[axis..].iter().product();
    let mut result = Vec::with_capacity(x.len());
    for group in floats(x).chunks_exact(count.max(1)) {
        let wide = group.iter().map(|element| f64::from(*element));
        let mean = wide.clone().sum::<f64>() / count as f64;
        let variance =
            wide.clone().map(|element| (element - mean).powi(2)).sum::<f64>() / count as f64;
        let deviation = (variance + f64::from(epsilon)).sqrt();
        let weights = floats(scale).iter().zip(floats(bias));
        result.extend(wide.zip(weights).map(|(element, (scale, bias))| {
            (element - mean) / deviation * f64::from(*scale) + f64::from(*bias)
        }));
    }
    rounded(x.shape(), result)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn softmax_along_either_axis() {
        let ln3 = 3_f32.ln();
        let x = HostTensor::from_f32([2, 2], vec![0.0, ln3, 100.0, 100.0]);
        let rows = softmax(1, &x);
        for (got, expected) in floats(&rows).iter().zip([0.25, 0.75, 0.5, 0.5]) {
            assert!((got - expected).abs() < 1e-6, "{rows:?}");
        }
        let columns = softmax(0, &x);
        assert!(floats(&columns)[0] < 1e-40 && floats(&columns)[2] == 1.0, "{columns:?}");
    }

    #[test]
    fn layers_get_zero_mean_and_unit_variance() {
        // Mean 2, variance 1 + 3: deviation 2.
        let x = HostTensor::from_f32([2, 2], vec![1.0, 3.0, 0.0, 4.0]);
        let scale = HostTensor::from_f32([2], vec![1.0, 10.0]);
        let bias = HostTensor::from_f32([2], vec![0.0, 0.5]);
        let got = layer_normalization(1, 3.0, &x, &scale, &bias);
        let second = 2.0 / 7_f64.sqrt();
        let expected = [-0.5, 5.5, -second as f32, (10.0 * second + 0.5) as f32];
        assert_eq!(floats(&got), expected);
    }
}
