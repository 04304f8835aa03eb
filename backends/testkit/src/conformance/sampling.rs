//! Reading feature maps between their elements.

use framegate_backend_api::graph::{
    AxisSlice, Binary, GridSample, Operator, SampleMode, SamplePadding, ValueId,
};
use framegate_backend_api::HostTensor;

use super::case::{Case, CaseBuilder};

pub(super) fn cases() -> Vec<Case> {
    grid_samples()
}

/// Some channels of the input.
fn channels(case: &mut CaseBuilder, start: usize, len: usize) -> ValueId {
    let x = case.input();
    let mut slices: Vec<AxisSlice> =
        case.shape(x).iter().map(|extent| AxisSlice::all(*extent)).collect();
    slices[1] = AxisSlice { start, step: 1, len };
    case.push(Operator::Slice(slices), &[x])
}

/// Three channels are sampled where the other two say, which is now and then outside.
fn grid_samples() -> Vec<Case> {
    let paddings = [SamplePadding::Zeros, SamplePadding::Border, SamplePadding::Reflection];
    let modes = [SampleMode::Nearest, SampleMode::Linear, SampleMode::Cubic];
    let mut cases = Vec::new();
    for mode in modes {
        for padding in paddings {
            for align_corners in [true, false] {
                let name = format!("grid sample {mode:?} {padding:?}, corners {align_corners}");
                let mut case = CaseBuilder::new(name, &[5, 6, 7]);
                let (x, positions) = (channels(&mut case, 0, 3), channels(&mut case, 3, 2));
                let scale = case.constant(HostTensor::from_f32([], vec![0.73]));
                let positions = case.push(Operator::Binary(Binary::Mul), &[positions, scale]);
                let permutation = vec![0, 2, 3, 1];
                let grid = case.push(Operator::Transpose { permutation }, &[positions]);
                let sample = GridSample { mode, padding, align_corners };
                case.output(Operator::GridSample(sample), &[x, grid]);
                cases.push(case.finish());
            }
        }
    }
    cases
}
