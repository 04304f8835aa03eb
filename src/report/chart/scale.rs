//! Maps values to positions on an axis.

/// The range of values along an axis.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Scale {
    /// Equal distances for equal differences.
    Linear {
        /// Value at the start.
        from: f64,
        /// Value at the end, above `from`.
        to: f64,
    },
    /// Equal distances for equal ratios.
    Logarithmic {
        /// Value at the start, above zero.
        from: f64,
        /// Value at the end, above `from`.
        to: f64,
    },
}

/// Approximate number of ticks on a linear axis.
const MARKS: f64 = 6.0;

impl Scale {
    /// A linear scale from zero that includes every value.
    pub(crate) fn from_zero(values: impl Iterator<Item = f64>) -> Self {
        let largest = values.fold(0.0, f64::max);
        Self::Linear { from: 0.0, to: if largest > 0.0 { largest } else { 1.0 } }
    }

    /// A logarithmic scale that includes every value above zero.
    pub(crate) fn logarithmic(values: impl Iterator<Item = f64>) -> Self {
        let (mut from, mut to) = (f64::INFINITY, 0.0_f64);
        for value in values.filter(|value| *value > 0.0) {
            from = from.min(value);
            to = to.max(value);
        }
        match from < to {
            true => Self::Logarithmic { from, to },
            false if to > 0.0 => Self::Logarithmic { from: to / 2.0, to: to * 2.0 },
            false => Self::Logarithmic { from: 1.0, to: 10.0 },
        }
    }

    /// Position of a value, from 0 at the start to 1 at the end; values outside are moved to the ends.
    pub(crate) fn place(self, value: f64) -> f64 {
        let place = match self {
            Self::Linear { from, to } => (value - from) / (to - from),
            Self::Logarithmic { from, to } => (value / from).ln() / (to / from).ln(),
        };
        place.clamp(0.0, 1.0)
    }

    /// Round values within the scale, for ticks.
    pub(crate) fn marks(self) -> Vec<f64> {
        match self {
            Self::Linear { from, to } => {
                let step = round_step((to - from) / MARKS);
                let first = (from / step).ceil() as i64;
                let last = (to / step).floor() as i64;
                (first..=last).map(|index| index as f64 * step).collect()
            }
            Self::Logarithmic { from, to } => {
                let decades = from.log10().floor() as i32..=to.log10().ceil() as i32;
                // Over several decades, ticks at 1, 2 and 5 of each would be too many.
                let within = if to / from > 2000.0 { &[1.0][..] } else { &[1.0, 2.0, 5.0] };
                decades
                    .flat_map(|decade| within.iter().map(move |digit| digit * 10_f64.powi(decade)))
                    .filter(|mark| (from..=to).contains(mark))
                    .collect()
            }
        }
    }
}

/// The smallest number of the form 1, 2 or 5 times a power of ten that is not below `step`.
fn round_step(step: f64) -> f64 {
    let decade = 10_f64.powf(step.log10().floor());
    [1.0, 2.0, 5.0]
        .into_iter()
        .map(|digit| digit * decade)
        .find(|s| *s >= step)
        .unwrap_or(10.0 * decade)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_round_and_within() {
        assert_eq!(
            Scale::from_zero([3.0, 97.0].into_iter()).marks(),
            [0.0, 20.0, 40.0, 60.0, 80.0]
        );
        let marks = Scale::logarithmic([0.9, 12.0].into_iter()).marks();
        assert_eq!(marks, [1.0, 2.0, 5.0, 10.0]);
    }

    #[test]
    fn places_run_from_zero_to_one() {
        let linear = Scale::from_zero([4.0].into_iter());
        assert_eq!([0.0, 1.0, 4.0, 9.0].map(|value| linear.place(value)), [0.0, 0.25, 1.0, 1.0]);
        let logarithmic = Scale::logarithmic([1.0, 100.0].into_iter());
        assert!((logarithmic.place(10.0) - 0.5).abs() < 1e-12);
        assert_eq!(logarithmic.place(0.0), 0.0);
    }

    #[test]
    fn no_values_and_equal_values_have_a_scale() {
        for scale in [
            Scale::from_zero([].into_iter()),
            Scale::logarithmic([].into_iter()),
            Scale::logarithmic([3.0, 3.0].into_iter()),
        ] {
            assert!(scale.place(3.0).is_finite() && !scale.marks().is_empty(), "{scale:?}");
        }
    }
}
