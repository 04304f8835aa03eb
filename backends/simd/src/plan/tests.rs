//! Plans of random small graphs, step by step against their plain twins.
//!
//! Every slot has memory of its own here, between guards and full of what is no number: a kernel
//! that writes past its buffer or reads what nobody wrote is found out.
#![expect(unsafe_code, reason = "steps are run by hand")]

use std::collections::HashMap;

use fastrand::Rng;
use framegate_backend_api::graph::{
    Activation, AxisSlice, Binary, Convolution, Coordinates, Graph, GraphBuilder, NearestRounding,
    Operator, Padding, Resize, ResizeMode, ValueId, Window,
};
use framegate_backend_api::{ElementType, HostTensor};

use super::slots::Home;
use super::{Place, Plan};
use crate::level::SimdLevel;
use crate::memory::{Buffers, Slot};
use crate::plain::{self, Operands, Tensor};

const GUARD: usize = 64;
/// A bit pattern that nothing computes.
const CANARY: u32 = 0x7FC0_BEEF;
const ROUNDS: usize = 60;

/// Memory for a slot, with guards around it.
struct Guarded(Vec<f32>);

impl Guarded {
    fn new(cells: usize) -> Self {
        Self(vec![f32::from_bits(CANARY); cells + 2 * GUARD])
    }

    fn elements(&self) -> &[f32] {
        &self.0[GUARD..self.0.len() - GUARD]
    }

    fn is_intact(&self) -> bool {
        let (before, after) = (&self.0[..GUARD], &self.0[self.0.len() - GUARD..]);
        before.iter().chain(after).all(|guard| guard.to_bits() == CANARY)
    }
}

/// Runs the plan's tasks, those of a stage in random order, and returns the outputs.
fn run_plan(plan: &Plan, image: &[f32], random: &mut Rng) -> Vec<Vec<f32>> {
    let roots = (0..plan.slots()).map(Slot).filter(|slot| plan.slots.root(*slot).0 == *slot);
    let mut memory: HashMap<Slot, Guarded> =
        roots.map(|root| (root, Guarded::new(plan.slots.cells(root)))).collect();
    let mut buffers = Buffers::new(plan.slots());
    for (slot, place) in plan.places() {
        let (root, start) = plan.slots.root(slot);
        let own = memory.get_mut(&root).unwrap();
        if matches!(place, Place::Input) {
            own.0[GUARD..][..image.len()].copy_from_slice(image);
        }
        match place {
            Place::Constant(constant) => buffers.set(slot, constant.cast_mut()),
            _ => buffers.set(slot, own.0.as_mut_ptr().wrapping_add(GUARD + start)),
        }
    }
    for stage in &plan.stages {
        let mut tasks = stage.concat();
        random.shuffle(&mut tasks);
        for task in tasks {
            // SAFETY: every slot has the room it was planned with, and this is the only thread.
            unsafe { plan.steps[task.step].step.run(task.index, &buffers) };
        }
    }
    for (slot, guarded) in &memory {
        assert!(guarded.is_intact(), "guards of {slot:?} ({:?})", plan.slots.home(*slot));
    }
    let output = |index: usize| {
        let is_it = |slot: &Slot| plan.slots.home(*slot) == Home::Output(index);
        let slot = (0..plan.slots()).map(Slot).find(is_it).unwrap();
        memory[&slot].elements().to_vec()
    };
    let outputs = memory.keys().filter(|slot| matches!(plan.slots.home(**slot), Home::Output(_)));
    (0..outputs.count()).map(output).collect()
}

/// The graph's outputs by plain operators alone.
fn run_plain(graph: &Graph, image: &[f32]) -> Vec<Vec<f32>> {
    let mut values: Vec<Vec<f32>> = graph
        .values
        .iter()
        .map(|value| match &value.constant {
            Some(tensor) => tensor.as_f32().unwrap().to_vec(),
            None => vec![0.0; value.shape.iter().product()],
        })
        .collect();
    values[graph.input.0].copy_from_slice(image);
    for node in &graph.nodes {
        let mut buffers = Buffers::new(values.len());
        for (index, value) in values.iter_mut().enumerate() {
            buffers.set(Slot(index), value.as_mut_ptr());
        }
        let tensors = |ids: &[ValueId]| -> Vec<Tensor> {
            let len = |id: &ValueId| graph.value(*id).shape.iter().product();
            let tensor = |id: &ValueId| Tensor {
                slot: Slot(id.0),
                element_type: ElementType::F32,
                len: len(id),
            };
            ids.iter().map(tensor).collect()
        };
        let (inputs, outputs) = (tensors(&node.inputs), tensors(&node.outputs));
        // SAFETY: every value has a vector of its own.
        let mut operands = unsafe { Operands::new(&inputs, &outputs, &buffers) };
        plain::prepare(graph, node)(&mut operands);
    }
    graph.outputs.iter().map(|id| values[id.0].clone()).collect()
}

/// Holds a graph's plan against its plain twin at every level, and makes sure that `kernel` is part
/// of the plan: a test of a kernel that was not run would pass for nothing.
fn check(graph: &Graph, kernel: &str, random: &mut Rng) {
    let len = graph.value(graph.input).shape.iter().product();
    let image: Vec<f32> = (0..len).map(|_| random.f32() * 4.0 - 2.0).collect();
    let expected = run_plain(graph, &image);
    for level in SimdLevel::available() {
        let plan = Plan::new(graph, level, random.usize(1..4));
        let kernels: Vec<&str> = plan.steps.iter().map(|step| step.kernel).collect();
        assert!(kernels.contains(&kernel), "{kernel} is not among {kernels:?} at {level}");
        let got = run_plan(&plan, &image, random);
        assert_eq!(got.len(), expected.len());
        for (got, expected) in got.iter().zip(&expected) {
            assert_eq!(got.len(), expected.len());
            let largest = expected.iter().fold(1.0_f32, |largest, x| largest.max(x.abs()));
            for (index, (got, expected)) in got.iter().zip(expected).enumerate() {
                let error = (got - expected).abs();
                assert!(
                    error <= 2e-5 * largest,
                    "{level}, element {index}: {got} instead of {expected}\n{:#?}",
                    graph.nodes
                );
            }
        }
    }
}

