//! Kernels on row-major tensors.

use super::*;

#[test]
fn elementwise_functions_and_softmax() {
    for seed in 0..ROUNDS as u64 {
        let mut random = Rng::with_seed(seed);
        let shape = [1, random.usize(1..5), random.usize(4..9), random.usize(16..90)];
        let mut case = Case::new(seed, shape);
        let x = case.builder.input();
        let function = activation(&mut random).unwrap_or(Activation::Silu);
        let y = case.push(Operator::Activation(function), &[x]);
        case.check(vec![y], "activation");
        let mut case = Case::new(seed, shape);
        let x = case.builder.input();
        let y = case.push(Operator::Binary(Binary::Mul), &[x, x]);
        case.check(vec![y], "elementwise");
        let mut case = Case::new(seed, shape);
        let x = case.builder.input();
        let axis = random.usize(1..4);
        let y = case.push(Operator::Softmax { axis }, &[x]);
        case.check(vec![y], "softmax");
        let mut case = Case::new(seed, shape);
        let x = case.builder.input();
        let number = case.weights(&[1]);
        let operands = if random.bool() { [x, number] } else { [number, x] };
        let y = case.push(Operator::Binary(Binary::Mul), &operands);
        case.check(vec![y], "elementwise");
    }
}

#[test]
fn overlapping_boxes_are_left_out() {
    for seed in 0..ROUNDS as u64 {
        let mut random = Rng::with_seed(seed);
        let (boxes, classes) = (random.usize(1..200), random.usize(1..4));
        let mut case = Case::new(seed, [1, 1, boxes, 4 + classes]);
        let x = case.builder.input();
        let columns = |start: usize, len: usize| {
            let own = AxisSlice { start, step: 1, len };
            Operator::Slice(vec![AxisSlice::all(1), AxisSlice::all(1), AxisSlice::all(boxes), own])
        };
        let corners = case.push(columns(0, 4), &[x]);
        let corners = case.push(Operator::Reshape { shape: vec![1, boxes, 4] }, &[corners]);
        let scores = case.push(columns(4, classes), &[x]);
        let scores = case.push(Operator::Reshape { shape: vec![1, boxes, classes] }, &[scores]);
        let scores = case.push(Operator::Transpose { permutation: vec![0, 2, 1] }, &[scores]);
        let parameters = NonMaxSuppression {
            iou_threshold: random.f32() * 0.9,
            score_threshold: -1.0,
            most: random.usize(1..250),
            centred: random.bool(),
        };
        let operator = Operator::NonMaxSuppression(parameters);
        let y = case.push(operator, &[corners, scores]);
        let y = case.push(Operator::Cast(ElementType::F32), &[y]);
        case.check(vec![y], "suppress");
    }
}

/// Comparisons and choices between broadcast operands.
#[test]
fn comparisons_and_choices() {
    let functions =
        [Binary::Equal, Binary::Less, Binary::LessOrEqual, Binary::Greater, Binary::GreaterOrEqual];
    for seed in 0..2 * ROUNDS as u64 {
        let mut random = Rng::with_seed(seed);
        let shape = [1, random.usize(1..5), random.usize(1..9), random.usize(1..90)];
        let mut case = Case::new(seed, shape);
        let x = case.builder.input();
        let kept = |random: &mut Rng| shape.map(|extent| if random.bool() { extent } else { 1 });
        let [a, b, c] = [(); 3].map(|()| kept(&mut random)).map(|shape| case.weights(&shape));
        let function = functions[random.usize(0..functions.len())];
        let holds = case.push(Operator::Binary(function), &[x, a]);
        let operands = match random.usize(0..3) {
            0 => [holds, x, b],
            1 => [holds, b, x],
            _ => [holds, b, c],
        };
        let y = case.push(Operator::Where, &operands);
        case.check(vec![y], "elementwise");
    }
}

/// A convolution by patches, read as a transformer does.
#[test]
fn patches_are_rows_of_a_product() {
    for seed in 0..ROUNDS as u64 {
        let mut random = Rng::with_seed(seed);
        let [rows, columns] = [(); 2].map(|()| random.usize(4..9));
        let [down, across] = [(); 2].map(|()| random.usize(1..6));
        let channels = random.usize(1..4);
        let mut case = Case::new(seed, [1, channels, rows * down, columns * across]);
        let parameters =
            Convolution { stride: [rows, columns], ..unit_convolution(1, activation(&mut random)) };
        let filters = random.usize(1..40);
        let x = case.builder.input();
        let y = case.convolution(x, &[filters, channels, rows, columns], parameters);
        let shape = vec![1, filters, down * across];
        let y = case.push(Operator::Reshape { shape }, &[y]);
        let y = case.push(Operator::Transpose { permutation: vec![0, 2, 1] }, &[y]);
        case.check_absent_and_equal(y, "first_conv", "matmul");
    }
}

