//! Non-maximum suppression: of boxes that overlap, the best stays.

use framegate_models::detector::NmsScope;
use framegate_models::layouts::Candidate;

/// Fills `kept` with the candidates that do not overlap a better one (of their class, unless `nms` says
/// otherwise) by more than `iou`; at most `limit`, in their order. `candidates` come highest score
/// first.
pub(super) fn suppress_overlaps(
    candidates: &[Candidate],
    iou: f32,
    nms: NmsScope,
    limit: usize,
    kept: &mut Vec<Candidate>,
) {
    kept.clear();
    for candidate in candidates {
        if kept.len() == limit {
            return;
        }
        let is_rival = |better: &Candidate| match nms {
            NmsScope::PerClass => better.class_id == candidate.class_id,
            NmsScope::ClassAgnostic => true,
        };
        let overlaps = |better: &Candidate| is_rival(better) && better.iou(candidate) > iou;
        if !kept.iter().any(overlaps) {
            kept.push(*candidate);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const IOU: f32 = 0.45;

    fn random_candidates(random: &mut fastrand::Rng) -> Vec<Candidate> {
        let count = random.usize(0..200);
        let mut candidate = || {
            let corner = [random.f32() * 100.0, random.f32() * 100.0];
            let size = [1.0 + random.f32() * 60.0, 1.0 + random.f32() * 60.0];
            // Few distinct scores, so that ties occur.
            let score = random.u8(0..20) as f32 / 20.0;
            let corners = [corner[0], corner[1], corner[0] + size[0], corner[1] + size[1]];
            Candidate::from_corners(corners, score, random.usize(0..3)).unwrap()
        };
        (0..count).map(|_| candidate()).collect()
    }

    fn suppressed(mut candidates: Vec<Candidate>, limit: usize) -> Vec<Candidate> {
        let mut kept = Vec::new();
        candidates.sort_unstable_by(Candidate::best_first);
        suppress_overlaps(&candidates, IOU, NmsScope::PerClass, limit, &mut kept);
        kept
    }

    #[test]
    fn kept_boxes_are_apart_and_dropped_ones_overlap_a_better_one() {
        let mut random = fastrand::Rng::with_seed(1);
        for _ in 0..200 {
            let candidates = random_candidates(&mut random);
            let kept = suppressed(candidates.clone(), usize::MAX);
            let rivals = |a: &Candidate, b: &Candidate| a.class_id == b.class_id && a.iou(b) > IOU;
            for (index, a) in kept.iter().enumerate() {
                assert!(!kept[index + 1..].iter().any(|b| rivals(a, b)));
            }
            for candidate in &candidates {
                let better = |k: &Candidate| rivals(k, candidate) && k.score >= candidate.score;
                assert!(kept.contains(candidate) || kept.iter().any(better));
            }
            assert!(kept.is_sorted_by(|a, b| a.score >= b.score));
            let highest = candidates.iter().map(|c| c.score).reduce(f32::max);
            assert_eq!(kept.first().map(|c| c.score), highest);
        }
    }

    #[test]
    fn class_agnostic_suppression_keeps_only_the_best_box_of_a_place() {
        let at = |x: f32, score, class_id| {
            Candidate::from_corners([x, 0.0, x + 10.0, 10.0], score, class_id).unwrap()
        };
        let candidates = [at(0.0, 0.9, 0), at(1.0, 0.8, 1), at(50.0, 0.7, 1)];
        let mut kept = Vec::new();
        suppress_overlaps(&candidates, IOU, NmsScope::ClassAgnostic, 9, &mut kept);
        assert_eq!(kept, [candidates[0], candidates[2]]);
        suppress_overlaps(&candidates, IOU, NmsScope::PerClass, 9, &mut kept);
        assert_eq!(kept, candidates);
    }

    #[test]
    fn the_order_of_candidates_does_not_matter() {
        let mut random = fastrand::Rng::with_seed(2);
        for _ in 0..100 {
            let mut candidates = random_candidates(&mut random);
            let kept = suppressed(candidates.clone(), usize::MAX);
            random.shuffle(&mut candidates);
            assert_eq!(suppressed(candidates, usize::MAX), kept);
        }
    }

    #[test]
    fn a_limit_keeps_the_best() {
        let candidates = random_candidates(&mut fastrand::Rng::with_seed(3));
        let all = suppressed(candidates.clone(), usize::MAX);
        assert!(all.len() > 5, "the test needs more candidates");
        assert_eq!(suppressed(candidates, 5), all[..5]);
    }

    #[test]
    fn an_overlap_of_exactly_the_threshold_is_allowed() {
        let a = Candidate::from_corners([0.0, 0.0, 10.0, 10.0], 0.9, 0).unwrap();
        let b = Candidate::from_corners([0.0, 0.0, 10.0, 5.0], 0.8, 0).unwrap();
        let mut kept = Vec::new();
        suppress_overlaps(&[a, b], 0.5, NmsScope::PerClass, 10, &mut kept);
        assert_eq!(kept, [a, b]);
        suppress_overlaps(&[a, b], 0.49, NmsScope::PerClass, 10, &mut kept);
        assert_eq!(kept, [a]);
        let other_class = Candidate { class_id: 1, ..b };
        suppress_overlaps(&[a, other_class], 0.49, NmsScope::PerClass, 10, &mut kept);
        assert_eq!(kept, [a, other_class]);
    }
}
