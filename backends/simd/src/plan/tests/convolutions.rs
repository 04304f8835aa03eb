//! Convolutions of every kind.

use super::*;

#[test]
fn dense_convolutions() {
    for seed in 0..3 * ROUNDS as u64 {
        let mut random = Rng::with_seed(seed);
        let (window, [height, width]) = window(&mut random);
        let (channels, filters) = (random.usize(5..40), random.usize(1..90));
        let mut case = Case::new(seed, [1, channels, height, width]);
        let weight = [filters, channels, window.kernel[0], window.kernel[1]];
        let parameters = windowed(&window, 1, activation(&mut random));
        let x = case.builder.input();
        let y = case.convolution(x, &weight, parameters);
        let kernel = if window.kernel == [1, 1] { "pointwise" } else { "dense" };
        case.check_rounded(vec![y], kernel);
    }
}

#[test]
fn first_layers() {
    for seed in 0..ROUNDS as u64 {
        let mut random = Rng::with_seed(seed);
        let (window, [height, width]) = window(&mut random);
        let (channels, filters) = (random.usize(1..5), random.usize(1..70));
        let mut case = Case::new(seed, [1, channels, height, width]);
        let weight = [filters, channels, window.kernel[0], window.kernel[1]];
        let parameters = windowed(&window, 1, activation(&mut random));
        let x = case.builder.input();
        let y = case.convolution(x, &weight, parameters);
        case.check(vec![y], "stem");
    }
}

#[test]
fn squares_of_pixels_sorted_into_channels() {
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
        let parameters = Convolution { padding, stride, ..usual(1, activation(&mut random)) };
        let y = case.convolution(joined, &[20, 3 * side * side, taps, taps], parameters);
        case.check(vec![y], "stem");
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
fn residuals_are_added_in_the_store() {
    for seed in 0..ROUNDS as u64 {
        let mut random = Rng::with_seed(seed);
        let mut case = Case::new(seed, [1, 3, random.usize(1..9), random.usize(3..30)]);
        let x = case.builder.input();
        let filters = random.usize(1..70);
        let shortcut = case.pointwise(x, filters);
        let padding = Padding { top: 1, left: 1, bottom: 1, right: 1 };
        let groups = if random.bool() { filters } else { 1 };
        let parameters = Convolution { padding, ..usual(groups, activation(&mut random)) };
        let sum = case.convolution(shortcut, &[filters, filters / groups, 3, 3], parameters);
        let mut pair = [sum, shortcut];
        random.shuffle(&mut pair);
        let mut y = case.push(Operator::Binary(Binary::Add), &pair);
        if let Some(function) = activation(&mut random) {
            y = case.push(Operator::Activation(function), &[y]);
        }
        let kernel = if groups == filters { "depthwise" } else { "dense" };
        case.check(vec![y], kernel);
    }
}
