//! Softmax and layer normalisation: elements relative to others around them.

use crate::Operation;
use crate::indexing::Lines;

pub(crate) fn softmax(axis: usize, shape: &[usize]) -> Operation {
    let lines = Lines::along(axis, shape);
    Operation::new(move |operands| {
        let x = operands.floats(0);
        let results = operands.float_result();
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

pub(crate) fn layer_normalization(axis: usize, epsilon: f32, shape: &[usize]) -> Operation {
    let count: usize = shape[axis..].iter().product();
    Operation::new(move |operands| {
        let (x, scale, bias) = (operands.floats(0), operands.floats(1), operands.floats(2));
        let results = operands.float_result().chunks_exact_mut(count.max(1));
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

#[cfg(test)]
mod tests {
    use framegate_backend_api::HostTensor;
    use framegate_backend_api::graph::Operator;

    use crate::evaluate::single;

    fn floats(tensor: &HostTensor) -> &[f32] {
        tensor.as_f32().unwrap()
    }

    fn softmax(axis: usize, x: &HostTensor) -> HostTensor {
        single(Operator::Softmax { axis }, &[x])
    }

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
        let got =
            single(Operator::LayerNormalization { axis: 1, epsilon: 3.0 }, &[&x, &scale, &bias]);
        let second = 2.0 / 7_f64.sqrt();
        let expected = [-0.5, 5.5, -second as f32, (10.0 * second + 0.5) as f32];
        assert_eq!(floats(&got), expected);
    }
}
