//! What many measurements come to.

use serde::Serialize;

/// Middle and upper end of some measurements.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Spread {
    /// Half of the measurements are at most this.
    pub median: f64,
    /// 95 % of the measurements are at most this.
    pub p95: f64,
}

impl Spread {
    /// Of measurements in any order; zero of none.
    pub(super) fn of(measurements: &[f64]) -> Self {
        Self { median: quantile(measurements, 0.5), p95: quantile(measurements, 0.95) }
    }
}

/// The least measurement that at least this share, 0 to 1, does not exceed; zero of none.
pub(super) fn quantile(measurements: &[f64], share: f64) -> f64 {
    let mut sorted = measurements.to_vec();
    sorted.sort_by(f64::total_cmp);
    let rank = (share * sorted.len() as f64).ceil() as usize;
    sorted.get(rank.saturating_sub(1)).copied().unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_measurements() {
        let measurements: Vec<f64> = (1..=100).rev().map(f64::from).collect();
        assert_eq!(Spread::of(&measurements), Spread { median: 50.0, p95: 95.0 });
        assert_eq!(quantile(&measurements, 1.0), 100.0);
        assert_eq!(quantile(&[7.0], 0.5), 7.0);
        assert_eq!(quantile(&[], 0.5), 0.0);
    }
}
