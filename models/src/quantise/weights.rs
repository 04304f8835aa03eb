//! Weights of 8 bits.

/// The largest weight: symmetric, so that no zero point is needed.
const LARGEST: f32 = 127.0;
/// Shares of the largest weight that are tried as the range.
const SHARES: [f32; 6] = [1.0, 0.95, 0.9, 0.85, 0.8, 0.7];

/// The weights `[filters, …]` rounded to whole multiples, at most 127, of one step per filter: the one with the least
/// squared error.
pub(super) fn rounded(weights: &[f32], filters: usize) -> Vec<f32> {
    let len = (weights.len() / filters.max(1)).max(1);
    weights.chunks(len).flat_map(rounded_filter).collect()
}

fn rounded_filter(filter: &[f32]) -> Vec<f32> {
    let largest = filter.iter().fold(0.0_f32, |most, x| most.max(x.abs()));
    if largest == 0.0 {
        return filter.to_vec();
    }
    let with = |share: f32| -> Vec<f32> {
        let step = largest * share / LARGEST;
        filter.iter().map(|x| (x / step).round().clamp(-LARGEST, LARGEST) * step).collect()
    };
    let error = |rounded: &[f32]| -> f64 {
        let pairs = filter.iter().zip(rounded);
        pairs.map(|(x, rounded)| f64::from(x - rounded).powi(2)).sum()
    };
    let candidates = SHARES.map(with).map(|rounded| (error(&rounded), rounded));
    let best = candidates.into_iter().min_by(|a, b| a.0.total_cmp(&b.0));
    best.map_or_else(|| filter.to_vec(), |(_, rounded)| rounded)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_are_multiples_of_a_step_per_filter() {
        let weights = [0.5, -1.0, 0.013, 0.0, 0.0, 0.0, 100.0, 3.0, -7.0];
        let rounded = rounded(&weights, 3);
        assert_eq!(rounded[3..6], [0.0; 3]);
        for filter in [&rounded[..3], &rounded[6..]] {
            let largest = filter.iter().fold(0.0_f32, |most, x| most.max(x.abs()));
            for x in filter {
                let multiple = x / largest * LARGEST;
                assert!((multiple - multiple.round()).abs() < 1e-3, "{multiple}");
            }
        }
        for (x, rounded) in weights.iter().zip(&rounded) {
            assert!((x - rounded).abs() <= 0.5, "{x} {rounded}");
        }
    }
}