/// On a machine without vector instructions these tests would say nothing about the kernels.
#[test]
fn there_is_a_vector_level_here() {
    let required = cfg!(target_arch = "x86_64") && !cfg!(miri);
    assert!(!required || SimdLevel::available().len() > 1, "only portable code could be tested");
}

/// A graph in the making.
struct Case {
    builder: GraphBuilder,
    random: Rng,
}

impl Case {
    fn new(seed: u64, shape: [usize; 4]) -> Self {
        let builder = GraphBuilder::new("input", shape);
        Self { builder, random: Rng::with_seed(seed) }
    }

    fn weights(&mut self, shape: &[usize]) -> ValueId {
        let len = shape.iter().product();
        let elements = (0..len).map(|_| self.random.f32() * 2.0 - 1.0).collect();
        self.builder.constant("weights", HostTensor::from_f32(shape, elements))
    }

    fn push(&mut self, operator: Operator, inputs: &[ValueId]) -> ValueId {
        self.builder.push("node", operator, inputs).unwrap()
    }

    fn convolution(&mut self, x: ValueId, weight: &[usize], parameters: Convolution) -> ValueId {
        let mut inputs = vec![x, self.weights(weight)];
        if self.random.bool() {
            inputs.push(self.weights(&weight[..1]));
        }
        self.push(Operator::Convolution(parameters), &inputs)
    }

    /// A 1×1 convolution: something blocked.
    fn pointwise(&mut self, x: ValueId, filters: usize) -> ValueId {
        let channels = self.builder.value(x).shape[1];
        self.convolution(x, &[filters, channels, 1, 1], usual(1, None))
    }

    fn check(self, outputs: Vec<ValueId>, kernel: &str) {
        let Self { builder, mut random } = self;
        check(&builder.finish(outputs), kernel, &mut random);
    }
}

fn usual(groups: usize, activation: Option<Activation>) -> Convolution {
    Convolution {
        stride: [1, 1],
        dilation: [1, 1],
        padding: Padding::default(),
        groups,
        activation,
    }
}

/// A window, and a picture that it fits into.
fn window(random: &mut Rng) -> (Window, [usize; 2]) {
    let kernel = [random.usize(1..5), random.usize(1..5)];
    let dilation = [random.usize(1..3), random.usize(1..3)];
    let reach = |axis: usize| dilation[axis] * (kernel[axis] - 1) + 1;
    let extents = [reach(0) + random.usize(0..30), reach(1) + random.usize(0..60)];
    // Less than the kernel, so that every window has an element.
    let mut side = |axis: usize| random.usize(0..kernel[axis]);
    let padding = Padding { top: side(0), left: side(1), bottom: side(0), right: side(1) };
    let stride = [random.usize(1..4), random.usize(1..4)];
    (Window { kernel, stride, dilation, padding }, extents)
}

fn activation(random: &mut Rng) -> Option<Activation> {
    let all = [
        Activation::Relu,
        Activation::LeakyRelu { slope: 0.1 },
        Activation::Sigmoid,
        Activation::Silu,
        Activation::HardSigmoid { alpha: 0.2, beta: 0.5 },
        Activation::HardSwish,
        Activation::Clip { min: -0.5, max: 1.5 },
        Activation::Tanh,
        Activation::Gelu { approximate: true },
        Activation::Elu { alpha: 0.7 },
        Activation::Mish,
    ];
    random.choice(all).filter(|_| random.usize(0..4) > 0)
}

fn windowed(window: &Window, groups: usize, activation: Option<Activation>) -> Convolution {
    let Window { stride, dilation, padding, .. } = *window;
    Convolution { stride, dilation, padding, groups, activation }
}

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
        case.check(vec![y], kernel);
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
        case.check(vec![y], "max pool");
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
        case.check(vec![y], "resize");
    }
}

#[test]
fn activations_and_functions_of_pairs() {
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

#[test]
fn concatenations_in_place_and_not() {
    for seed in 0..ROUNDS as u64 {
        let mut random = Rng::with_seed(seed);
        let mut case = Case::new(seed, [1, 3, random.usize(1..9), random.usize(1..30)]);
        let x = case.builder.input();
        let parts: Vec<ValueId> =
            [16, 48, random.usize(1..40)].map(|filters| case.pointwise(x, filters)).to_vec();
        let whole = case.push(Operator::Concat { axis: 1 }, &parts);
        // A second concatenation of the same values has to copy, and one of both is nested.
        let again = case.push(Operator::Concat { axis: 1 }, &[parts[1], parts[0]]);
        let nested = case.push(Operator::Concat { axis: 1 }, &[again, whole]);
        let y = case.pointwise(nested, 5);
        case.check(vec![y, parts[0]], "copy");
    }
}

#[test]
fn heads_are_written_where_they_end_up() {
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
        case.check(vec![twice, scores], "unblock");
    }
}

#[test]
fn slices_of_whole_blocks_are_where_they_were() {
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
fn row_major_functions() {
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
        let axis = random.usize(1..3);
        let y = case.push(Operator::Softmax { axis }, &[x]);
        case.check(vec![y], "softmax");
    }
}
