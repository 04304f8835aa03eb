//! Gathering and scattering by index, and finding extreme elements and their indices.

use framegate_backend_api::graph::{Binary, Operator, ScatterMode, TopK, ValueId};
use framegate_backend_api::{ElementType, HostTensor};

use super::case::{Case, CaseBuilder, Values};

pub(super) fn cases() -> Vec<Case> {
    [gathers(), gathers_of_elements(), scatters(), extrema(), top_ks()]
        .into_iter()
        .flatten()
        .collect()
}

fn exact(name: impl Into<String>, image_shape: &[usize]) -> CaseBuilder {
    CaseBuilder::new(name, image_shape).values(Values::HALVES).exact()
}

fn gathers() -> Vec<Case> {
    let indices: [(&str, &[usize], &[i64]); 5] = [
        ("one index", &[], &[2]),
        ("a negative index", &[], &[-3]),
        ("several indices", &[4], &[2, 0, 2, 1]),
        ("negative indices", &[3], &[-1, 0, -2]),
        ("a matrix of indices", &[2, 3], &[0, -1, 2, 1, -3, 0]),
    ];
    let mut cases = Vec::new();
    for (name, shape, elements) in indices {
        for axis in 1..4 {
            let mut case = exact(format!("gather {name} of axis {axis}"), &[3, 4, 5]);
            let indices = case.constant(HostTensor::from_i64(shape, elements.to_vec()));
            let x = case.input();
            case.output(Operator::Gather { axis }, &[x, indices]);
            cases.push(case.finish());
        }
    }

    let mut case = exact("gather of the batch axis", &[3, 4]);
    let (x, first) = (case.input(), case.constant(HostTensor::from_i64([2], vec![0, -1])));
    case.output(Operator::Gather { axis: 0 }, &[x, first]);
    cases.push(case.finish());

    let mut case = exact("gather of integers", &[4]);
    let indices = case.constant(HostTensor::from_i64([2], vec![3, -4]));
    let x = case.input();
    let x = case.push(Operator::Cast(ElementType::I64), &[x]);
    case.output(Operator::Gather { axis: 1 }, &[x, indices]);
    cases.push(case.finish());

    let mut case = indexing("gather from a table by computed indices", &[2, 3], 7);
    let (table, x) = (case.weights(&[7, 5]), case.input());
    let indices = case.push(Operator::Cast(ElementType::I64), &[x]);
    case.output(Operator::Gather { axis: 0 }, &[table, indices]);
    cases.push(case.finish());
    cases
}

/// A case whose input holds indices into an axis of `extent` elements, some of them negative.
fn indexing(name: impl Into<String>, image_shape: &[usize], extent: i32) -> CaseBuilder {
    let indices = Values::Multiples { step: 1.0, from: -extent, to: extent - 1 };
    CaseBuilder::new(name, image_shape).values(indices).exact()
}

fn gathers_of_elements() -> Vec<Case> {
    let mut cases: Vec<Case> = (1..4)
        .map(|axis| {
            let mut case = indexing(format!("gather elements of axis {axis}"), &[3, 3, 3], 3);
            let x = case.input();
            let indices = case.push(Operator::Cast(ElementType::I64), &[x]);
            case.output(Operator::GatherElements { axis }, &[x, indices]);
            case.finish()
        })
        .collect();

    let mut case = exact("gather the elements of the largest scores", &[5, 7]);
    let x = case.input();
    let indices = top_k_indices(&mut case, x);
    let half = case.constant(HostTensor::from_f32([], vec![0.5]));
    let doubled = case.push(Operator::Binary(Binary::Mul), &[x, half]);
    case.output(Operator::GatherElements { axis: 2 }, &[doubled, indices]);
    cases.push(case.finish());

    let mut case = exact("gather elements by constant indices", &[3, 2]);
    let indices = case.constant(HostTensor::from_i64([1, 2, 2], vec![2, -1, 0, -3]));
    let x = case.input();
    case.output(Operator::GatherElements { axis: 1 }, &[x, indices]);
    cases.push(case.finish());
    cases
}

