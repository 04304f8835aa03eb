//! Pools, resizes, elementwise functions and concatenations of feature maps, and where results end
//! up.

use super::*;

#[test]
fn max_pools() {
    for seed in 0..ROUNDS as u64 {
        let mut random = Rng::with_seed(seed);
        let (mut window, [height, width]) = window(&mut random);
        if seed % 3 == 0 {
            window = Window { kernel: [2, 2], dilation: [1, 1], ..window };
            window.padding = Padding { top: seed as usize % 2, ..Padding::default() };
        }
        let mut case = Case::new(seed, [1, 5, height + 2, width + 2]);
        let x = case.builder.input();
        let blocked = case.pointwise(x, random.usize(1..40));
        let y = case.push(Operator::MaxPool(window), &[blocked]);
        case.check(vec![y], "max_pool");
    }
}

#[test]
fn average_pools() {
    for seed in 0..ROUNDS as u64 {
        let mut random = Rng::with_seed(seed);
        let (window, [height, width]) = window(&mut random);
        // The overhang is less than another step.
        let overhang = [0, 1].map(|axis| random.usize(0..window.stride[axis]));
        let count_padding = random.bool();
        let pool = AveragePool { window, count_padding, overhang };
        let mut case = Case::new(seed, [1, 5, height + 2, width + 2]);
        let x = case.builder.input();
        let blocked = case.pointwise(x, random.usize(1..40));
        let y = case.push(Operator::AveragePool(pool), &[blocked]);
        case.check(vec![y], "average_pool");
    }
}

#[test]
fn spatial_means_gate_their_channels() {
    for seed in 0..ROUNDS as u64 {
        let mut random = Rng::with_seed(seed);
        let mut case = Case::new(seed, [1, 3, random.usize(2..9), random.usize(2..30)]);
        let x = case.builder.input();
        let filters = random.usize(1..40);
        let blocked = case.pointwise(x, filters);
        let mean = Reduce { reduction: Reduction::Mean, axes: vec![2, 3], keep_axes: true };
        let mean = case.push(Operator::Reduce(mean), &[blocked]);
        let gate = case.pointwise(mean, filters);
        let function = random.choice([Binary::Add, Binary::Mul]).unwrap();
        let operands = if random.bool() { [blocked, gate] } else { [gate, blocked] };
        let y = case.push(Operator::Binary(function), &operands);
        let Case { builder, mut random } = case;
        let graph = builder.finish(vec![y, mean]);
        check(&graph, "average_pool", &mut random);
        check(&graph, "channelwise", &mut random);
        check_bf16(&graph, "channelwise", &mut random, 0.1);
        let mut case = Case::new(seed, [1, 3, random.usize(2..9), random.usize(2..30)]);
        let x = case.builder.input();
        let blocked = case.pointwise(x, filters);
        let shape = random.choice([vec![1, filters, 1, 1], vec![filters, 1, 1], vec![1]]).unwrap();
        let numbers = case.weights(&shape);
        let function = random.choice([Binary::Add, Binary::Mul, Binary::Sub]).unwrap();
        let y = case.push(Operator::Binary(function), &[blocked, numbers]);
        case.check(vec![y, blocked], "channelwise");
    }
}

#[test]
fn bilinear_resizes() {
    for seed in 0..ROUNDS as u64 {
        let mut random = Rng::with_seed(seed);
        let (height, width) = (random.usize(1..12), random.usize(1..30));
        let size = [random.usize(1..30), random.usize(1..60)];
        let scale = [size[0] as f32 / height as f32, size[1] as f32 / width as f32];
        let all = [
            Coordinates::HalfPixel,
            Coordinates::PytorchHalfPixel,
            Coordinates::Asymmetric,
            Coordinates::AlignCorners,
        ];
        let coordinates = random.choice(all).unwrap();
        let resize = Resize { size, scale, mode: ResizeMode::Linear, coordinates };
        let mut case = Case::new(seed, [1, 3, height, width]);
        let x = case.builder.input();
        let blocked = case.pointwise(x, random.usize(1..40));
        let y = case.push(Operator::Resize(resize), &[blocked]);
        let z = case.pointwise(y, 7);
        case.check(vec![z, y], "bilinear");
    }
}

