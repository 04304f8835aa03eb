//! Finds the convolutions that lose too much in 8 bits.

use framegate_backend_api::{BackendError, OutputBatch};

/// The largest [`loss`] that is accepted. Of 108 boxes in 24 photographs, YOLOX-Nano misses 38 with 0.84, when all of it
/// is quantised, 5 with 0.5 and 3 with 0.2; `codes` gives a small code 0.39 less with 0.18.
const MOST_LOST: f64 = 0.25;
/// Images that the loss is measured on.
pub(super) const MEASURED_IMAGES: usize = 8;
/// Images that convolutions are compared by, one after another.
const RANKING_IMAGES: usize = 2;

/// The convolutions that are quantised, and the loss with them.
pub(super) struct Chosen {
    pub(super) convolutions: Vec<usize>,
    pub(super) loss: f64,
}

/// All convolutions, or all but those that lose most by themselves: 1, 2, 4, … of them. `None` if less than half of them
/// would remain. `loss_with` measures the loss with some of them quantised, on a number of images.
pub(super) fn choose(
    candidates: &[usize],
    mut loss_with: impl FnMut(&[usize], usize) -> Result<f64, BackendError>,
) -> Result<Option<Chosen>, BackendError> {
    let mut convolutions = candidates.to_vec();
    let mut loss = loss_with(&convolutions, MEASURED_IMAGES)?;
    if loss <= MOST_LOST {
        return Ok(Some(Chosen { convolutions, loss }));
    }
    tracing::info!(
        "int8 would lose {:.0} % of the results' deviation; looking which of {} convolutions stay f32",
        loss * 100.0,
        candidates.len(),
    );
    let mut by_loss = Vec::with_capacity(candidates.len());
    for index in candidates {
        by_loss.push((loss_with(&[*index], RANKING_IMAGES)?, *index));
    }
    by_loss.sort_by(|a, b| b.0.total_cmp(&a.0));
    let mut kept = 1;
    while kept * 2 <= by_loss.len() {
        convolutions = by_loss[kept..].iter().map(|(_, index)| *index).collect();
        convolutions.sort_unstable();
        loss = loss_with(&convolutions, MEASURED_IMAGES)?;
        if loss <= MOST_LOST {
            return Ok(Some(Chosen { convolutions, loss }));
        }
        kept *= 2;
    }
    Ok(None)
}

/// The loss in the outputs of all images: of each output the root of the mean squared difference, relative to its
/// standard deviation; the largest of these. Infinite for an output that became no number.
pub(super) fn loss(exact: &[OutputBatch], near: &[OutputBatch]) -> f64 {
    let outputs = exact.first().map_or(0, |outputs| outputs.tensors.len());
    let of_output = |index: usize| {
        let elements = |batches: &[OutputBatch]| -> Vec<f64> {
            let of_image = |batch: &OutputBatch| batch.tensors[index].data.clone();
            batches.iter().flat_map(of_image).map(f64::from).collect()
        };
        let (exact, near) = (elements(exact), elements(near));
        let count = exact.len().max(1) as f64;
        let mean = exact.iter().sum::<f64>() / count;
        let variance = exact.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / count;
        let error = exact.iter().zip(&near).map(|(a, b)| (a - b).powi(2)).sum::<f64>() / count;
        match error {
            0.0 => 0.0,
            error if error.is_nan() => f64::INFINITY,
            error => (error / variance).sqrt(),
        }
    };
    (0..outputs).map(of_output).fold(0.0, f64::max)
}

#[cfg(test)]
mod tests {
    use framegate_backend_api::OutputTensor;

    use super::*;

    /// Convolutions 0 to 7, of which each adds its own share to the loss.
    fn chosen(shares: [f64; 8]) -> Option<Vec<usize>> {
        let candidates: Vec<usize> = (0..8).collect();
        let loss = |some: &[usize], _: usize| Ok(some.iter().map(|index| shares[*index]).sum());
        choose(&candidates, loss).unwrap().map(|chosen| chosen.convolutions)
    }

    #[test]
    fn all_are_chosen_if_little_is_lost() {
        assert_eq!(chosen([0.01; 8]), Some((0..8).collect()));
    }

    #[test]
    fn those_that_lose_most_are_left_out() {
        let shares = [0.01, 0.5, 0.0, 0.0, 0.2, 0.05, 0.0, 0.0];
        assert_eq!(chosen(shares), Some(vec![0, 2, 3, 5, 6, 7]));
    }

    #[test]
    fn a_model_that_loses_everywhere_is_left_alone() {
        assert_eq!(chosen([0.2; 8]), None);
    }

    #[test]
    fn the_loss_is_relative_to_what_varies() {
        let outputs = |data: &[f32]| {
            let name = String::new();
            let image_shape = vec![data.len()];
            let tensors = vec![OutputTensor { name, image_shape, data: data.to_vec() }];
            OutputBatch { tensors }
        };
        let exact = [outputs(&[100.0, 102.0, 100.0, 102.0])];
        assert_eq!(loss(&exact, &exact), 0.0);
        let near = [outputs(&[100.5, 102.5, 99.5, 101.5])];
        assert!((loss(&exact, &near) - 0.5).abs() < 1e-9);
        let none = [outputs(&[f32::NAN; 4])];
        assert_eq!(loss(&exact, &none), f64::INFINITY);
    }
}
