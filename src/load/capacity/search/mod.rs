//! The search for the largest number of sessions that fit. A pure state machine: it says which number to
//! try next, and the caller records whether it fitted.
//!
//! ## Growing
//! 1, 2, 4, … sessions until they do not fit or the upper bound is reached.
//!
//! ## Bisecting
//! Between the largest number that fits and the smallest that does not.
//!
//! ## Confirming
//! Once the two are neighbours, both are tried again, since one trial may be wrong on a noisy machine. If
//! two trials of a number disagree, a third decides; if that moves the boundary, the search continues
//! from there.

use std::collections::BTreeMap;

use serde::Serialize;

/// What a search has found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Boundary {
    /// One session more does not fit.
    Found,
    /// Not even one session fits.
    NothingFits,
    /// As many as the search may try fit; more were not tried.
    UpperBound,
    /// The search was stopped before it was sure.
    Stopped,
}

/// A search in progress.
#[derive(Debug, Clone)]
pub struct CapacitySearch {
    upper_bound: usize,
    trials: BTreeMap<usize, Votes>,
}

/// The outcomes of the trials of one number of sessions.
#[derive(Debug, Clone, Copy, Default)]
struct Votes {
    fitted: u32,
    did_not: u32,
}

impl Votes {
    /// The majority so far; `None` if there is a tie.
    fn fit(self) -> Option<bool> {
        (self.fitted != self.did_not).then_some(self.fitted > self.did_not)
    }

    /// Whether two trials agree.
    fn is_decided(self) -> bool {
        self.fitted.max(self.did_not) >= 2
    }
}

impl CapacitySearch {
    /// A search from 1 to `upper_bound` sessions.
    pub fn new(upper_bound: usize) -> Self {
        Self { upper_bound, trials: BTreeMap::new() }
    }

    /// The number of sessions to try next; `None` at the end.
    pub fn next(&self) -> Option<usize> {
        // Break ties before concluding anything from them.
        let disputed = self.trials.iter().find(|(_, votes)| votes.fit().is_none());
        if let Some((sessions, _)) = disputed {
            return Some(*sessions);
        }
        let (fits, too_many) = self.boundary();
        match too_many {
            None if fits < self.upper_bound => Some((fits * 2).clamp(1, self.upper_bound)),
            Some(too_many) if too_many - fits > 1 => Some(fits + (too_many - fits) / 2),
            // Too many first: a hiccup is more likely to fail a trial than to pass one.
            _ => too_many
                .into_iter()
                .chain((fits > 0).then_some(fits))
                .find(|sessions| !self.trials[sessions].is_decided()),
        }
    }

    /// Records whether a trial of this many sessions fitted.
    pub fn record(&mut self, sessions: usize, fitted: bool) {
        let votes = self.trials.entry(sessions).or_default();
        *if fitted { &mut votes.fitted } else { &mut votes.did_not } += 1;
    }

    /// The largest number of sessions known to fit, and what lies beyond it. Final once
    /// [`next`](Self::next) returns `None`.
    pub fn found(&self) -> (usize, Boundary) {
        match self.boundary() {
            (0, Some(_)) => (0, Boundary::NothingFits),
            (fits, Some(_)) => (fits, Boundary::Found),
            (fits, None) => (fits, Boundary::UpperBound),
        }
    }

    /// The largest number that fits (0 if none does) below the smallest that does not.
    fn boundary(&self) -> (usize, Option<usize>) {
        let with = |fit| {
            self.trials.iter().filter(move |(_, votes)| votes.fit() == Some(fit)).map(|(n, _)| *n)
        };
        let too_many = with(false).next();
        let below = |sessions: &usize| too_many.is_none_or(|too_many| *sessions < too_many);
        (with(true).take_while(below).last().unwrap_or(0), too_many)
    }
}

#[cfg(test)]
mod tests;