#[test]
fn samples_at_the_positions_of_a_grid() {
    let paddings = [SamplePadding::Zeros, SamplePadding::Border, SamplePadding::Reflection];
    for seed in 0..ROUNDS as u64 {
        let mut random = Rng::with_seed(seed);
        let [height, width] = [(); 2].map(|()| random.usize(1..12));
        let channels = random.usize(1..40);
        let mut case = Case::new(seed, [1, channels, height, width]);
        let x = case.builder.input();
        let points = random.usize(1..80);
        let grid = case.weights(&[1, points, 1, 2]);
        let two = case.builder.constant("two", HostTensor::from_f32([], vec![1.3]));
        let grid = case.push(Operator::Binary(Binary::Mul), &[grid, two]);
        let padding = paddings[random.usize(0..3)];
        let sample = GridSample { mode: SampleMode::Linear, padding, align_corners: random.bool() };
        let y = case.push(Operator::GridSample(sample), &[x, grid]);
        case.check(vec![y], "grid_sample");
    }
}

#[test]
fn means_in_the_bins_of_regions() {
    for seed in 0..ROUNDS as u64 {
        let mut random = Rng::with_seed(seed);
        let [channels, height, width] = [(); 3].map(|()| random.usize(1..20));
        let mut case = Case::new(seed, [1, channels, height, width]);
        let x = case.builder.input();
        let regions = random.usize(1..6);
        // Some beside the feature map, or with their corners in the other order.
        let corners = (0..regions * 4).map(|_| random.f32() * 30.0 - 5.0).collect();
        let corners = HostTensor::from_f32([regions, 4], corners);
        let corners = case.builder.constant("regions", corners);
        let images = HostTensor::from_i64([regions], vec![0; regions]);
        let images = case.builder.constant("images", images);
        let parameters = RoiAlign {
            size: [random.usize(1..5), random.usize(1..5)],
            scale: random.f32() + 0.25,
            // As many as it takes, or up to more than are summed up at a time.
            samples: random.usize(0..6),
            half_pixel: random.bool(),
            pooling: RoiPooling::Mean,
        };
        let y = case.push(Operator::RoiAlign(parameters), &[x, corners, images]);
        case.check(vec![y], "roi_align");
    }
}

/// A constant per channel after a transpose becomes part of the product before it.
#[test]
fn scales_after_a_transpose() {
    for seed in 0..ROUNDS as u64 {
        let mut random = Rng::with_seed(seed);
        let [rows, columns, inner, filters] = [(); 4].map(|()| random.usize(2..20));
        let mut case = Case::new(seed, [1, rows, columns, inner]);
        let x = case.builder.input();
        let weights = case.weights(&[inner, filters]);
        let y = case.push(Operator::MatMul, &[x, weights]);
        let y = case.push(Operator::Transpose { permutation: vec![0, 3, 1, 2] }, &[y]);
        let scale = case.weights(&[filters, 1, 1]);
        let y = case.push(Operator::Binary(Binary::Mul), &[scale, y]);
        let y = case.pointwise(y, random.usize(1..20));
        case.check_absent_and_equal(y, "elementwise", "matmul");
    }
}

#[test]
fn joined_tensors() {
    for seed in 0..ROUNDS as u64 {
        let mut random = Rng::with_seed(seed);
        let shape = [1, random.usize(1..5), random.usize(1..9), random.usize(1..40)];
        let mut case = Case::new(seed, shape);
        let x = case.builder.input();
        let axis = random.usize(0..4);
        let reversed = shape.map(|len| AxisSlice { start: len - 1, step: -1, len });
        let y = case.push(Operator::Slice(reversed.to_vec()), &[x]);
        let z = case.push(Operator::Concat { axis }, &[x, y, x]);
        case.check(vec![z], "strided_copy");
    }
}

#[test]
fn transposes_and_slices() {
    for seed in 0..2 * ROUNDS as u64 {
        let mut random = Rng::with_seed(seed);
        let mut extent = || random.usize(3..9);
        let shape = [1, extent(), extent(), 3 * extent()];
        let mut case = Case::new(seed, shape);
        let x = case.builder.input();
        let mut permutation = vec![0, 1, 2, 3];
        // Moving an axis of one element alone changes nothing.
        while permutation.iter().filter(|axis| **axis != 0).is_sorted() {
            random.shuffle(&mut permutation);
        }
        let y = case.push(Operator::Transpose { permutation }, &[x]);
        case.check(vec![y], "strided_copy");
        let mut case = Case::new(seed, shape);
        let x = case.builder.input();
        let mut slice = |extent: usize| {
            let len = random.usize(extent / 2 + 1..=extent);
            let start = random.usize(0..=extent - len);
            match random.bool() {
                true => AxisSlice { start, step: 1, len },
                false => AxisSlice { start: start + len - 1, step: -1, len },
            }
        };
        let slices =
            shape.map(|extent| if extent == 1 { AxisSlice::all(1) } else { slice(extent) });
        let is_whole = slices.iter().zip(shape).all(|(slice, extent)| slice.is_all(extent));
        let y = case.push(Operator::Slice(slices.to_vec()), &[x]);
        case.check(vec![y], if is_whole { "scalar" } else { "strided_copy" });
    }
}

