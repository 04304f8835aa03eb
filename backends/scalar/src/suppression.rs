//! Leaving out boxes that overlap better ones, and finding true elements.

use std::cell::RefCell;

use framegate_backend_api::graph::NonMaxSuppression;

use crate::Operation;

/// Memory that stays between runs.
struct Room {
    /// Boxes of one class by descending score.
    order: Vec<u32>,
    /// Corners of those that are kept.
    kept: Vec<[f32; 4]>,
}

thread_local! {
    static ROOM: RefCell<Room> = const { RefCell::new(Room { order: Vec::new(), kept: Vec::new() }) };
}

pub(crate) fn non_zero() -> Operation {
    Operation::new(|operands| {
        let x = operands.booleans(0);
        let result = operands.integer_result();
        let places = (0..x.len()).filter(|place| x[*place]).map(|place| place as i64);
        let places = places.chain(std::iter::repeat(0));
        result.iter_mut().zip(places).for_each(|(to, place)| *to = place);
    })
}

/// Computes overlaps in `f32`, as ONNX Runtime does: they decide which boxes are kept.
pub(crate) fn non_max_suppression(parameters: NonMaxSuppression, scores: &[usize]) -> Operation {
    let [images, classes, boxes] =
        scores.try_into().expect("operand was checked to have three axes");
    Operation::new(move |operands| {
        let (all_boxes, all_scores) = (operands.floats(0), operands.floats(1));
        let result = operands.integer_result();
        let mut rows = result.chunks_exact_mut(3);
        for image in 0..images {
            let boxes_of_image = &all_boxes[image * boxes * 4..][..boxes * 4];
            for class in 0..classes {
                let scores = &all_scores[(image * classes + class) * boxes..][..boxes];
                keep(&parameters, boxes_of_image, scores, |index| {
                    if let Some(row) = rows.next() {
                        row.copy_from_slice(&[image as i64, class as i64, i64::from(index)]);
                    }
                });
            }
        }
        rows.for_each(|row| row.fill(-1));
    })
}

fn keep(parameters: &NonMaxSuppression, boxes: &[f32], scores: &[f32], mut emit: impl FnMut(u32)) {
    let most = parameters.kept_of(scores.len());
    ROOM.with_borrow_mut(|Room { order, kept }| {
        order.clear();
        kept.clear();
        let good = |index: &u32| scores[*index as usize] > parameters.score_threshold;
        order.extend((0..scores.len() as u32).filter(good));
        order.sort_unstable_by(|a, b| {
            let by_score = scores[*b as usize].total_cmp(&scores[*a as usize]);
            by_score.then(a.cmp(b))
        });
        for index in order.iter() {
            if kept.len() == most {
                break;
            }
            let corners = corners_of(parameters.centred, &boxes[*index as usize * 4..][..4]);
            if !kept.iter().any(|other| overlap(&corners, other) > parameters.iou_threshold) {
                kept.push(corners);
                emit(*index);
            }
        }
    });
}

/// The lower and upper edges along both axes.
fn corners_of(centred: bool, numbers: &[f32]) -> [f32; 4] {
    let [a, b, c, d] = [numbers[0], numbers[1], numbers[2], numbers[3]];
    if centred {
        return [a - c / 2.0, b - d / 2.0, a + c / 2.0, b + d / 2.0];
    }
    [a.min(c), b.min(d), a.max(c), b.max(d)]
}

/// Intersection over union; 0 where a box has no area.
fn overlap(a: &[f32; 4], b: &[f32; 4]) -> f32 {
    let area = |box_: &[f32; 4]| (box_[2] - box_[0]) * (box_[3] - box_[1]);
    let rows = a[2].min(b[2]) - a[0].max(b[0]);
    let columns = a[3].min(b[3]) - a[1].max(b[1]);
    let intersection = rows.max(0.0) * columns.max(0.0);
    if intersection <= 0.0 || area(a) <= 0.0 || area(b) <= 0.0 {
        return 0.0;
    }
    intersection / (area(a) + area(b) - intersection)
}

#[cfg(test)]
mod tests {
    use framegate_backend_api::HostTensor;
    use framegate_backend_api::graph::Operator;

    use super::*;
    use crate::evaluate::single;

    fn kept(most: usize, centred: bool, scores: Vec<f32>) -> Vec<i64> {
        let boxes = match centred {
            false => vec![0.0, 0.0, 2.0, 2.0, 2.0, 2.1, 0.0, 0.1, 5.0, 5.0, 7.0, 7.0],
            true => vec![1.0, 1.0, 2.0, 2.0, 1.0, 1.1, 2.0, 2.0, 6.0, 6.0, 2.0, 2.0],
        };
        let boxes = HostTensor::from_f32([1, 3, 4], boxes);
        let scores = HostTensor::from_f32([1, 2, 3], scores);
        let parameters =
            NonMaxSuppression { iou_threshold: 0.5, score_threshold: 0.2, most, centred };
        let operator = Operator::NonMaxSuppression(parameters);
        single(operator, &[&boxes, &scores]).as_i64().unwrap().to_vec()
    }

    #[test]
    fn boxes_that_overlap_better_ones_are_left_out() {
        for centred in [false, true] {
            let rows = kept(9, centred, vec![0.5, 0.6, 0.7, 0.4, 0.4, 0.2]);
            let expected = [0, 0, 2, 0, 0, 1, 0, 1, 0];
            assert_eq!(rows[..9], expected);
            assert_eq!(rows[9..], [-1; 9]);
        }
    }

    #[test]
    fn no_more_than_so_many_are_kept_of_a_class() {
        let nan = f32::NAN;
        assert_eq!(kept(1, false, vec![0.5, 0.6, nan, 0.1, 0.1, 0.3]), [0, 0, 1, 0, 1, 2]);
        assert_eq!(kept(1, false, vec![0.1; 6]), [-1; 6]);
    }

    #[test]
    fn places_come_in_order() {
        let x = HostTensor::from_bool([2, 2], vec![false, true, false, true]);
        assert_eq!(single(Operator::NonZero, &[&x]).as_i64().unwrap(), [1, 3, 0, 0]);
    }
}
