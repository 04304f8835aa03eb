//! Functions of pairs of elements: arithmetic, comparisons and logic.

use framegate_backend_api::graph::{Binary, Operator};
use framegate_backend_api::{ElementType, HostTensor};

use super::case::{Case, CaseBuilder, Values};

pub(super) fn cases() -> Vec<Case> {
    arithmetic().into_iter().chain(predicates()).collect()
}

const ARITHMETIC: [Binary; 8] = [
    Binary::Add,
    Binary::Sub,
    Binary::Mul,
    Binary::Div,
    Binary::Pow,
    Binary::Mod,
    Binary::Max,
    Binary::Min,
];

fn arithmetic() -> Vec<Case> {
    let mut cases = Vec::new();
    for function in ARITHMETIC {
        let values = match function {
            Binary::Pow => Values::Uniform(0.25, 2.0),
            _ => Values::HALVES,
        };
        let mut case = CaseBuilder::new(format!("binary {function:?}"), &[2, 5]).values(values);
        let divisors = vec![1.5, -2.0, 0.5, -0.5, 3.0, -1.0, 2.0, 2.5, -3.5, 1.0];
        let constant = case.constant(HostTensor::from_f32([1, 2, 5], divisors));
        let x = case.input();
        case.output(Operator::Binary(function), &[x, constant]);
        cases.push(case.finish());

        let name = format!("binary {function:?} of integers");
        let mut case = CaseBuilder::new(name, &[2, 5]).values(Values::Multiples {
            step: 1.0,
            from: -9,
            to: 9,
        });
        let exponents_or_divisors = match function {
            Binary::Pow => vec![0, 1, 2, 3, 2],
            _ => vec![2, -3, 1, -1, 4],
        };
        let constant = case.constant(HostTensor::from_i64([5], exponents_or_divisors));
        let x = case.input();
        let x = case.push(Operator::Cast(ElementType::I64), &[x]);
        case.output(Operator::Binary(function), &[x, constant]);
        cases.push(case.finish());
    }
    for exponent in [2.0, 3.0, 0.5, -1.0] {
        // Whole powers are defined for negative bases as well.
        let values = match exponent {
            2.0 | 3.0 => Values::Uniform(-2.0, 2.0),
            _ => Values::Uniform(0.25, 2.0),
        };
        let mut case =
            CaseBuilder::new(format!("binary Pow to {exponent}"), &[3, 7]).values(values);
        let exponent = case.constant(HostTensor::from_f32([], vec![exponent]));
        let x = case.input();
        case.output(Operator::Binary(Binary::Pow), &[x, exponent]);
        cases.push(case.finish());
    }
    cases
}

fn predicates() -> Vec<Case> {
    let comparisons =
        [Binary::Equal, Binary::Less, Binary::LessOrEqual, Binary::Greater, Binary::GreaterOrEqual];
    let logic = [Binary::And, Binary::Or, Binary::Xor, Binary::Equal];
    let floats = comparisons.map(|function| (function, ElementType::F32));
    let integers = comparisons.map(|function| (function, ElementType::I64));
    let booleans = logic.map(|function| (function, ElementType::Bool));
    floats
        .into_iter()
        .chain(integers)
        .chain(booleans)
        .map(|(function, element_type)| {
            let name = format!("binary {function:?} of {element_type:?}");
            // Few different numbers, so that there are equal ones.
            let mut case = CaseBuilder::new(name, &[5, 7]).values(Values::Multiples {
                step: 1.0,
                from: -1,
                to: 1,
            });
            let row = HostTensor::from_f32([7], vec![-1.0, 0.0, 1.0, 0.0, 1.0, -1.0, 0.0]);
            let (x, row) = (case.input(), case.constant(row));
            let x = case.push(Operator::Cast(element_type), &[x]);
            let row = case.push(Operator::Cast(element_type), &[row]);
            case.output(Operator::Binary(function), &[x, row]);
            case.finish()
        })
        .collect()
}
