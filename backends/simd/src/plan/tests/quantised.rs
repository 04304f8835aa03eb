//! Convolutions and other functions of bytes. Scales are powers of two here, so that the scalar operators are exact and a
//! result that is one step off fails.

use super::*;

/// A quantised tensor: its numbers, how they are made, and what they stand for.
#[derive(Clone, Copy)]
struct Quantised {
    numbers: ValueId,
    stands_for: ValueId,
}

impl Case {
    /// Quantises by a random power of two and a random zero point, to unsigned or signed bytes.
    fn quantised(&mut self, x: ValueId) -> Quantised {
        let (quantize, dequantize) = self.pair();
        let numbers = self.push(Operator::Activation(quantize), &[x]);
        let stands_for = self.push(Operator::Activation(dequantize), &[numbers]);
        Quantised { numbers, stands_for }
    }

    fn pair(&mut self) -> (Activation, Activation) {
        let scale = [0.015625, 0.03125, 0.0625][self.random.usize(0..3)];
        let min = if self.random.bool() { 0.0 } else { -128.0 };
        let max = min + 255.0;
        let zero = min + self.random.usize(90..160) as f32;
        (Activation::Quantize { scale, zero, min, max }, Activation::Dequantize { scale, zero })
    }

    /// A convolution with weights that are whole multiples of a power of two per filter, signed bytes.
    fn integer_convolution(
        &mut self,
        x: ValueId,
        weight: &[usize],
        parameters: Convolution,
    ) -> ValueId {
        self.convolution_of_integers(x, weight, 127, parameters)
    }

    /// The same with weights of up to a `largest` one, which need not be bytes.
    fn convolution_of_integers(
        &mut self,
        x: ValueId,
        weight: &[usize],
        largest: i32,
        parameters: Convolution,
    ) -> ValueId {
        let len: usize = weight[1..].iter().product();
        let elements: Vec<f32> = (0..weight[0])
            .flat_map(|_| {
                let step = [0.0009765625, 0.001953125][self.random.usize(0..2)];
                (0..len)
                    .map(|_| self.random.i32(-largest..=largest) as f32 * step)
                    .collect::<Vec<_>>()
            })
            .collect();
        let mut inputs =
            vec![x, self.builder.constant("w", HostTensor::from_f32(weight, elements))];
        if self.random.bool() {
            inputs.push(self.weights(&weight[..1]));
        }
        self.push(Operator::Convolution(parameters), &inputs)
    }

    fn check_bytes(self, outputs: Vec<ValueId>, kernels: &[&str], absent: &[&str]) {
        let Self { builder, mut random } = self;
        let graph = builder.finish(outputs);
        for kernel in kernels {
            check(&graph, kernel, &mut random);
        }
        absent.iter().for_each(|kernel| check_is_absent(&graph, kernel));
    }
}

/// An activation whose scalar result in `f32` has no rounding that could differ.
fn exact_activation(random: &mut Rng) -> Option<Activation> {
    let all = [
        Activation::Relu,
        Activation::Clip { min: -0.5, max: 1.5 },
        Activation::LeakyRelu { slope: 0.25 },
    ];
    random.choice(all).filter(|_| random.bool())
}

#[test]
fn convolutions_of_bytes() {
    for seed in 0..4 * ROUNDS as u64 {
        let mut random = Rng::with_seed(seed);
        let (mut window, [height, width]) = window(&mut random);
        if random.bool() {
            window.stride = [1, 1];
        }
        if window.kernel == [3, 3] {
            // Otherwise Winograd's kernel could be chosen.
            window.stride[0] = 2;
        }
        let (channels, filters) = (random.usize(1..40), random.usize(1..90));
        let mut case = Case::new(seed, [1, channels, height, width]);
        let x = case.builder.input();
        let x = case.quantised(x);
        let weight = [filters, channels, window.kernel[0], window.kernel[1]];
        let parameters = windowed(&window, 1, exact_activation(&mut random));
        let largest = if random.bool() { 127 } else { 255 };
        let y = case.convolution_of_integers(x.stands_for, &weight, largest, parameters);
        let outputs = match random.usize(0..3) {
            0 => vec![y],
            1 => vec![case.quantised(y).numbers],
            _ => {
                let y = case.quantised(y);
                vec![y.stands_for, y.numbers]
            }
        };
        let kernel = if channels == 1 && filters == 1 { "quantised" } else { "quantised_conv" };
        if kernel == "quantised_conv" {
            case.check_bytes(outputs, &[kernel], &["direct_conv", "pointwise", "first_conv"]);
        }
    }
}

