//! Convolutions of every kind.

use framegate_backend_api::graph::TransposedConvolution;

use super::*;
use crate::plan::phases;
use crate::steps::Blocked;

#[test]
fn direct_convolutions() {
    for seed in 0..3 * ROUNDS as u64 {
        let mut random = Rng::with_seed(seed);
        let (mut window, [height, width]) = window(&mut random);
        if window.kernel == [3, 3] {
            // Otherwise Winograd's kernel would be chosen.
            window.stride[0] = 2;
        }
        let (channels, filters) = (random.usize(5..40), random.usize(1..90));
        let mut case = Case::new(seed, [1, channels, height, width]);
        let weight = [filters, channels, window.kernel[0], window.kernel[1]];
        let parameters = windowed(&window, 1, activation(&mut random));
        let x = case.builder.input();
        let y = case.convolution(x, &weight, parameters);
        let kernel = if window.kernel == [1, 1] { "pointwise" } else { "direct_conv" };
        case.check_rounded(vec![y], kernel);
    }
}

#[test]
fn winograd_convolutions() {
    for seed in 0..3 * ROUNDS as u64 {
        let mut random = Rng::with_seed(seed);
        let (height, width) = (random.usize(1..30), random.usize(1..60));
        let mut side = || random.usize(0..4);
        let padding = Padding { top: side(), left: side(), bottom: side() + 2, right: side() + 2 };
        let (channels, filters) = (random.usize(8..70), random.usize(8..90));
        let mut case = Case::new(seed, [1, 3, height, width]);
        let x = case.builder.input();
        let blocked = case.pointwise(x, channels);
        let parameters = Convolution { padding, ..unit_convolution(1, activation(&mut random)) };
        let y = case.convolution(blocked, &[filters, channels, 3, 3], parameters);
        let y = if random.bool() {
            let residual = case.convolution(
                blocked,
                &[filters, channels, 3, 3],
                Convolution { padding, ..unit_convolution(1, None) },
            );
            case.push(Operator::Binary(Binary::Add), &[residual, y])
        } else {
            y
        };
        let Case { builder, mut random } = case;
        let graph = builder.finish(vec![y]);
        check(&graph, "winograd", &mut random);
        check_is_absent(&graph, "elementwise");
    }
}

#[test]
fn grouped_convolutions() {
    for seed in 0..2 * ROUNDS as u64 {
        let mut random = Rng::with_seed(seed);
        let (mut window, [height, width]) = window(&mut random);
        match window.kernel {
            [3, 3] => window.stride[0] = 2,
            // The operand is computed by that kernel already.
            [1, 1] => continue,
            _ => {}
        }
        let groups = random.usize(2..9);
        let (channels, filters) = (groups * random.usize(1..10), groups * random.usize(2..10));
        let mut case = Case::new(seed, [1, 5, height, width]);
        let x = case.builder.input();
        let blocked = case.pointwise(x, channels);
        let weight = [filters, channels / groups, window.kernel[0], window.kernel[1]];
        let parameters = windowed(&window, groups, activation(&mut random));
        let y = case.convolution(blocked, &weight, parameters);
        let shape = case.builder.value(y).shape.clone();
        // A residual, if a feature map of this size can be cut from another.
        let y = if random.bool() && shape[2] <= height && shape[3] <= width {
            let residual = case.pointwise(x, filters);
            let rows = AxisSlice { start: 0, step: 1, len: shape[2] };
            let columns = AxisSlice { start: 0, step: 1, len: shape[3] };
            let all = [AxisSlice::all(1), AxisSlice::all(filters), rows, columns];
            let cut = case.push(Operator::Slice(all.to_vec()), &[residual]);
            case.push(Operator::Binary(Binary::Add), &[cut, y])
        } else {
            y
        };
        case.check(vec![y], "direct_conv");
    }
}

