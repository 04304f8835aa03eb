//! Operators that only move elements.

use framegate_backend_api::graph::{AxisSlice, Operator, Pad, PadMode, ValueId};
use framegate_backend_api::{ElementType, HostTensor};

use super::case::{Case, CaseBuilder, Values};

pub(super) fn cases() -> Vec<Case> {
    [concats(), slices(), pads(), reshapes(), transposes(), repetitions()]
        .into_iter()
        .flatten()
        .collect()
}

fn exact(name: impl Into<String>, image_shape: &[usize]) -> CaseBuilder {
    CaseBuilder::new(name, image_shape).values(Values::HALVES).exact()
}

/// The part of axis `axis` from `start` on, `len` elements long.
fn part(case: &mut CaseBuilder, x: ValueId, axis: usize, start: usize, len: usize) -> ValueId {
    let mut slices: Vec<AxisSlice> =
        case.shape(x).iter().map(|extent| AxisSlice::all(*extent)).collect();
    slices[axis] = AxisSlice { start, step: 1, len };
    case.push(Operator::Slice(slices), &[x])
}

fn concats() -> Vec<Case> {
    let mut cases = Vec::new();
    for axis in 0..4 {
        let mut case = exact(format!("concat along axis {axis}"), &[3, 5, 7]);
        let x = case.input();
        let one = part(&mut case, x, axis, 0, 1);
        case.output(Operator::Concat { axis }, &[x, one, x]);
        case.output(Operator::Concat { axis }, &[one]);
        cases.push(case.finish());
    }

    let mut case = exact("concat with a constant", &[3, 5]);
    let (x, constant) = (case.input(), case.weights(&[1, 2, 5]));
    case.output(Operator::Concat { axis: 1 }, &[constant, x]);
    cases.push(case.finish());

    for element_type in [ElementType::I64, ElementType::Bool] {
        let mut case = exact(format!("concat of {element_type:?}"), &[3, 5]).values(Values::SIGNS);
        let x = case.input();
        let x = case.push(Operator::Cast(element_type), &[x]);
        let some = part(&mut case, x, 2, 1, 3);
        case.output(Operator::Concat { axis: 2 }, &[some, x]);
        cases.push(case.finish());
    }
    cases
}

fn slices() -> Vec<Case> {
    let all = AxisSlice::all;
    let slice = |start, step, len| AxisSlice { start, step, len };
    [
        ("channels", [slice(2, 1, 3), all(7), all(9)]),
        ("with a step", [all(6), slice(0, 2, 4), slice(1, 3, 3)]),
        ("backwards", [all(6), all(7), slice(8, -1, 9)]),
        ("backwards with a step", [slice(5, -2, 3), slice(5, -3, 2), all(9)]),
        ("a single element", [slice(4, 1, 1), slice(6, -1, 1), slice(0, 5, 1)]),
        ("of every axis", [slice(1, 2, 3), slice(6, -2, 3), slice(3, 1, 4)]),
    ]
    .into_iter()
    .map(|(name, slices)| {
        let slices = [&[all(1)], slices.as_slice()].concat();
        exact(format!("slice {name}"), &[6, 7, 9]).single(Operator::Slice(slices))
    })
    .chain([ElementType::I64, ElementType::Bool].map(|element_type| {
        let mut case = exact(format!("slice of {element_type:?}"), &[7]).values(Values::SIGNS);
        let x = case.input();
        let x = case.push(Operator::Cast(element_type), &[x]);
        case.output(Operator::Slice(vec![all(1), slice(5, -2, 3)]), &[x]);
        case.finish()
    }))
    .collect()
}

fn pads() -> Vec<Case> {
    let modes = [
        PadMode::Constant(0.0),
        PadMode::Constant(-1.25),
        PadMode::Constant(f32::NEG_INFINITY),
        PadMode::Edge,
        PadMode::Reflect,
    ];
    let mut cases = Vec::new();
    for mode in modes {
        let mut pad = |name: &str, image: &[usize], before: &[usize], after: &[usize]| {
            let pad = Pad { before: before.to_vec(), after: after.to_vec(), mode };
            cases.push(exact(format!("pad {name}, {mode:?}"), image).single(Operator::Pad(pad)));
        };
        pad("a feature map", &[3, 5, 7], &[0, 0, 1, 2], &[0, 0, 3, 0]);
        pad("channels", &[3, 5, 7], &[0, 2, 0, 0], &[0, 1, 0, 0]);
        pad("all axes of an image", &[3, 5, 7], &[0, 1, 2, 3], &[0, 2, 1, 4]);
        pad("a row", &[7], &[0, 6], &[0, 6]);
        pad("rank 3", &[4, 5], &[0, 3, 0], &[0, 0, 4]);
        pad("nothing", &[2, 3], &[0, 0, 0], &[0, 0, 0]);
    }
    for mode in [PadMode::Constant(3.0), PadMode::Edge] {
        let mut case = exact(format!("pad integers, {mode:?}"), &[3, 5]);
        let x = case.input();
        let x = case.push(Operator::Cast(ElementType::I64), &[x]);
        let pad = Pad { before: vec![0, 1, 0], after: vec![0, 0, 2], mode };
        case.output(Operator::Pad(pad), &[x]);
        cases.push(case.finish());
    }
    cases
}