/// Indices of the three largest elements along axis 2, as a value that depends on the input.
fn top_k_indices(case: &mut CaseBuilder, x: ValueId) -> ValueId {
    let top = Operator::TopK(TopK { axis: 2, k: 3, largest: true });
    ValueId(case.push(top, &[x]).0 + 1)
}

fn scatters() -> Vec<Case> {
    let modes = [
        ScatterMode::Replace,
        ScatterMode::Add,
        ScatterMode::Multiply,
        ScatterMode::Max,
        ScatterMode::Min,
    ];
    let mut cases = Vec::new();
    for mode in modes {
        for element_type in [ElementType::F32, ElementType::I64] {
            let mut case = exact(format!("scatter {mode:?} of {element_type:?}"), &[5, 3]);
            let indices = case.constant(HostTensor::from_i64([3], vec![4, -5, 2]));
            let x = case.input();
            let x = case.push(Operator::Cast(element_type), &[x]);
            let rows = case.push(Operator::Reshape { shape: vec![5, 3] }, &[x]);
            let updates = case.push(Operator::Gather { axis: 0 }, &[rows, indices]);
            let backwards = case.constant(HostTensor::from_i64([3], vec![-1, 1, 0]));
            case.output(Operator::Scatter(mode), &[rows, backwards, updates]);
            cases.push(case.finish());
        }
    }

    // Every index is computed, and some occur twice, so that only sums do not depend on the order.
    let mut case = indexing("scatter by computed indices", &[6], 4);
    let x = case.input();
    let x = case.push(Operator::Reshape { shape: vec![6] }, &[x]);
    let indices = case.push(Operator::Cast(ElementType::I64), &[x]);
    let zeros = case.constant(HostTensor::from_f32([4], vec![0.0; 4]));
    case.output(Operator::Scatter(ScatterMode::Add), &[zeros, indices, x]);
    cases.push(case.finish());
    cases
}

fn extrema() -> Vec<Case> {
    let mut cases = Vec::new();
    for (largest, name) in [(true, "largest"), (false, "smallest")] {
        for axis in 0..4 {
            let argument = || Operator::ArgExtremum { axis, largest };
            let distinct =
                CaseBuilder::new(format!("index of the {name} of axis {axis}"), &[3, 5, 7]);
            cases.push(distinct.single(argument()));
            let equal = exact(format!("index of the first {name} of axis {axis}"), &[3, 5, 7])
                .values(Values::Multiples { step: 1.0, from: 0, to: 1 });
            cases.push(equal.single(argument()));
        }
        let mut case = exact(format!("index of the {name} integer"), &[5, 7]);
        let x = case.input();
        let x = case.push(Operator::Cast(ElementType::I64), &[x]);
        case.output(Operator::ArgExtremum { axis: 1, largest }, &[x]);
        cases.push(case.finish());
    }
    cases
}

fn top_ks() -> Vec<Case> {
    let mut cases = Vec::new();
    for (largest, name) in [(true, "largest"), (false, "smallest")] {
        for (axis, k) in [(1, 2), (2, 5), (3, 1), (3, 4), (0, 1)] {
            let top = || Operator::TopK(TopK { axis, k, largest });
            let name = format!("top {k} {name} of axis {axis}");
            let distinct = CaseBuilder::new(name.as_str(), &[3, 5, 7]).exact();
            cases.push(distinct.single(top()));
            cases.push(exact(format!("{name}, with ties"), &[3, 5, 7]).single(top()));
        }
        let mut case = exact(format!("top 3 {name} integers"), &[9]);
        let x = case.input();
        let x = case.push(Operator::Cast(ElementType::I64), &[x]);
        case.output(Operator::TopK(TopK { axis: 1, k: 3, largest }), &[x]);
        cases.push(case.finish());
    }
    cases
}
