//! Percentiles of measurements.

use serde::Serialize;

/// Median and 95th percentile of measurements.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Percentiles {
    /// 50th percentile.
    pub median: f64,
    /// 95th percentile.
    pub p95: f64,
}

impl Percentiles {
    /// Of measurements in any order; zero if there are none.
    pub(super) fn of(measurements: &[f64]) -> Self {
        Self { median: quantile(measurements, 0.5), p95: quantile(measurements, 0.95) }
    }
}

/// The smallest measurement that at least this share of them, 0 to 1, does not exceed; zero if there are
/// none.
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
        assert_eq!(Percentiles::of(&measurements), Percentiles { median: 50.0, p95: 95.0 });
        assert_eq!(quantile(&measurements, 1.0), 100.0);
        assert_eq!(quantile(&[7.0], 0.5), 7.0);
        assert_eq!(quantile(&[], 0.5), 0.0);
    }
}