#[test]
fn matrix_products() {
    for seed in 0..2 * ROUNDS as u64 {
        let mut random = Rng::with_seed(seed);
        let (stack, rows, inner) = (random.usize(1..4), random.usize(1..40), random.usize(1..600));
        let mut case = Case::new(seed, [1, stack, rows, inner]);
        let x = case.builder.input();
        let columns = random.usize(1..90);
        // A matrix per matrix of the stack, one for all, or the stack itself.
        let operands = match random.usize(0..3) {
            0 => [x, case.weights(&[stack, inner, columns])],
            1 => [x, case.weights(&[inner, columns])],
            _ => [case.push(Operator::Transpose { permutation: vec![0, 1, 3, 2] }, &[x]), x],
        };
        let y = case.push(Operator::MatMul, &operands);
        case.check(vec![y], "matmul");
    }
}

/// Factors, a bias, an activation and a residual, past a reshape, become part of the product.
#[test]
fn what_follows_a_matrix_product() {
    for seed in 0..2 * ROUNDS as u64 {
        let mut random = Rng::with_seed(seed);
        let (rows, inner) = (random.usize(1..40), random.usize(1..40));
        let mut case = Case::new(seed, [1, 1, rows, inner]);
        let x = case.builder.input();
        let columns = if random.bool() { inner } else { random.usize(2..60) };
        let weights = case.weights(&[inner, columns]);
        let shape = vec![1, rows, 1, columns];
        let reshape = Operator::Reshape { shape };
        let residual = (columns == inner).then(|| case.push(reshape.clone(), &[x]));
        let mut y = case.push(Operator::MatMul, &[x, weights]);
        if random.bool() {
            let factors = case.weights(&[columns]);
            y = case.push(Operator::Binary(Binary::Mul), &[y, factors]);
        }
        if random.bool() {
            let bias = case.weights(&[1, columns]);
            y = case.push(Operator::Binary(Binary::Add), &[bias, y]);
        }
        if let Some(function) = activation(&mut random) {
            y = case.push(Operator::Activation(function), &[y]);
        }
        y = case.push(reshape, &[y]);
        if let Some(residual) = residual {
            y = case.push(Operator::Binary(Binary::Add), &[residual, y]);
        }
        case.check_absent_and_equal(y, "elementwise", "matmul");
    }
}

/// Heads of queries, keys and values from one tensor, written in the ways in which exporters do.
#[test]
fn attention() {
    for seed in 0..2 * ROUNDS as u64 {
        let mut random = Rng::with_seed(seed);
        let (heads, len) = (random.usize(1..5), random.usize(1..20));
        let rows = if seed % 10 == 0 { random.usize(100..300) } else { random.usize(2..60) };
        let mut case = Case::new(seed, [1, rows, 3, heads * len]);
        let x = case.builder.input();
        let shape = vec![1, rows, 3, heads, len];
        let apart = case.push(Operator::Reshape { shape }, &[x]);
        let permutation = vec![2, 0, 3, 1, 4];
        let apart = case.push(Operator::Transpose { permutation }, &[apart]);
        let part = |case: &mut Case, index: i64| {
            let index = HostTensor::from_i64([], vec![index]);
            let index = case.builder.constant("index", index);
            case.push(Operator::Gather { axis: 0 }, &[apart, index])
        };
        let [mut queries, keys, values] = [0, 1, 2].map(|index| part(&mut case, index));
        let swapped = || Operator::Transpose { permutation: vec![0, 1, 3, 2] };
        let keys = case.push(swapped(), &[keys]);
        let scale = case.weights(&[]);
        let scales_first = random.bool();
        if scales_first {
            queries = case.push(Operator::Binary(Binary::Mul), &[queries, scale]);
        }
        let mut scores = case.push(Operator::MatMul, &[queries, keys]);
        if !scales_first {
            scores = case.push(Operator::Binary(Binary::Mul), &[scores, scale]);
        }
        let masks: [&[usize]; 3] = [&[1, heads, rows, rows], &[rows, rows], &[1, 1, 1, rows]];
        if let Some(shape) = masks.get(random.usize(0..5)) {
            let mask = case.weights(shape);
            scores = case.push(Operator::Binary(Binary::Add), &[scores, mask]);
        }
        let weights = case.push(Operator::Softmax { axis: 3 }, &[scores]);
        let product = if random.bool() {
            case.push(Operator::MatMul, &[weights, values])
        } else {
            let [weights, values] = [weights, values].map(|id| case.push(swapped(), &[id]));
            case.push(Operator::MatMul, &[values, weights])
        };
        let y = if random.bool() && case.builder.value(product).shape[2] == rows {
            let permutation = vec![0, 2, 1, 3];
            let together = case.push(Operator::Transpose { permutation }, &[product]);
            let len: usize = case.builder.value(product).shape.iter().product();
            let shape = vec![1, rows, len / rows];
            case.push(Operator::Reshape { shape }, &[together])
        } else {
            product
        };
        case.check_absent_and_equal(y, "softmax", "attention");
    }
}