#[test]
fn nearest_resizes() {
    for seed in 0..ROUNDS as u64 {
        let mut random = Rng::with_seed(seed);
        let (height, width) = (random.usize(1..12), random.usize(1..30));
        let size = [random.usize(1..30), random.usize(1..60)];
        let scale = [size[0] as f32 / height as f32, size[1] as f32 / width as f32];
        let mode = ResizeMode::Nearest(NearestRounding::Floor);
        let resize = Resize { size, scale, mode, coordinates: Coordinates::Asymmetric };
        let mut case = Case::new(seed, [1, 3, height, width]);
        let x = case.builder.input();
        let blocked = case.pointwise(x, random.usize(1..40));
        let y = case.push(Operator::Resize(resize), &[blocked]);
        case.check(vec![y], "nearest");
    }
}

#[test]
fn activations_and_binary_functions() {
    for seed in 0..ROUNDS as u64 {
        let mut random = Rng::with_seed(seed);
        let mut case = Case::new(seed, [1, 3, random.usize(1..9), random.usize(1..30)]);
        let filters = random.usize(1..40);
        let x = case.builder.input();
        let (a, b) = (case.pointwise(x, filters), case.pointwise(x, filters));
        let function = random.choice([Binary::Add, Binary::Sub, Binary::Mul]).unwrap();
        // Both operands are read twice, so that nothing is fused.
        let y = case.push(Operator::Binary(function), &[a, b]);
        let function = activation(&mut random).unwrap_or(Activation::Relu);
        let z = case.push(Operator::Activation(function), &[y]);
        case.check(vec![z, y, a, b], "elementwise");
        let mut case = Case::new(seed, [1, 3, 2, 7]);
        let x = case.builder.input();
        let blocked = case.pointwise(x, filters);
        let y = case.push(Operator::Activation(function), &[blocked]);
        case.check(vec![y, blocked], "activation");
    }
}

#[test]
fn concatenations_in_place_and_not() {
    for seed in 0..ROUNDS as u64 {
        let mut random = Rng::with_seed(seed);
        let mut case = Case::new(seed, [1, 3, random.usize(1..9), random.usize(1..30)]);
        let x = case.builder.input();
        let parts: Vec<ValueId> =
            [16, 48, random.usize(1..40)].map(|filters| case.pointwise(x, filters)).to_vec();
        let whole = case.push(Operator::Concat { axis: 1 }, &parts);
        // A second concatenation of the same values must copy them, and one of both is nested.
        let again = case.push(Operator::Concat { axis: 1 }, &[parts[1], parts[0]]);
        let nested = case.push(Operator::Concat { axis: 1 }, &[again, whole]);
        let y = case.pointwise(nested, 5);
        case.check(vec![y, parts[0]], "copy");
    }
}

#[test]
fn detection_heads_are_unpacked_where_they_end_up() {
    for seed in 0..ROUNDS as u64 {
        let mut random = Rng::with_seed(seed);
        let mut case = Case::new(seed, [1, 3, random.usize(1..9), random.usize(1..30)]);
        let x = case.builder.input();
        let [_, _, height, width] = case.builder.value(x).shape[..] else { unreachable!() };
        let (first, second) = (random.usize(1..20), random.usize(1..20));
        let parts = [case.pointwise(x, first), case.pointwise(x, second)];
        let joined = case.push(Operator::Concat { axis: 1 }, &parts);
        let shape = vec![1, first + second, height * width];
        let flat = case.push(Operator::Reshape { shape }, &[joined]);
        let permutation = vec![0, 2, 1];
        let rows = case.push(Operator::Transpose { permutation }, &[flat]);
        let twice = case.push(Operator::Concat { axis: 1 }, &[rows, rows]);
        let scores = case.push(Operator::Activation(Activation::Sigmoid), &[rows]);
        case.check(vec![twice, scores], "unpack");
    }
}

#[test]
fn slices_of_whole_blocks_are_not_copied() {
    for seed in 0..ROUNDS as u64 / 2 {
        let mut random = Rng::with_seed(seed);
        let mut case = Case::new(seed, [1, 3, random.usize(1..9), random.usize(1..30)]);
        let x = case.builder.input();
        let whole = case.pointwise(x, 40);
        let shape = case.builder.value(whole).shape.clone();
        let slice = |start: usize, len: usize| {
            let channels = AxisSlice { start, step: 1, len };
            let all = |axis: usize| AxisSlice::all(shape[axis]);
            Operator::Slice(vec![all(0), channels, all(2), all(3)])
        };
        let first = case.push(slice(0, 16), &[whole]);
        let second = case.push(slice(16, random.usize(1..24)), &[whole]);
        let deeper = case.pointwise(second, 16);
        let joined = case.push(Operator::Concat { axis: 1 }, &[first, deeper, second]);
        let y = case.pointwise(joined, 7);
        case.check(vec![y, second], "copy");
    }
}

