//! Reading feature maps between their elements.

use framegate_backend_api::HostTensor;
use framegate_backend_api::graph::{
    AxisSlice, Binary, GridSample, Operator, RoiAlign, RoiPooling, SampleMode, SamplePadding,
    ValueId,
};

use super::case::{Case, CaseBuilder};

pub(super) fn cases() -> Vec<Case> {
    grid_samples().into_iter().chain(roi_aligns()).collect()
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

/// Regions of two feature maps, some of which reach beyond them or are smaller than an element.
fn roi_aligns() -> Vec<Case> {
    let setups = [
        ("mean", RoiPooling::Mean, 0, true),
        ("mean of four samples", RoiPooling::Mean, 2, true),
        ("mean without half pixels", RoiPooling::Mean, 0, false),
        ("max", RoiPooling::Max, 2, true),
    ];
    setups
        .into_iter()
        .map(|(name, pooling, samples, half_pixel)| {
            let mut case = CaseBuilder::new(format!("regions pooled by {name}"), &[6, 9, 11]);
            let regions = vec![
                0.0, 0.0, 44.0, 36.0, 8.0, 4.0, 21.0, 30.5, -6.0, 10.0, 9.0, 50.0, 30.0, 8.0, 31.5,
                9.0,
            ];
            let regions = case.constant(HostTensor::from_f32([4, 4], regions));
            let images = case.constant(HostTensor::from_i64([4], vec![1, 0, 1, 0]));
            let x = case.input();
            let x = case.push(Operator::Reshape { shape: vec![2, 3, 9, 11] }, &[x]);
            let size = [3, 2];
            let parameters = RoiAlign { size, scale: 0.25, samples, half_pixel, pooling };
            case.output(Operator::RoiAlign(parameters), &[x, regions, images]);
            case.finish()
        })
        .collect()
}