fn reshapes() -> Vec<Case> {
    let shapes: [&[usize]; 8] = [
        &[120],
        &[1, 120],
        &[1, 12, 10],
        &[1, 1, 60, 2],
        &[1, 2, 3, 2, 10],
        &[1, 2, 3, 2, 5, 2],
        &[12, 10],
        &[1, 2, 6, 10],
    ];
    let mut cases: Vec<Case> = shapes
        .into_iter()
        .map(|shape| {
            exact(format!("reshape to {shape:?}"), &[2, 6, 10])
                .single(Operator::Reshape { shape: shape.to_vec() })
        })
        .collect();

    let mut shuffle = exact("pixel shuffle", &[12, 3, 5]);
    let x = shuffle.input();
    let split = shuffle.push(Operator::Reshape { shape: vec![1, 3, 2, 2, 3, 5] }, &[x]);
    let permutation = vec![0, 1, 4, 2, 5, 3];
    let moved = shuffle.push(Operator::Transpose { permutation }, &[split]);
    shuffle.output(Operator::Reshape { shape: vec![1, 3, 6, 10] }, &[moved]);
    cases.push(shuffle.finish());
    cases
}

fn transposes() -> Vec<Case> {
    let permutations: [(&[usize], &[usize]); 10] = [
        (&[5], &[0, 1]),
        (&[5], &[1, 0]),
        (&[3, 5], &[0, 2, 1]),
        (&[3, 5], &[1, 2, 0]),
        (&[3, 5, 7], &[0, 2, 3, 1]),
        (&[3, 5, 7], &[0, 3, 1, 2]),
        (&[3, 5, 7], &[3, 2, 1, 0]),
        (&[2, 3, 4, 5], &[0, 4, 2, 1, 3]),
        (&[2, 3, 2, 5, 2], &[0, 1, 4, 2, 5, 3]),
        (&[2, 3, 2, 5, 2], &[5, 3, 0, 1, 4, 2]),
    ];
    permutations
        .into_iter()
        .map(|(image, permutation)| {
            exact(format!("transpose {permutation:?}"), image)
                .single(Operator::Transpose { permutation: permutation.to_vec() })
        })
        .chain([ElementType::I64, ElementType::Bool].map(|element_type| {
            let mut case =
                exact(format!("transpose of {element_type:?}"), &[3, 5]).values(Values::SIGNS);
            let x = case.input();
            let x = case.push(Operator::Cast(element_type), &[x]);
            case.output(Operator::Transpose { permutation: vec![0, 2, 1] }, &[x]);
            case.finish()
        }))
        .collect()
}

fn repetitions() -> Vec<Case> {
    let expands: [(&[usize], &[usize]); 5] = [
        (&[3, 1], &[1, 3, 5]),
        (&[1, 5], &[1, 3, 5]),
        (&[1, 1, 7], &[1, 2, 3, 7]),
        (&[3, 5], &[1, 3, 5]),
        (&[3], &[2, 5, 3]),
    ];
    let tiles: [(&[usize], &[usize]); 5] = [
        (&[5], &[1, 3]),
        (&[3, 5], &[1, 2, 1]),
        (&[3, 5, 2], &[1, 2, 3, 2]),
        (&[3, 5], &[2, 1, 3]),
        (&[1, 1], &[1, 7, 5]),
    ];
    let expands = expands.into_iter().map(|(image, shape)| {
        exact(format!("expand {image:?} to {shape:?}"), image)
            .single(Operator::Expand { shape: shape.to_vec() })
    });
    let tiles = tiles.into_iter().map(|(image, repeats)| {
        exact(format!("tile {image:?} by {repeats:?}"), image)
            .single(Operator::Tile { repeats: repeats.to_vec() })
    });
    let mut cases: Vec<Case> = expands.chain(tiles).collect();

    let mut case = exact("expand and tile integers", &[3, 1]);
    let x = case.input();
    let x = case.push(Operator::Cast(ElementType::I64), &[x]);
    case.output(Operator::Expand { shape: vec![1, 3, 4] }, &[x]);
    case.output(Operator::Tile { repeats: vec![1, 2, 3] }, &[x]);
    cases.push(case.finish());

    let mut case = exact("a constant beside the results", &[3]);
    let constant = case.constant(HostTensor::from_i64([1, 2], vec![4, 5]));
    let x = case.input();
    case.output(Operator::Concat { axis: 1 }, &[x, x]);
    case.output(Operator::Expand { shape: vec![1, 2] }, &[constant]);
    cases.push(case.finish());
    cases
}
