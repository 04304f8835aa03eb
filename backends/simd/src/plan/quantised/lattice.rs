//! Weights that are whole multiples of one number per filter, as quantised weights are.
//!
//! A graph holds them as `f32`, after everything that could be folded into them has been. It does not matter
//! here where they come from: multiples of a number, to within rounding, are as good as the integers.

/// Weights as integers, and by filter the number that they are multiples of.
#[derive(Debug, PartialEq)]
pub(super) struct Lattice {
    pub(super) integers: Vec<i16>,
    pub(super) steps: Vec<f64>,
}

/// The largest integer: a byte less a byte that stands for 0.
const LARGEST: u16 = 255;

/// How far a multiple may be from an integer, in units. Rounding moves a number of 255 units by 1.5e-5 for each
/// operation that it went through.
const TOLERANCE: f64 = 3e-4;

/// Finds the integers, if every filter has some.
pub(super) fn lattice(weights: &[f32], filters: usize) -> Option<Lattice> {
    let len = weights.len() / filters.max(1);
    let mut found = Lattice { integers: Vec::with_capacity(weights.len()), steps: Vec::new() };
    if len == 0 {
        return None;
    }
    for filter in weights.chunks_exact(len) {
        let largest = filter.iter().fold(0.0_f64, |most, x| most.max(f64::from(*x).abs()));
        let step = match largest {
            0.0 => 1.0,
            largest if largest.is_finite() => step(filter, largest)?,
            _ => return None,
        };
        found.steps.push(step);
        found.integers.extend(filter.iter().map(|x| (f64::from(*x) / step).round() as i16));
    }
    Some(found)
}

/// The largest number that the weights of a filter are multiples of.
fn step(filter: &[f32], largest: f64) -> Option<f64> {
    let is_whole = |x: &f32, step: f64| {
        let multiple = f64::from(*x) / step;
        (multiple - multiple.round()).abs() <= TOLERANCE
    };
    let step = (1..=LARGEST)
        .map(|units| largest / f64::from(units))
        .find(|step| filter.iter().all(|x| is_whole(x, *step)))?;
    // The largest weight is rounded, too; all together are closer.
    let units = |x: f64| (x / step).round();
    let (mut products, mut squares) = (0.0, 0.0);
    for x in filter.iter().map(|x| f64::from(*x)) {
        products += x * units(x);
        squares += units(x) * units(x);
    }
    Some(products / squares)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_are_found_by_filter_whatever_they_were_multiplied_with() {
        let mut random = fastrand::Rng::with_seed(3);
        for _ in 0..200 {
            let integers: Vec<i16> = (0..36).map(|_| random.i16(-128..=127)).collect();
            let steps: Vec<f32> = (0..4).map(|_| random.f32() * 0.01 + 1e-4).collect();
            let scaled = integers.iter().enumerate().map(|(it, x)| f32::from(*x) * steps[it / 9]);
            // As when a factor per channel is folded into them.
            let weights: Vec<f32> = scaled.map(|x| x * 0.371).collect();
            let found = lattice(&weights, 4).unwrap();
            for (it, x) in weights.iter().enumerate() {
                let again = f64::from(found.integers[it]) * found.steps[it / 9];
                assert!((again - f64::from(*x)).abs() <= f64::from(x.abs()) * 1e-6, "{again} {x}");
            }
        }
    }

    #[test]
    fn zeros_are_multiples_of_anything() {
        let found = lattice(&[0.0, 0.0, 0.5, -1.0], 2).unwrap();
        assert_eq!(found.integers, [0, 0, 1, -2]);
    }

    #[test]
    fn ordinary_weights_are_not_multiples() {
        let mut random = fastrand::Rng::with_seed(4);
        let weights: Vec<f32> = (0..27).map(|_| random.f32() - 0.5).collect();
        assert_eq!(lattice(&weights, 1), None);
        assert_eq!(lattice(&[1.0, f32::INFINITY], 1), None);
    }
}
