//! Functions of two operands of different shapes.

use framegate_backend_api::graph::{Binary, Operator, Reduce, Reduction};

use super::case::{Case, CaseBuilder};

/// Not commutative, so that swapped operands are noticed.
const SUB: Operator = Operator::Binary(Binary::Sub);

pub(super) fn cases() -> Vec<Case> {
    let constants: [&[usize]; 11] = [
        &[],
        &[1],
        &[5],
        &[3, 1],
        &[3, 5],
        &[2, 1, 1],
        &[2, 3, 5],
        &[1, 2, 1, 1],
        &[1, 1, 3, 1],
        &[1, 1, 1, 5],
        &[1, 2, 3, 5],
    ];
    let mut cases: Vec<Case> = constants
        .into_iter()
        .map(|shape| {
            let mut case = CaseBuilder::new(format!("broadcast constant {shape:?}"), &[2, 3, 5]);
            let constant = case.weights(shape);
            let x = case.input();
            case.output(SUB, &[x, constant]);
            case.output(SUB, &[constant, x]);
            case.finish()
        })
        .collect();

    let mut grown = CaseBuilder::new("broadcast input to a larger constant", &[3, 1]);
    let (x, constant) = (grown.input(), grown.weights(&[1, 3, 7]));
    grown.output(SUB, &[x, constant]);
    grown.output(SUB, &[constant, x]);
    cases.push(grown.finish());

    let mut grown = CaseBuilder::new("broadcast input to a higher rank", &[3]);
    let (x, constant) = (grown.input(), grown.weights(&[1, 5, 3]));
    grown.output(SUB, &[x, constant]);
    cases.push(grown.finish());

    for axes in [vec![1], vec![2], vec![3], vec![2, 3], vec![1, 2, 3]] {
        let name = format!("broadcast a reduction of axes {axes:?}");
        let mut case = CaseBuilder::new(name, &[2, 3, 5]);
        let x = case.input();
        let reduce = Reduce { reduction: Reduction::Max, axes, keep_axes: true };
        let largest = case.push(Operator::Reduce(reduce), &[x]);
        case.output(SUB, &[x, largest]);
        case.output(SUB, &[largest, x]);
        cases.push(case.finish());
    }

    let mut both = CaseBuilder::new("broadcast both operands", &[2, 3, 5]);
    let x = both.input();
    let reduced = |axis| Reduce { reduction: Reduction::Max, axes: vec![axis], keep_axes: true };
    let rows = both.push(Operator::Reduce(reduced(3)), &[x]);
    let columns = both.push(Operator::Reduce(reduced(2)), &[x]);
    both.output(SUB, &[rows, columns]);
    cases.push(both.finish());

    for shape in [[1, 1].as_slice(), &[1, 13], &[13, 1], &[1, 1, 1, 3]] {
        let mut case = CaseBuilder::new(format!("add on images of {shape:?}"), shape);
        let (x, constant) = (case.input(), case.weights(&[]));
        case.output(Operator::Binary(Binary::Add), &[x, constant]);
        case.output(Operator::Binary(Binary::Add), &[x, x]);
        cases.push(case.finish());
    }
    cases
}