#[test]
fn groups_that_fill_whole_blocks() {
    for seed in 0..ROUNDS as u64 / 2 {
        let mut random = Rng::with_seed(seed);
        let groups = [4, 8][seed as usize % 2];
        let (channels, filters) = (groups * 8, groups * [4, 8, 16][random.usize(0..3)]);
        let mut case = Case::new(seed, [1, channels, random.usize(3..9), random.usize(3..40)]);
        let x = case.builder.input();
        let padding = Padding { top: 1, left: 1, bottom: 1, right: 1 };
        let unit = unit_convolution(groups, activation(&mut random));
        let parameters = Convolution { padding, stride: [1, 2], ..unit };
        let y = case.convolution(x, &[filters, 8, 3, 3], parameters);
        case.check_rounded(vec![y], "direct_conv");
    }
}

#[test]
fn transposed_convolutions() {
    let mut in_phases = 0;
    for seed in 0..3 * ROUNDS as u64 {
        let mut random = Rng::with_seed(seed);
        let stride = [random.usize(1..4), random.usize(1..4)];
        let taps = stride.map(|stride| stride + random.usize(0..4));
        let mut side = |axis: usize| random.usize(0..taps[axis]);
        let padding = Padding { top: side(0), left: side(1), bottom: side(0), right: side(1) };
        let output_padding = stride.map(|stride| random.usize(0..stride));
        // Enough that something is left of the result.
        let extents = taps.map(|taps| 2 * taps + random.usize(0..20));
        let (channels, filters) = (random.usize(5..40), random.usize(1..40));
        let groups = if random.usize(0..3) == 0 { channels } else { 1 };
        let parameters = TransposedConvolution {
            stride,
            dilation: [1, 1],
            padding,
            output_padding,
            groups,
            activation: activation(&mut random),
        };
        let mut case = Case::new(seed, [1, channels, extents[0], extents[1]]);
        let filters = if groups == 1 { filters } else { 1 };
        let weights = case.weights(&[channels, filters, taps[0], taps[1]]);
        let mut inputs = vec![case.builder.input(), weights];
        if random.bool() {
            inputs.push(case.weights(&[filters * groups]));
        }
        let y = case.push(Operator::TransposedConvolution(parameters.clone()), &inputs);
        let layouts = [inputs[0], y].map(|id| Blocked::new(&case.builder.value(id).shape, 1));
        let has_phases = phases::of_axes(&parameters, taps, layouts).is_some();
        in_phases += u64::from(has_phases);
        case.check(vec![y], if has_phases { "scatter_phases" } else { "scalar" });
    }
    assert!(in_phases > ROUNDS as u64, "only {in_phases} of these have kernels");
}

#[test]
fn what_would_take_too_many_steps_is_left_to_the_scalar_operator() {
    let mut case = Case::new(1, [1, 5, 2, 2]);
    let weights = case.weights(&[5, 3, 12, 12]);
    let parameters = TransposedConvolution {
        stride: [12, 12],
        dilation: [1, 1],
        padding: Padding::default(),
        output_padding: [0, 0],
        groups: 1,
        activation: None,
    };
    let inputs = [case.builder.input(), weights];
    let y = case.push(Operator::TransposedConvolution(parameters), &inputs);
    case.check(vec![y], "scalar");
    let mut case = Case::new(2, [1, 300 * 16, 1, 2]);
    let x = case.builder.input();
    let y = case.convolution(x, &[300 * 16, 16, 1, 1], unit_convolution(300, None));
    case.check(vec![y], "scalar");
}

#[test]
fn first_layers() {
    for seed in 0..ROUNDS as u64 {
        let mut random = Rng::with_seed(seed);
        let (window, [height, width]) = window(&mut random);
        let groups = random.usize(1..3);
        let (channels, filters) = (groups * random.usize(1..3), groups * random.usize(2..35));
        let mut case = Case::new(seed, [1, channels, height, width]);
        let weight = [filters, channels / groups, window.kernel[0], window.kernel[1]];
        let parameters = windowed(&window, groups, activation(&mut random));
        let x = case.builder.input();
        let y = case.convolution(x, &weight, parameters);
        case.check(vec![y], "first_conv");
    }
}