#[test]
fn channels_are_gathered_from_where_they_were_computed() {
    for seed in 0..ROUNDS as u64 {
        let mut random = Rng::with_seed(seed);
        let (height, width) = (random.usize(1..9), random.usize(1..30));
        let mut case = Case::new(seed, [1, 3, height, width]);
        let x = case.builder.input();
        let (groups, own) = (random.usize(2..4), random.usize(2..30));
        let channels = groups * own;
        let first = random.usize(1..channels);
        let parts = [case.pointwise(x, first), case.pointwise(x, channels - first)];
        let joined = case.push(Operator::Concat { axis: 1 }, &parts);
        let shape = vec![1, groups, own, height, width];
        let apart = case.push(Operator::Reshape { shape }, &[joined]);
        let turned = case.push(Operator::Transpose { permutation: vec![0, 2, 1, 3, 4] }, &[apart]);
        let shape = vec![1, channels, height, width];
        let shuffled = case.push(Operator::Reshape { shape }, &[turned]);
        let mut slice = |start: usize, step: isize, len: usize| {
            let channels = AxisSlice { start, step, len };
            let all = [AxisSlice::all(1), channels, AxisSlice::all(height), AxisSlice::all(width)];
            case.push(Operator::Slice(all.to_vec()), &[shuffled])
        };
        let cut = slice(random.usize(0..channels / 2), 1, channels / 2);
        let backwards = slice(channels - 1, -1, channels);
        let again = case.push(Operator::Concat { axis: 1 }, &[backwards, cut]);
        let y = case.pointwise(again, 5);
        let z = case.pointwise(cut, channels / 2);
        let z = case.push(Operator::Binary(Binary::Add), &[cut, z]);
        // Perhaps also read row-major.
        let outputs = if random.bool() { vec![y, z, cut] } else { vec![y, z] };
        case.check(outputs, "gather_channels");
    }
}

#[test]
fn groups_of_shuffled_channels_are_gathered() {
    for seed in 0..ROUNDS as u64 {
        let mut random = Rng::with_seed(seed);
        let (height, width) = (random.usize(1..9), random.usize(1..30));
        let mut case = Case::new(seed, [1, 3, height, width]);
        let x = case.builder.input();
        let (groups, own) = (random.usize(2..4), random.usize(2..30));
        let whole = case.pointwise(x, groups * own);
        let shape = vec![own, groups, height * width];
        let apart = case.push(Operator::Reshape { shape }, &[whole]);
        let turned = case.push(Operator::Transpose { permutation: vec![1, 0, 2] }, &[apart]);
        let shape = vec![groups, 1, own, height, width];
        let divided = case.push(Operator::Reshape { shape }, &[turned]);
        let outputs = (0..groups).map(|group| {
            let index = HostTensor::from_i64([], vec![group as i64]);
            let index = case.builder.constant("group", index);
            let group = case.push(Operator::Gather { axis: 0 }, &[divided, index]);
            case.pointwise(group, 5)
        });
        let outputs = outputs.collect();
        case.check(outputs, "gather_channels");
    }
}

#[test]
fn feature_maps_are_surrounded() {
    for seed in 0..ROUNDS as u64 {
        let mut random = Rng::with_seed(seed);
        let mut case = Case::new(seed, [1, 3, random.usize(1..9), random.usize(1..30)]);
        let x = case.builder.input();
        let blocked = case.pointwise(x, random.usize(1..40));
        let mut sides = || vec![0, 0, random.usize(0..4), random.usize(0..4)];
        let (before, after) = (sides(), sides());
        let pad = Pad { before, after, mode: PadMode::Constant(random.f32()) };
        let y = case.push(Operator::Pad(pad), &[blocked]);
        let z = case.pointwise(y, 9);
        case.check(vec![y, z], "pad");
    }
}