#[test]
fn winograd_convolutions_of_bytes() {
    for seed in 0..2 * ROUNDS as u64 {
        let mut random = Rng::with_seed(seed);
        let (height, width) = (random.usize(1..30), random.usize(1..60));
        let mut side = || random.usize(0..4);
        let padding = Padding { top: side(), left: side(), bottom: side() + 2, right: side() + 2 };
        let (channels, filters) = (random.usize(16..70), random.usize(16..90));
        let mut case = Case::new(seed, [1, channels, height, width]);
        let x = case.builder.input();
        let x = case.quantised(x);
        let parameters =
            Convolution { padding, ..unit_convolution(1, exact_activation(&mut random)) };
        // Weights that are bytes are multiplied directly where they can be.
        let weight = [filters, channels, 3, 3];
        let y = case.convolution_of_integers(x.stands_for, &weight, 255, parameters);
        let y = if random.bool() { case.quantised(y).numbers } else { y };
        case.check_bytes(vec![y], &["quantised_winograd"], &["winograd", "quantised_conv"]);
    }
}

#[test]
fn depthwise_convolutions_of_bytes() {
    for seed in 0..2 * ROUNDS as u64 {
        let mut random = Rng::with_seed(seed);
        let (mut window, [height, mut width]) = window(&mut random);
        if random.bool() {
            window.kernel[1] += 4;
            width += 4 * window.dilation[1];
        }
        let channels = random.usize(2..50);
        let mut case = Case::new(seed, [1, channels, height, width]);
        let x = case.builder.input();
        let x = case.quantised(x);
        let weight = [channels, 1, window.kernel[0], window.kernel[1]];
        let parameters = windowed(&window, channels, exact_activation(&mut random));
        let largest = if random.bool() { 127 } else { 255 };
        let y = case.convolution_of_integers(x.stands_for, &weight, largest, parameters);
        let y = case.quantised(y);
        case.check_bytes(vec![y.numbers], &["quantised_depthwise"], &["depthwise"]);
    }
}

#[test]
fn a_table_follows_a_convolution() {
    for seed in 0..ROUNDS as u64 {
        let mut random = Rng::with_seed(seed);
        let channels = random.usize(2..20);
        let mut case = Case::new(seed, [1, channels, random.usize(1..9), random.usize(1..30)]);
        let x = case.builder.input();
        let x = case.quantised(x);
        let y = case.integer_convolution(
            x.stands_for,
            &[random.usize(2..40), channels, 1, 1],
            unit_convolution(1, None),
        );
        let y = case.quantised(y);
        // As files write SiLU.
        let gate = case.push(Operator::Activation(Activation::Sigmoid), &[y.stands_for]);
        let gate = case.quantised(gate);
        let z = case.push(Operator::Binary(Binary::Mul), &[y.stands_for, gate.stands_for]);
        let z = case.quantised(z);
        // Whatever else reads the first map, the table is a step of its own.
        if random.bool() {
            case.check_bytes(vec![z.numbers], &["quantised_conv"], &["map_bytes"]);
        } else {
            case.check_bytes(vec![z.numbers, y.numbers], &["quantised_conv", "map_bytes"], &[]);
        }
    }
}

#[test]
fn sums_and_products_of_bytes() {
    for seed in 0..ROUNDS as u64 {
        let mut random = Rng::with_seed(seed);
        let channels = random.usize(2..20);
        let mut case = Case::new(seed, [1, channels, random.usize(1..9), random.usize(1..30)]);
        let x = case.builder.input();
        let (a, b) = (case.quantised(x), case.quantised(x));
        let filters = random.usize(2..40);
        let mut branch = |x: Quantised| {
            let weight = [filters, channels, 1, 1];
            let y = case.integer_convolution(x.stands_for, &weight, unit_convolution(1, None));
            case.quantised(y)
        };
        let (a, b) = (branch(a), branch(b));
        let function = if random.bool() { Binary::Add } else { Binary::Mul };
        let mut y = case.push(Operator::Binary(function), &[a.stands_for, b.stands_for]);
        if random.bool() {
            y = case.push(Operator::Activation(Activation::Relu), &[y]);
        }
        let y = case.quantised(y);
        case.check_bytes(vec![y.numbers], &["combine_bytes"], &["elementwise"]);
    }
}

#[test]
fn bytes_are_moved_and_pooled() {
    for seed in 0..2 * ROUNDS as u64 {
        let mut random = Rng::with_seed(seed);
        let (window, [height, width]) = window(&mut random);
        let channels = random.usize(2..20);
        let mut case = Case::new(seed, [1, channels, height, width]);
        let x = case.builder.input();
        let x = case.quantised(x);
        let (quantize, _) = case.pair();
        let mut branch = |filters: usize| {
            let weight = [filters, channels, 1, 1];
            let y = case.integer_convolution(x.stands_for, &weight, unit_convolution(1, None));
            case.push(Operator::Activation(quantize), &[y])
        };
        let (a, b) = (branch(16 * random.usize(1..3)), branch(random.usize(2..40)));
        let joined = case.push(Operator::Concat { axis: 1 }, &[a, b]);
        let (y, kernel) = if random.bool() {
            (case.push(Operator::MaxPool(window), &[joined]), "max_pool")
        } else {
            let resize = Resize {
                size: [height + random.usize(0..9), width + random.usize(0..9)],
                scale: [2.0, 2.0],
                mode: ResizeMode::Nearest(NearestRounding::Floor),
                coordinates: Coordinates::Asymmetric,
            };
            (case.push(Operator::Resize(resize), &[joined]), "nearest")
        };
        let outputs = match random.usize(0..3) {
            0 => vec![y],
            1 => vec![y, joined],
            _ => vec![y, a],
        };
        case.check_bytes(outputs, &[kernel, "quantised_conv"], &["copy"]);
    }
}

