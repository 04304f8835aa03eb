//! Functions of one element, choices and casts.

use framegate_backend_api::graph::{Activation, Binary, Operator, Reduce, Reduction, Unary};
use framegate_backend_api::{ElementType, HostTensor};

use super::case::{Case, CaseBuilder, Values};

pub(super) const ACTIVATIONS: &[(&str, Activation)] = &[
    ("relu", Activation::Relu),
    ("leaky relu", Activation::LeakyRelu { slope: 0.1 }),
    ("sigmoid", Activation::Sigmoid),
    ("silu", Activation::Silu),
    ("hard sigmoid", Activation::HardSigmoid { alpha: 0.3, beta: 0.4 }),
    ("hard swish", Activation::HardSwish),
    ("clip", Activation::Clip { min: -0.75, max: 1.25 }),
    ("clip below", Activation::Clip { min: 0.5, max: f32::INFINITY }),
    ("clip above", Activation::Clip { min: f32::NEG_INFINITY, max: 0.5 }),
    ("tanh", Activation::Tanh),
    ("gelu", Activation::Gelu { approximate: false }),
    ("approximate gelu", Activation::Gelu { approximate: true }),
    ("elu", Activation::Elu { alpha: 0.7 }),
    ("softplus", Activation::Softplus),
    ("mish", Activation::Mish),
    ("dequantize", Activation::Dequantize { scale: 0.3, zero: 2.0 }),
];

pub(super) fn cases() -> Vec<Case> {
    [activations(), unary(), choices(), casts()].into_iter().flatten().collect()
}

fn activations() -> Vec<Case> {
    let case = |(name, activation): &(&str, Activation)| {
        // The two formulas of GELU differ by at most 5e-4, to which the default tolerance is too close.
        let curved = CaseBuilder::new(format!("activation {name}"), &[3, 5, 7])
            .values(Values::Uniform(-3.0, 3.0))
            .tolerance(2e-5);
        // Far enough out that exp(x) overflows `f32`.
        let saturated = CaseBuilder::new(format!("activation {name} of large numbers"), &[3, 5, 7])
            .values(Values::Uniform(-150.0, 150.0));
        [curved, saturated].map(|case| case.single(Operator::Activation(*activation)))
    };
    ACTIVATIONS.iter().flat_map(case).collect()
}

fn unary() -> Vec<Case> {
    let signed = Values::Uniform(-3.0, 3.0);
    let positive = Values::Uniform(0.1, 4.0);
    let floats = [
        (Unary::Abs, signed),
        (Unary::Neg, signed),
        (Unary::Sign, Values::HALVES),
        (Unary::Exp, signed),
        (Unary::Log, positive),
        (Unary::Sqrt, positive),
        (Unary::Reciprocal, positive),
        (Unary::Floor, Values::HALVES),
        (Unary::Ceil, Values::HALVES),
        (Unary::Round, Values::HALVES),
        (Unary::Sin, signed),
        (Unary::Cos, signed),
        (Unary::Atan, signed),
        (Unary::Erf, signed),
    ];
    let mut cases: Vec<Case> = floats
        .into_iter()
        .map(|(function, values)| {
            CaseBuilder::new(format!("unary {function:?}"), &[3, 5, 7])
                .values(values)
                .single(Operator::Unary(function))
        })
        .collect();
    for (function, element_type) in [
        (Unary::Abs, ElementType::I64),
        (Unary::Neg, ElementType::I64),
        (Unary::Sign, ElementType::I64),
        (Unary::Not, ElementType::Bool),
    ] {
        let mut case = CaseBuilder::new(format!("unary {function:?} of {element_type:?}"), &[3, 7])
            .values(Values::HALVES);
        let x = case.input();
        let x = case.push(Operator::Cast(element_type), &[x]);
        case.output(Operator::Unary(function), &[x]);
        cases.push(case.finish());
    }
    cases
}

fn choices() -> Vec<Case> {
    let mut cases = Vec::new();
    for element_type in [ElementType::F32, ElementType::I64, ElementType::Bool] {
        let mut case = CaseBuilder::new(format!("where on {element_type:?}"), &[3, 5])
            .values(Values::HALVES)
            .exact();
        let zero = case.constant(HostTensor::from_f32([], vec![0.0]));
        let other = case.constant(HostTensor::from_f32([3, 1], vec![7.0, 0.0, 9.0]));
        let x = case.input();
        let condition = case.push(Operator::Binary(Binary::Greater), &[x, zero]);
        let x = case.push(Operator::Cast(element_type), &[x]);
        let other = case.push(Operator::Cast(element_type), &[other]);
        case.output(Operator::Where, &[condition, x, other]);
        case.output(Operator::Where, &[condition, other, x]);
        cases.push(case.finish());
    }

    let mut case = CaseBuilder::new("where with a constant condition", &[3, 5]).exact();
    let pattern = HostTensor::from_bool([5], vec![true, false, false, true, true]);
    let (x, condition) = (case.input(), case.constant(pattern));
    let one = case.constant(HostTensor::from_f32([1], vec![1.0]));
    case.output(Operator::Where, &[condition, x, one]);
    cases.push(case.finish());

    let mut case = CaseBuilder::new("where with a broadcast condition", &[3, 5]).exact();
    let x = case.input();
    let reduce = Reduce { reduction: Reduction::Max, axes: vec![2], keep_axes: true };
    let largest = case.push(Operator::Reduce(reduce), &[x]);
    let limit = case.constant(HostTensor::from_f32([], vec![1.5]));
    let condition = case.push(Operator::Binary(Binary::Less), &[largest, limit]);
    let negated = case.push(Operator::Unary(Unary::Neg), &[x]);
    case.output(Operator::Where, &[condition, x, negated]);
    cases.push(case.finish());
    cases
}

fn casts() -> Vec<Case> {
    use ElementType::{Bool, F32, I64};
    [[F32, F32], [F32, I64], [F32, Bool], [I64, F32], [I64, Bool], [I64, I64]]
        .into_iter()
        .chain([[Bool, F32], [Bool, I64], [Bool, Bool]])
        .map(|[from, to]| {
            let mut case = CaseBuilder::new(format!("cast {from:?} to {to:?}"), &[5, 7])
                .values(Values::HALVES)
                .exact();
            let x = case.input();
            let x = case.push(Operator::Cast(from), &[x]);
            case.output(Operator::Cast(to), &[x]);
            case.finish()
        })
        .collect()
}
