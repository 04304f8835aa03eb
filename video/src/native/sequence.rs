//! Brings frames from the order in which they are coded into the order in which they are shown.

use std::collections::BTreeMap;

use super::sample_table::Sample;
use crate::VideoError;

/// More frames than H.264 lets a decoder hold back.
const MOST_HELD_BACK: usize = 17;

/// The place of each sample among those that are shown, by its time; `None` for one that is not shown.
///
/// # Errors
/// [`VideoError::Damaged`] when more frames would have to be held back than any encoder asks for.
pub(crate) fn places(samples: &[Sample]) -> Result<Vec<Option<u32>>, VideoError> {
    let mut shown: Vec<u32> =
        (0u32..).zip(samples).filter(|(_, s)| s.is_shown).map(|(index, _)| index).collect();
    shown.sort_by_key(|&index| (samples[index as usize].time, index));
    let mut places = vec![None; samples.len()];
    for (place, &index) in (0u32..).zip(&shown) {
        places[index as usize] = Some(place);
    }
    let mut order = InOrder::new();
    for place in places.iter().flatten() {
        order.put(u64::from(*place), ());
        while order.take().is_some() {}
        if order.waiting.len() > MOST_HELD_BACK {
            let detail = "its frames are shown in an impossible order";
            return Err(VideoError::Damaged(detail.to_owned()));
        }
    }
    Ok(places)
}

/// Holds back what comes too early.
#[derive(Debug)]
pub(crate) struct InOrder<T> {
    next: u64,
    waiting: BTreeMap<u64, T>,
}

impl<T> InOrder<T> {
    pub(crate) fn new() -> Self {
        Self { next: 0, waiting: BTreeMap::new() }
    }

    pub(crate) fn put(&mut self, place: u64, item: T) {
        self.waiting.insert(place, item);
    }

    /// The next in order, if it is there.
    pub(crate) fn take(&mut self) -> Option<(u64, T)> {
        let item = self.waiting.remove(&self.next)?;
        self.next += 1;
        Some((self.next - 1, item))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples(times: &[i64]) -> Vec<Sample> {
        let sample = |&time| Sample { offset: 0, bytes: 1, time, duration: 1, is_shown: time >= 0 };
        times.iter().map(sample).collect()
    }

    #[test]
    fn frames_are_placed_by_time() {
        let places = places(&samples(&[0, 4, 2, 1, 3, -1, 5])).unwrap();
        let expected = [Some(0), Some(4), Some(2), Some(1), Some(3), None, Some(5)];
        assert_eq!(places, expected);
    }

    #[test]
    fn an_impossible_order_is_refused() {
        let backwards: Vec<i64> = (0..100).rev().collect();
        assert!(places(&samples(&backwards)).is_err());
    }

    #[test]
    fn what_comes_early_waits() {
        let mut order = InOrder::new();
        order.put(1, 'b');
        assert_eq!(order.take(), None);
        order.put(0, 'a');
        assert_eq!(order.take(), Some((0, 'a')));
        assert_eq!(order.take(), Some((1, 'b')));
        assert_eq!(order.take(), None);
    }
}
