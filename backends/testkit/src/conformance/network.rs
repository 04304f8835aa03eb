//! A whole small detector-like network.

use framegate_backend_api::graph::{
    Activation, AxisSlice, Binary, Convolution, Coordinates, NearestRounding, Operator, Padding,
    Resize, ResizeMode, ValueId, Window,
};

use super::case::{Case, CaseBuilder};

pub(super) fn cases() -> Vec<Case> {
    vec![residual_network()]
}

/// Residual blocks at two scales, joined by upsampling, and a head that scores every position.
pub(super) fn residual_network() -> Case {
    let mut case = CaseBuilder::new("residual network", &[3, 20, 28]);
    let x = case.input();
    let stem = convolution(&mut case, x, 8, 3, 2);
    let normalised = scale_and_shift(&mut case, stem);
    let fine = residual_block(&mut case, normalised);
    let pool =
        Window { kernel: [2, 2], stride: [2, 2], dilation: [1, 1], padding: Padding::default() };
    let pooled = case.push(Operator::MaxPool(pool), &[fine]);
    let coarse = convolution(&mut case, pooled, 12, 3, 1);
    let upsample = Resize {
        size: [10, 14],
        scale: [2.0, 2.0],
        mode: ResizeMode::Nearest(NearestRounding::Floor),
        coordinates: Coordinates::Asymmetric,
    };
    let upsampled = case.push(Operator::Resize(upsample), &[coarse]);
    let joined = case.push(Operator::Concat { axis: 1 }, &[upsampled, fine]);
    let head = convolution(&mut case, joined, 6, 1, 1);
    let positions = case.push(Operator::Reshape { shape: vec![1, 6, 140] }, &[head]);
    let rows = case.push(Operator::Transpose { permutation: vec![0, 2, 1] }, &[positions]);
    let columns = |start, len| {
        let columns = AxisSlice { start, step: 1, len };
        Operator::Slice(vec![AxisSlice::all(1), AxisSlice::all(140), columns])
    };
    case.output(columns(0, 4), &[rows]);
    let scores = case.push(columns(4, 2), &[rows]);
    case.output(Operator::Activation(Activation::Sigmoid), &[scores]);
    case.finish()
}

fn residual_block(case: &mut CaseBuilder, x: ValueId) -> ValueId {
    let channels = case.shape(x)[1];
    let inner = convolution(case, x, channels / 2, 1, 1);
    let outer = convolution(case, inner, channels, 3, 1);
    case.push(Operator::Binary(Binary::Add), &[x, outer])
}

/// A convolution with bias and SiLU whose result has the size of `x`, divided by the stride.
fn convolution(
    case: &mut CaseBuilder,
    x: ValueId,
    filters: usize,
    kernel: usize,
    stride: usize,
) -> ValueId {
    let weight = case.weights(&[filters, case.shape(x)[1], kernel, kernel]);
    let bias = case.weights(&[filters]);
    let edge = kernel / 2;
    let parameters = Convolution {
        stride: [stride; 2],
        dilation: [1, 1],
        padding: Padding { top: edge, left: edge, bottom: edge, right: edge },
        groups: 1,
        activation: Some(Activation::Silu),
    };
    case.push(Operator::Convolution(parameters), &[x, weight, bias])
}

/// The scale and shift that remain of a batch normalisation that could not be fused.
fn scale_and_shift(case: &mut CaseBuilder, x: ValueId) -> ValueId {
    let shape = [1, case.shape(x)[1], 1, 1];
    let (scale, shift) = (case.weights(&shape), case.weights(&shape));
    let scaled = case.push(Operator::Binary(Binary::Mul), &[x, scale]);
    case.push(Operator::Binary(Binary::Add), &[scaled, shift])
}
