//! Reductions, running sums, softmax and layer normalisation.

use framegate_backend_api::ElementType;
use framegate_backend_api::graph::{Operator, Reduce, Reduction};

use super::case::{Case, CaseBuilder, Values};

const REDUCTIONS: [Reduction; 5] =
    [Reduction::Sum, Reduction::Mean, Reduction::Max, Reduction::Min, Reduction::Product];

pub(super) fn cases() -> Vec<Case> {
    [reductions(), cumulative_sums(), softmaxes(), layer_normalizations()]
        .into_iter()
        .flatten()
        .collect()
}

fn reductions() -> Vec<Case> {
    let mut cases = Vec::new();
    for reduction in REDUCTIONS {
        for (keep_axes, kept) in [(true, "keeping axes"), (false, "dropping axes")] {
            let operator = |axes: &[usize]| {
                Operator::Reduce(Reduce { reduction, axes: axes.to_vec(), keep_axes })
            };
            let mut case = CaseBuilder::new(format!("reduce {reduction:?}, {kept}"), &[3, 5, 7]);
            let x = case.input();
            for axes in [[1].as_slice(), &[2], &[3], &[1, 3], &[2, 3], &[1, 2, 3]] {
                case.output(operator(axes), &[x]);
            }
            cases.push(case.finish());

            let name = format!("reduce {reduction:?} with the batch axis, {kept}");
            let mut case = CaseBuilder::new(name, &[3, 5]);
            let x = case.input();
            case.output(operator(&[0, 2]), &[x]);
            case.output(operator(&[0, 1, 2]), &[x]);
            cases.push(case.finish());
        }

        let mut case = CaseBuilder::new(format!("reduce {reduction:?} of integers"), &[3, 5])
            .values(Values::Multiples { step: 1.0, from: -5, to: 5 });
        let x = case.input();
        let x = case.push(Operator::Cast(ElementType::I64), &[x]);
        let rows = Reduce { reduction, axes: vec![2], keep_axes: true };
        case.output(Operator::Reduce(rows), &[x]);
        let all = Reduce { reduction, axes: vec![1, 2], keep_axes: false };
        case.output(Operator::Reduce(all), &[x]);
        cases.push(case.finish());
    }
    cases
}

fn cumulative_sums() -> Vec<Case> {
    let mut cases = Vec::new();
    for (exclusive, reverse) in [(false, false), (true, false), (false, true), (true, true)] {
        let name = |of: &str| format!("running sum of {of}, {exclusive}, {reverse}");
        let operator = |axis| Operator::CumulativeSum { axis, exclusive, reverse };
        let mut case = CaseBuilder::new(name("floats"), &[3, 5, 7]);
        let x = case.input();
        for axis in 1..4 {
            case.output(operator(axis), &[x]);
        }
        cases.push(case.finish());
        let mut case = CaseBuilder::new(name("integers"), &[5, 7]).values(Values::HALVES);
        let x = case.input();
        let x = case.push(Operator::Cast(ElementType::I64), &[x]);
        case.output(operator(2), &[x]);
        cases.push(case.finish());
    }
    cases
}

fn softmaxes() -> Vec<Case> {
    let mut cases = Vec::new();
    for (name, values) in
        [("", Values::Uniform(-2.0, 2.0)), (" of large numbers", Values::Uniform(-300.0, 300.0))]
    {
        for axis in 0..4 {
            let case = CaseBuilder::new(format!("softmax along axis {axis}{name}"), &[3, 5, 7]);
            cases.push(case.values(values).single(Operator::Softmax { axis }));
        }
    }
    let short = CaseBuilder::new("softmax of a row", &[17]);
    cases.push(short.single(Operator::Softmax { axis: 1 }));
    cases
}

fn layer_normalizations() -> Vec<Case> {
    let places: [(&[usize], usize, f32); 6] = [
        (&[7], 1, 1e-5),
        (&[5, 7], 2, 1e-5),
        (&[5, 7], 1, 1e-6),
        (&[3, 5, 7], 3, 1e-5),
        (&[3, 5, 7], 2, 0.5),
        (&[3, 5, 7], 1, 1e-5),
    ];
    places
        .into_iter()
        .map(|(image, axis, epsilon)| {
            let name = format!("layer normalisation of {image:?} from axis {axis}");
            let mut case = CaseBuilder::new(name, image);
            let (scale, bias) =
                (case.weights(&image[axis - 1..]), case.weights(&image[axis - 1..]));
            let x = case.input();
            case.output(Operator::LayerNormalization { axis, epsilon }, &[x, scale, bias]);
            case.finish()
        })
        .collect()
}
