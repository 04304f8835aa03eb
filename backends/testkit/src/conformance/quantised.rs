//! Quantised numbers, and chains of operators on them that a backend may compute on bytes. Scales are powers
//! of two, so that nothing but the rounding that is asked for rounds.

use framegate_backend_api::HostTensor;
use framegate_backend_api::graph::{
    Activation, Binary, Convolution, Operator, Padding, ValueId, Window,
};

use super::case::{Case, CaseBuilder, Values};

/// Quarters, of which every second one is a tie for a scale of one half.
const QUARTERS: Values = Values::Multiples { step: 0.25, from: -300, to: 300 };

const UNSIGNED: [Activation; 2] = pair(0.5, 117.0, 0.0);
const SIGNED: [Activation; 2] = pair(0.25, -9.0, -128.0);

/// The activation that quantises to bytes from `min` on, and the way back.
const fn pair(scale: f32, zero: f32, min: f32) -> [Activation; 2] {
    [
        Activation::Quantize { scale, zero, min, max: min + 255.0 },
        Activation::Dequantize { scale, zero },
    ]
}

pub(super) fn cases() -> Vec<Case> {
    let kinds = [("unsigned", UNSIGNED), ("signed", SIGNED)];
    let per_kind = kinds.into_iter().flat_map(|(kind, pair)| {
        [
            numbers(kind, pair),
            convolution(&format!("quantised 1×1 convolution, {kind}"), pair, [12, 20, 1], 1),
            convolution(&format!("quantised 3×3 convolution, {kind}"), pair, [12, 20, 3], 1),
            convolution(&format!("quantised first layer, {kind}"), pair, [3, 9, 3], 2),
            residual(kind, pair),
        ]
    });
    per_kind.collect()
}

fn numbers(kind: &str, [quantize, dequantize]: [Activation; 2]) -> Case {
    let mut case = CaseBuilder::new(format!("quantised numbers, {kind}"), &[3, 9, 13])
        .values(QUARTERS)
        .exact();
    let x = case.input();
    case.output(Operator::Activation(quantize), &[x]);
    let quantised = case.push(Operator::Activation(quantize), &[x]);
    case.output(Operator::Activation(dequantize), &[quantised]);
    case.finish()
}

/// A convolution between quantised numbers, with an activation and without.
fn convolution(name: &str, pair: [Activation; 2], sizes: [usize; 3], stride: usize) -> Case {
    let [channels, filters, taps] = sizes;
    let mut case = CaseBuilder::new(name, &[channels, 11, 13]).values(QUARTERS).exact();
    let [quantize, dequantize] = pair.map(Operator::Activation);
    let x = case.input();
    let x = case.push(quantize.clone(), &[x]);
    let x = case.push(dequantize, &[x]);
    for activation in [None, Some(Activation::LeakyRelu { slope: 0.25 })] {
        let y = convolved(&mut case, x, [filters, channels, taps], stride, activation);
        case.output(quantize.clone(), &[y]);
    }
    // Not quantised again.
    let weights = integers(&mut case, [filters, channels, taps]);
    case.output(operator([taps; 2], 1, stride, None), &[x, weights]);
    case.finish()
}

/// Two layers, one of them with a filter per channel; their sum; and the largest of each neighbourhood.
fn residual(kind: &str, pair: [Activation; 2]) -> Case {
    let name = format!("quantised residual, {kind}");
    let mut case = CaseBuilder::new(name, &[3, 11, 13]).values(QUARTERS).exact();
    let [quantize, dequantize] = pair.map(Operator::Activation);
    let again = |case: &mut CaseBuilder, x: ValueId| {
        let x = case.push(quantize.clone(), &[x]);
        case.push(dequantize.clone(), &[x])
    };
    let x = case.input();
    let x = again(&mut case, x);
    let y = convolved(&mut case, x, [17, 3, 1], 1, Some(Activation::Relu));
    let y = again(&mut case, y);
    let weights = integers(&mut case, [17, 1, 3]);
    let z = case.push(operator([3; 2], 17, 1, None), &[y, weights]);
    let z = again(&mut case, z);
    let sum = case.push(Operator::Binary(Binary::Add), &[y, z]);
    let sum = case.push(quantize.clone(), &[sum]);
    let (kernel, padding) = ([3, 3], Padding { top: 1, left: 1, bottom: 1, right: 1 });
    let window = Window { kernel, stride: [1, 1], dilation: [1, 1], padding };
    case.output(Operator::MaxPool(window), &[sum]);
    case.finish()
}

fn convolved(
    case: &mut CaseBuilder,
    x: ValueId,
    [filters, channels, taps]: [usize; 3],
    stride: usize,
    activation: Option<Activation>,
) -> ValueId {
    let weights = integers(case, [filters, channels, taps]);
    let bias = (0..filters).map(|filter| filter as f32 * 0.25 - 2.0).collect();
    let bias = case.constant(HostTensor::from_f32([filters], bias));
    case.push(operator([taps; 2], 1, stride, activation), &[x, weights, bias])
}

/// Weights from −127 to 127, in units of a power of two.
fn integers(case: &mut CaseBuilder, [filters, channels, taps]: [usize; 3]) -> ValueId {
    let elements = (0..filters * channels * taps * taps)
        .map(|index| ((index * 83 + index / 7) % 255) as f32 / 1024.0 - 127.0 / 1024.0)
        .collect();
    case.constant(HostTensor::from_f32([filters, channels, taps, taps], elements))
}

fn operator(
    taps: [usize; 2],
    groups: usize,
    stride: usize,
    activation: Option<Activation>,
) -> Operator {
    let [down, across] = taps.map(|taps| taps / 2);
    Operator::Convolution(Convolution {
        stride: [stride; 2],
        dilation: [1, 1],
        padding: Padding { top: down, left: across, bottom: down, right: across },
        groups,
        activation,
    })
}
