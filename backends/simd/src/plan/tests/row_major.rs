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
fn transposes_and_slices() {
    for seed in 0..2 * ROUNDS as u64 {
        let mut random = Rng::with_seed(seed);
        let mut extent = || random.usize(3..9);
        let shape = [1, extent(), extent(), 3 * extent()];
        let mut case = Case::new(seed, shape);
        let x = case.builder.input();
        let mut permutation = vec![0, 1, 2, 3];
        while permutation == [0, 1, 2, 3] {
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
        let y = case.push(Operator::Slice(slices.to_vec()), &[x]);
        case.check(vec![y], "strided_copy");
    }
}

#[test]
fn matrix_products() {
    for seed in 0..2 * ROUNDS as u64 {
        let mut random = Rng::with_seed(seed);
        let (stack, rows, inner) = (random.usize(1..4), random.usize(1..40), random.usize(16..40));
        let mut case = Case::new(seed, [1, stack, rows, inner]);
        let x = case.builder.input();
        let columns = random.usize(16..90);
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
