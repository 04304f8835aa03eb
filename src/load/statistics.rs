//! Summaries of many measurements.

use std::time::Duration;

use hdrhistogram::Histogram;
use serde::Serialize;

/// Measurements over an hour count as an hour.
const LONGEST_US: u64 = 3_600_000_000;
/// Significant digits that are kept of a measurement.
const DIGITS: u8 = 3;

/// Durations, in a histogram of fixed size, to a thousandth of their value.
#[derive(Debug, Clone)]
pub(super) struct Distribution {
    microseconds: Histogram<u64>,
}

impl Distribution {
    pub(super) fn new() -> Self {
        let microseconds = Histogram::new_with_bounds(1, LONGEST_US, DIGITS);
        Self { microseconds: microseconds.expect("the bounds are in order") }
    }

    pub(super) fn add(&mut self, duration: Duration) {
        let microseconds = u64::try_from(duration.as_micros()).unwrap_or(LONGEST_US);
        self.microseconds.saturating_record(microseconds);
    }

    /// Milliseconds that this share of the measurements, 0 to 1, did not exceed.
    pub(super) fn quantile_ms(&self, quantile: f64) -> Option<f64> {
        let microseconds = &self.microseconds;
        (!microseconds.is_empty()).then(|| microseconds.value_at_quantile(quantile) as f64 / 1000.0)
    }

    pub(super) fn summary(&self) -> Option<Summary> {
        let microseconds = &self.microseconds;
        let at = |quantile| microseconds.value_at_quantile(quantile) as f64 / 1000.0;
        (!microseconds.is_empty()).then(|| Summary {
            count: microseconds.len(),
            mean: microseconds.mean() / 1000.0,
            p50: at(0.50),
            p95: at(0.95),
            p99: at(0.99),
            max: microseconds.max() as f64 / 1000.0,
            shares: microseconds
                .iter_recorded()
                .map(|step| Share {
                    ms: step.value_iterated_to() as f64 / 1000.0,
                    share: step.quantile_iterated_to(),
                })
                .collect(),
        })
    }
}

/// Summary of a distribution of durations, in milliseconds.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Summary {
    /// Number of measurements.
    pub count: u64,
    pub mean: f64,
    /// Median.
    pub p50: f64,
    /// 95 % of the measurements do not exceed this.
    pub p95: f64,
    /// 99 % of the measurements do not exceed this.
    pub p99: f64,
    pub max: f64,
    /// The whole distribution, for charts.
    #[serde(skip)]
    pub shares: Vec<Share>,
}

/// A point of a distribution.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Share {
    /// A duration in milliseconds.
    pub ms: f64,
    /// Share of the measurements that do not exceed it, 0 to 1.
    pub share: f64,
}

/// How evenly something is divided: Jain's index, (Σx)² / (n·Σx²), from 1/n if one has everything to 1 if
/// all have the same. `None` if there is nothing to divide.
///
/// R. Jain, D. Chiu, W. Hawe: A Quantitative Measure of Fairness and Discrimination for Resource
/// Allocation in Shared Computer Systems. DEC Research Report TR-301, 1984.
pub(super) fn jain_index(amounts: &[u64]) -> Option<f64> {
    let sum: f64 = amounts.iter().map(|amount| *amount as f64).sum();
    let squares: f64 = amounts.iter().map(|amount| (*amount as f64).powi(2)).sum();
    (squares > 0.0).then(|| sum * sum / (amounts.len() as f64 * squares))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_of_all_measurements() {
        let mut distribution = Distribution::new();
        assert_eq!(distribution.summary(), None);
        (1..=1000).for_each(|ms| distribution.add(Duration::from_millis(ms)));
        let Summary { count, mean, p50, p95, p99, max, shares } = distribution.summary().unwrap();
        assert_eq!(count, 1000);
        for (found, expected) in
            [(mean, 500.5), (p50, 500.0), (p95, 950.0), (p99, 990.0), (max, 1000.0)]
        {
            assert!((found / expected - 1.0).abs() < 0.001, "{found} instead of {expected}");
        }
        assert_eq!(shares.last().map(|last| last.share), Some(1.0));
        assert!(shares.is_sorted_by(|left, right| left.ms < right.ms && left.share < right.share));
    }

    #[test]
    fn measurements_out_of_range_count_as_the_longest() {
        let mut distribution = Distribution::new();
        distribution.add(Duration::from_secs(86_400));
        distribution.add(Duration::ZERO);
        let summary = distribution.summary().unwrap();
        assert_eq!(summary.count, 2);
        assert!((summary.max / 3_600_000.0 - 1.0).abs() < 0.001);
    }

    #[test]
    fn fairness_runs_from_one_of_many_to_one() {
        assert_eq!(jain_index(&[]), None);
        assert_eq!(jain_index(&[0, 0]), None);
        assert_eq!(jain_index(&[7, 7, 7]), Some(1.0));
        assert_eq!(jain_index(&[9, 0, 0]), Some(1.0 / 3.0));
        assert_eq!(jain_index(&[1, 3]), Some(0.8));
    }
}