#[test]
fn functions_of_broadcast_and_reordered_operands() {
    let functions =
        [Binary::Add, Binary::Sub, Binary::Mul, Binary::Div, Binary::Pow, Binary::Max, Binary::Min];
    for seed in 0..4 * ROUNDS as u64 {
        let mut random = Rng::with_seed(seed);
        let shape = [1, random.usize(1..5), random.usize(1..9), random.usize(1..90)];
        let mut case = Case::new(seed, shape);
        let x = case.builder.input();
        let function = functions[random.usize(0..functions.len())];
        let a = match random.usize(0..3) {
            0 => x,
            1 => case.push(Operator::Transpose { permutation: vec![0, 2, 3, 1] }, &[x]),
            _ => {
                let slices = shape.map(|len| AxisSlice { start: len - 1, step: -1, len });
                case.push(Operator::Slice(slices.to_vec()), &[x])
            }
        };
        let kept: Vec<usize> = case.builder.value(a).shape.clone();
        let kept: Vec<usize> =
            kept.into_iter().map(|extent| if random.bool() { extent } else { 1 }).collect();
        // Positive, so that neither division nor powers make anything infinite.
        let len = kept.iter().product();
        let numbers = (0..len).map(|_| random.f32() + 0.5).collect();
        let b = case.builder.constant("b", HostTensor::from_f32(kept, numbers));
        let operands = match function {
            Binary::Pow => [case.push(Operator::Unary(Unary::Abs), &[a]), b],
            _ if random.bool() && function != Binary::Div => [b, a],
            _ => [a, b],
        };
        let y = case.push(Operator::Binary(function), &operands);
        case.check(vec![y], "elementwise");
    }
}

#[test]
fn functions_of_one_element() {
    use Unary::{Abs, Atan, Ceil, Cos, Erf, Exp, Floor, Log, Neg, Reciprocal, Round, Sin, Sqrt};
    for function in [Abs, Neg, Exp, Log, Sqrt, Reciprocal, Floor, Ceil, Round, Sin, Cos, Atan, Erf]
    {
        let mut case = Case::new(7, [1, 3, 5, 19]);
        let x = case.builder.input();
        let two = case.builder.constant("two", HostTensor::from_f32([], vec![2.5]));
        // Away from 0, where logarithms and reciprocals are not.
        let x = case.push(Operator::Binary(Binary::Add), &[x, two]);
        let y = case.push(Operator::Unary(function), &[x]);
        case.check(vec![y], "unary");
    }
}

#[test]
fn reductions_and_layer_normalisation() {
    let reductions =
        [Reduction::Sum, Reduction::Mean, Reduction::Max, Reduction::Min, Reduction::Product];
    for seed in 0..2 * ROUNDS as u64 {
        let mut random = Rng::with_seed(seed);
        let shape = [1, random.usize(1..5), random.usize(1..9), random.usize(1..150)];
        let mut case = Case::new(seed, shape);
        let x = case.builder.input();
        let first = random.usize(0..4);
        let axes: Vec<usize> = (first..random.usize(first + 1..5)).collect();
        let count: usize = axes.iter().map(|axis| shape[*axis]).product();
        let reduction = reductions[random.usize(0..if count > 20 { 4 } else { 5 })];
        let reduce = Reduce { reduction, axes, keep_axes: random.bool() };
        let y = case.push(Operator::Reduce(reduce), &[x]);
        case.check(vec![y], "reduce");
        let mut case = Case::new(seed, shape);
        let x = case.builder.input();
        let axis = random.usize(1..4);
        let [scale, bias] = [(); 2].map(|()| case.weights(&shape[axis..]));
        let operator = Operator::LayerNormalization { axis, epsilon: 0.01 };
        let y = case.push(operator, &[x, scale, bias]);
        case.check(vec![y], "normalise");
    }
}
