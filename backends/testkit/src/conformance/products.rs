//! Matrix products, with constant and with computed operands.

use framegate_backend_api::graph::{Operator, Reduce, Reduction};

use super::case::{Case, CaseBuilder};

pub(super) fn cases() -> Vec<Case> {
    let with_constant: [(&[usize], &[usize]); 9] = [
        (&[5], &[5, 7]),
        (&[1], &[1, 1]),
        (&[129], &[129, 3]),
        (&[3, 5], &[5, 7]),
        (&[3, 5], &[1, 5, 7]),
        (&[1, 5], &[5, 1]),
        (&[2, 3, 5], &[5, 7]),
        (&[2, 3, 5], &[2, 5, 7]),
        (&[2, 3, 5], &[1, 2, 5, 1]),
    ];
    let mut cases: Vec<Case> = with_constant
        .into_iter()
        .map(|(image, constant)| {
            let mut case =
                CaseBuilder::new(format!("product of {image:?} and {constant:?}"), image);
            let (x, constant) = (case.input(), case.weights(constant));
            case.output(Operator::MatMul, &[x, constant]);
            case.finish()
        })
        .collect();

    for constant in [[7, 3].as_slice(), &[1, 7, 3], &[2, 1, 7, 3]] {
        let mut case = CaseBuilder::new(format!("product of constant {constant:?}"), &[3, 5]);
        let (x, constant) = (case.input(), case.weights(constant));
        case.output(Operator::MatMul, &[constant, x]);
        cases.push(case.finish());
    }

    for image in [[3, 5].as_slice(), &[2, 3, 5]] {
        let mut case =
            CaseBuilder::new(format!("product with its own transpose, {image:?}"), image);
        let x = case.input();
        let rank = image.len() + 1;
        let mut permutation: Vec<usize> = (0..rank).collect();
        permutation.swap(rank - 2, rank - 1);
        let transposed = case.push(Operator::Transpose { permutation }, &[x]);
        case.output(Operator::MatMul, &[x, transposed]);
        case.output(Operator::MatMul, &[transposed, x]);
        cases.push(case.finish());
    }

    let mut case = CaseBuilder::new("product with a broadcast stack", &[3, 4, 4]);
    let x = case.input();
    let mean = Reduce { reduction: Reduction::Mean, axes: vec![1], keep_axes: true };
    let mean = case.push(Operator::Reduce(mean), &[x]);
    case.output(Operator::MatMul, &[x, mean]);
    case.output(Operator::MatMul, &[mean, x]);
    cases.push(case.finish());
    cases
}
