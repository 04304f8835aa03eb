//! Grouped convolutions as convolutions over all channels of several groups at a time: the weights
//! between groups are 0, and a set has as many groups as fill whole blocks.

use std::ops::Range;

/// Ranges of groups whose channels and filters, given per group, each fill whole blocks, except
/// perhaps in the last range.
pub(super) fn sets(
    groups: usize,
    [channels, filters]: [usize; 2],
    lanes: usize,
) -> impl Iterator<Item = Range<usize>> {
    let fills_blocks = |together: &usize| {
        [channels, filters].iter().all(|own| (own * together).is_multiple_of(lanes))
    };
    let together = (1..groups).find(fills_blocks).unwrap_or(groups);
    (0..groups).step_by(together).map(move |first| first..groups.min(first + together))
}

/// Weights `[filters of the set, channels of the set, taps]`, out of `[groups · filters, channels of
/// a group, taps]`, where `filters` is the number per group.
pub(super) fn weights(
    weights: &[f32],
    groups: usize,
    filters: usize,
    set: &Range<usize>,
) -> Vec<f32> {
    // Per filter: its channels with all their taps.
    let len = weights.len() / (groups * filters);
    let mut joint = Vec::with_capacity(set.len() * filters * set.len() * len);
    for group in set.clone() {
        for filter in group * filters..(group + 1) * filters {
            joint.extend(std::iter::repeat_n(0.0, (group - set.start) * len));
            joint.extend_from_slice(&weights[filter * len..][..len]);
            joint.extend(std::iter::repeat_n(0.0, (set.end - 1 - group) * len));
        }
    }
    joint
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_have_whole_blocks_except_the_last() {
        let of = |groups, own| sets(groups, own, 16).collect::<Vec<_>>();
        assert_eq!(of(9, [4, 4]), [0..4, 4..8, 8..9]);
        assert_eq!(of(2, [32, 16]), [0..1, 1..2], "each on its own");
        assert_eq!(of(4, [16, 8]), [0..2, 2..4], "half a block of filters each");
        assert_eq!(of(3, [20, 20]).len(), 1, "never whole blocks");
    }

    #[test]
    fn weights_are_zero_between_groups() {
        // Two groups of two filters, two channels each, a tap.
        let all = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0];
        let joint = weights(&all, 2, 2, &(0..2));
        assert_eq!(joint[..8], [[1.0, 2.0, 0.0, 0.0], [3.0, 4.0, 0.0, 0.0]].concat());
        assert_eq!(joint[8..], [[0.0, 0.0, 5.0, 6.0], [0.0, 0.0, 7.0, 8.0]].concat());
        assert_eq!(weights(&all, 2, 2, &(1..2)), all[4..]);
    }
}