#[test]
fn what_has_no_kernel_for_bytes_reads_numbers() {
    for seed in 0..ROUNDS as u64 {
        let mut random = Rng::with_seed(seed);
        let channels = random.usize(2..20);
        let mut case = Case::new(seed, [1, channels, random.usize(2..9), random.usize(2..30)]);
        let x = case.builder.input();
        let x = case.quantised(x);
        let filters = random.usize(2..40);
        let weight = [filters, channels, 1, 1];
        let y = case.integer_convolution(x.stands_for, &weight, unit_convolution(1, None));
        let y = case.quantised(y);
        // Groups have no kernel; weights that are multiples of nothing have none either.
        let two = [2 * filters, filters, 1, 1];
        let both = case.push(Operator::Concat { axis: 1 }, &[y.stands_for, y.stands_for]);
        let grouped = case.integer_convolution(both, &two, unit_convolution(2, None));
        let other = case.quantised(grouped);
        let sum = case.push(Operator::Activation(Activation::HardSwish), &[other.stands_for]);
        case.check_bytes(vec![sum, y.numbers], &["quantised_conv"], &[]);
    }
}

#[test]
fn a_convolution_of_numbers_stores_bytes() {
    for seed in 0..ROUNDS as u64 {
        let mut random = Rng::with_seed(seed);
        let (mut window, [height, width]) = window(&mut random);
        if window.kernel == [3, 3] {
            // Otherwise Winograd's kernel could be chosen.
            window.stride[0] = 2;
        }
        let (channels, filters) = (random.usize(1..4), random.usize(8..40));
        let mut case = Case::new(seed, [1, channels, height, width]);
        let x = case.builder.input();
        let weight = [filters, channels, window.kernel[0], window.kernel[1]];
        let y = case.convolution(x, &weight, windowed(&window, 1, exact_activation(&mut random)));
        let y = case.quantised(y);
        let graph = case.builder.finish(vec![y.numbers]);
        // Few enough significant bits that sums are exact in any order.
        let image: Vec<f32> =
            (0..channels * height * width).map(|_| random.i32(-64..64) as f32 / 32.0).collect();
        let levels = Level::available().into_iter().filter(|level| level.has(Precision::F32));
        let levels = levels.map(|level| (level, Precision::F32));
        compare(&graph, "first_conv", &mut random, &image, levels, 2e-5);
        check_is_absent(&graph, "quantise");
    }
}

#[test]
fn products_with_a_constant_are_convolutions_of_bytes() {
    for seed in 0..2 * ROUNDS as u64 {
        let mut random = Rng::with_seed(seed);
        let (rows, inner, columns) =
            (random.usize(1..40), random.usize(2..70), random.usize(2..90));
        let rows = if random.bool() { rows } else { 1 };
        let mut case = Case::new(seed, [1, rows, inner, 1]);
        let x = case.builder.input();
        let shape = if random.bool() { vec![rows, inner] } else { vec![1, rows, inner] };
        let x = case.push(Operator::Reshape { shape }, &[x]);
        let mut x = case.quantised(x);
        if random.bool() {
            // Rows that are quantised in another shape.
            let shape = case.builder.value(x.stands_for).shape.clone();
            x.stands_for =
                case.push(Operator::Reshape { shape: vec![rows * inner] }, &[x.stands_for]);
            x.stands_for = case.push(Operator::Reshape { shape }, &[x.stands_for]);
        }
        let mut product = |case: &mut Case| {
            let elements: Vec<f32> = (0..inner * columns)
                .map(|_| case.random.i32(-127..=127) as f32 * 0.0009765625)
                .collect();
            let weights = HostTensor::from_f32([inner, columns], elements);
            let weights = case.builder.constant("w", weights);
            let y = case.push(Operator::MatMul, &[x.stands_for, weights]);
            if random.bool() {
                return y;
            }
            let row = if random.bool() { vec![columns] } else { vec![1, columns] };
            let bias = case.weights(&row);
            case.push(Operator::Binary(Binary::Add), &[bias, y])
        };
        // Both read the same rows.
        let (a, b) = (product(&mut case), product(&mut case));
        let b = if seed.is_multiple_of(2) { case.quantised(b).numbers } else { b };
        let Case { builder, mut random } = case;
        let graph = builder.finish(vec![a, b]);
        let image: Vec<f32> =
            (0..rows * inner).map(|_| random.i32(-64..64) as f32 / 32.0).collect();
        for level in Level::available().into_iter().filter(|level| level.has(Precision::F32)) {
            let kernel = if level.multiplies_bytes() { "quantised_conv" } else { "matmul" };
            let levels = [(level, Precision::F32)].into_iter();
            compare(&graph, kernel, &mut random, &image, levels, 2e-5);
        }
    }
}
