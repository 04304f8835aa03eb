//! Finding true elements, and leaving out boxes that overlap better ones.

use framegate_backend_api::HostTensor;
use framegate_backend_api::graph::{AxisSlice, Binary, NonMaxSuppression, Operator, ValueId};

use super::case::{Case, CaseBuilder, Values};

pub(super) fn cases() -> Vec<Case> {
    places().into_iter().chain(suppressions()).collect()
}

fn places() -> Vec<Case> {
    let setups: [(&str, &[usize]); 2] = [("a list", &[9]), ("feature maps", &[3, 4, 5])];
    let cases = setups.into_iter().map(|(name, shape)| {
        let mut case = CaseBuilder::new(format!("places of positives in {name}"), shape)
            .values(Values::SIGNS)
            .exact();
        let zero = case.constant(HostTensor::from_f32([], vec![0.0]));
        let x = case.input();
        let positive = case.push(Operator::Binary(Binary::Greater), &[x, zero]);
        case.output(Operator::NonZero, &[positive]);
        case.finish()
    });
    cases.collect()
}

/// Twelve boxes of three classes; both their corners and their scores come from the input.
fn suppressions() -> Vec<Case> {
    let part = |case: &mut CaseBuilder, start: usize, len: usize| -> ValueId {
        let x = case.input();
        let slices = vec![AxisSlice::all(1), AxisSlice { start, step: 1, len }, AxisSlice::all(12)];
        case.push(Operator::Slice(slices), &[x])
    };
    let plain = NonMaxSuppression {
        iou_threshold: 0.3,
        score_threshold: f32::NEG_INFINITY,
        most: 100,
        centred: false,
    };
    let setups = [
        ("boxes by corners", plain),
        ("boxes by centre", NonMaxSuppression { centred: true, ..plain }),
        ("at most two boxes of a class", NonMaxSuppression { most: 2, ..plain }),
        ("boxes with good scores", NonMaxSuppression { score_threshold: 0.5, ..plain }),
    ];
    let cases = setups.into_iter().map(|(name, parameters)| {
        let mut case = CaseBuilder::new(format!("suppression of {name}"), &[7, 12]).exact();
        let (boxes, scores) = (part(&mut case, 0, 4), part(&mut case, 4, 3));
        let permutation = vec![0, 2, 1];
        let boxes = case.push(Operator::Transpose { permutation }, &[boxes]);
        case.output(Operator::NonMaxSuppression(parameters), &[boxes, scores]);
        case.finish()
    });
    cases.collect()
}