#[test]
fn space_to_depth_becomes_part_of_the_convolution() {
    for seed in 0..ROUNDS as u64 / 2 {
        let mut random = Rng::with_seed(seed);
        let (side, taps) = (random.usize(2..4), random.usize(1..4));
        let (height, width) = (side * random.usize(4..9), side * random.usize(4..40));
        let mut case = Case::new(seed, [1, 3, height, width]);
        let x = case.builder.input();
        let mut parts = Vec::new();
        for phase in 0..side * side {
            let start = [0, 0, phase % side, phase / side];
            let every = |axis: usize, extent: usize| AxisSlice {
                start: start[axis],
                step: side as isize,
                len: extent / side,
            };
            let all = [AxisSlice::all(1), AxisSlice::all(3)];
            let rows = [&all[..], &[every(2, height), AxisSlice::all(width)]].concat();
            let rows = case.push(Operator::Slice(rows), &[x]);
            let columns = [AxisSlice::all(height / side), every(3, width)];
            parts.push(case.push(Operator::Slice([&all[..], &columns].concat()), &[rows]));
        }
        let joined = case.push(Operator::Concat { axis: 1 }, &parts);
        let p = random.usize(0..taps);
        let padding = Padding { top: p, left: p, bottom: p, right: p };
        let stride = [random.usize(1..3); 2];
        let parameters =
            Convolution { padding, stride, ..unit_convolution(1, activation(&mut random)) };
        let y = case.convolution(joined, &[20, 3 * side * side, taps, taps], parameters);
        case.check(vec![y], "first_conv");
    }
}

#[test]
fn depthwise_convolutions() {
    for seed in 0..2 * ROUNDS as u64 {
        let mut random = Rng::with_seed(seed);
        let (mut window, [height, width]) = window(&mut random);
        if random.bool() {
            window.dilation = [1, 1];
        }
        let channels = random.usize(2..50);
        let mut case = Case::new(seed, [1, channels, height, width]);
        let weight = [channels, 1, window.kernel[0], window.kernel[1]];
        let parameters = windowed(&window, channels, activation(&mut random));
        let x = case.builder.input();
        let y = case.convolution(x, &weight, parameters);
        case.check(vec![y], "depthwise");
    }
}

#[test]
fn residuals_are_added_in_the_epilogue() {
    for seed in 0..ROUNDS as u64 {
        let mut random = Rng::with_seed(seed);
        let mut case = Case::new(seed, [1, 3, random.usize(1..9), random.usize(3..30)]);
        let x = case.builder.input();
        let filters = random.usize(1..70);
        let shortcut = case.pointwise(x, filters);
        let groups = if random.bool() { filters } else { 1 };
        // With three rows, Winograd's kernel would be chosen.
        let rows = if groups == filters { 3 } else { 5 };
        let padding = Padding { top: rows / 2, left: 1, bottom: rows / 2, right: 1 };
        let parameters =
            Convolution { padding, ..unit_convolution(groups, activation(&mut random)) };
        let sum = case.convolution(shortcut, &[filters, filters / groups, rows, 3], parameters);
        let mut pair = [sum, shortcut];
        random.shuffle(&mut pair);
        let mut y = case.push(Operator::Binary(Binary::Add), &pair);
        if let Some(function) = activation(&mut random) {
            y = case.push(Operator::Activation(function), &[y]);
        }
        let kernel = if groups == filters { "depthwise" } else { "direct_conv" };
        let Case { builder, mut random } = case;
        let graph = builder.finish(vec![y]);
        check(&graph, kernel, &mut random);
        check_bf16(&graph, kernel, &mut random, 0.1);
        check_is_absent(&graph, "elementwise");
    }
}

/// More taps along an axis than a guard has bits for.
#[test]
fn kernels_longer_than_guards() {
    for seed in 0..ROUNDS as u64 / 4 {
        let mut random = Rng::with_seed(seed);
        let mut case = Case::new(seed, [1, 9, 3, random.usize(20..60)]);
        let x = case.builder.input();
        let blocked = case.pointwise(x, 9);
        let padding = Padding { left: 20, right: 20, ..Padding::default() };
        let parameters = Convolution { padding, ..unit_convolution(1, None) };
        let y = case.convolution(blocked, &[random.usize(1..20), 9, 1, 40], parameters);
        case.check(vec![y], "direct_conv");
    }
}
