//! Runs plans of random small graphs and compares them with the scalar operators.
//!
//! Every slot has memory of its own here, between guards and filled with NaNs: a kernel that writes
//! past its buffer or reads what no step has written is caught.
#![expect(unsafe_code, reason = "steps are run by hand")]

mod convolutions;
mod feature_maps;
mod quantised;
mod row_major;

use std::collections::HashMap;

use fastrand::Rng;
use framegate_backend_api::graph::{
    Activation, AveragePool, AxisSlice, Binary, Convolution, Coordinates, Graph, GraphBuilder,
    GridSample, NearestRounding, NonMaxSuppression, Operator, Pad, PadMode, Padding, Reduce,
    Reduction, Resize, ResizeMode, RoiAlign, RoiPooling, SampleMode, SamplePadding, Unary, ValueId,
    Window,
};
use framegate_backend_api::{ElementType, HostTensor};
use framegate_cpu::{Level, Precision};
use framegate_scalar::evaluate_graph;

use super::slots::Home;
use super::{Location, Plan};
use crate::memory::{Buffers, Slot};

const GUARD: usize = 64;
/// A bit pattern that no kernel computes.
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

/// Runs the tasks of a plan, those of a wave in random order, and returns the outputs.
fn run_plan(plan: &Plan, image: &[f32], random: &mut Rng) -> Vec<Vec<f32>> {
    let roots = (0..plan.slots()).map(Slot).filter(|slot| plan.slots.root(*slot).0 == *slot);
    let mut memory: HashMap<Slot, Guarded> =
        roots.map(|root| (root, Guarded::new(plan.slots.cells(root)))).collect();
    let mut buffers = Buffers::new(plan.slots());
    for (slot, location) in plan.locations() {
        let (root, start) = plan.slots.root(slot);
        let own = memory.get_mut(&root).unwrap();
        if matches!(location, Location::Input) {
            own.0[GUARD..][..image.len()].copy_from_slice(image);
        }
        match location {
            Location::Constant(constant) => buffers.set(slot, constant.cast_mut()),
            _ => buffers.set(slot, own.0.as_mut_ptr().wrapping_add(GUARD + start)),
        }
    }
    let mut scratch = Guarded::new(plan.scratch_cells());
    for wave in &plan.waves {
        let mut tasks = wave.concat();
        random.shuffle(&mut tasks);
        for task in tasks {
            let scratch = scratch.0.as_mut_ptr().wrapping_add(GUARD);
            // SAFETY: every slot has the room it was planned with, and this is the only thread.
            unsafe { plan.steps[task.step].step.run(task.index, &buffers, scratch) };
        }
    }
    assert!(scratch.is_intact(), "guards of the scratch memory");
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

/// The outputs of a graph as the scalar operators compute them.
fn run_scalar(graph: &Graph, image: &[f32]) -> Vec<Vec<f32>> {
    let shape = graph.value(graph.input).shape.as_slice();
    let outputs = evaluate_graph(graph, &HostTensor::from_f32(shape, image.to_vec()));
    outputs.iter().map(|output| output.as_f32().unwrap().to_vec()).collect()
}

/// Compares the plan of a graph with the scalar operators at every level, and checks that `kernel` is
/// part of the plan: the test of a kernel that did not run would prove nothing.
fn check(graph: &Graph, kernel: &str, random: &mut Rng) {
    let len = graph.value(graph.input).shape.iter().product();
    let image: Vec<f32> = (0..len).map(|_| random.f32() * 4.0 - 2.0).collect();
    let levels = Level::available().into_iter().filter(|level| level.has(Precision::F32));
    compare(graph, kernel, random, &image, levels.map(|level| (level, Precision::F32)), 2e-5);
}

/// The same with bf16, at every level that has it, within `tolerance` of the largest element.
fn check_bf16(graph: &Graph, kernel: &str, random: &mut Rng, tolerance: f32) {
    let len = graph.value(graph.input).shape.iter().product();
    // At most eight significant bits, so that rounding does not change the input.
    let image: Vec<f32> = (0..len).map(|_| (random.i32(-64..64) as f32) / 32.0).collect();
    let levels = Level::available().into_iter().filter(|level| level.has(Precision::Bf16));
    let levels = levels.map(|level| (level, Precision::Bf16));
    compare(graph, kernel, random, &image, levels, tolerance);
}

fn compare(
    graph: &Graph,
    kernel: &str,
    random: &mut Rng,
    image: &[f32],
    levels: impl Iterator<Item = (Level, Precision)>,
    tolerance: f32,
) {
    let expected = run_scalar(graph, image);
    for (level, precision) in levels {
        let plan = Plan::new(graph, level, precision, random.usize(1..4));
        let kernels: Vec<&str> = plan.steps.iter().map(|step| step.kernel).collect();
        let with_bf16 = format!("{kernel}_bf16");
        let found = kernels.contains(&kernel) || kernels.contains(&with_bf16.as_str());
        assert!(found, "{kernel} is not among {kernels:?} at {level}");
        let got = run_plan(&plan, image, random);
        assert_eq!(got.len(), expected.len());
        for (got, expected) in got.iter().zip(&expected) {
            assert_eq!(got.len(), expected.len());
            let largest = expected.iter().fold(1.0_f32, |largest, x| largest.max(x.abs()));
            for (index, (got, expected)) in got.iter().zip(expected).enumerate() {
                let error = (got - expected).abs();
                assert!(
                    error <= tolerance * largest,
                    "{level}, {precision}, element {index}: {got} instead of {expected}\n{:#?}",
                    graph.nodes
                );
            }
        }
    }
}

/// Checks that no step of a plan is of this kernel.
fn check_is_absent(graph: &Graph, kernel: &str) {
    let plan = Plan::new(graph, Level::best(Precision::F32), Precision::F32, 2);
    assert!(plan.steps.iter().all(|step| step.kernel != kernel), "{:#?}", graph.nodes);
}

/// On a processor with vector instructions, testing portable code alone would say nothing about the kernels.
#[test]
fn vector_code_is_tested_where_the_processor_has_it() {
    if Level::available().len() > 1 {
        return;
    }
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    assert!(
        !(is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma")),
        "this processor has AVX2, but only portable code was tested"
    );
    eprintln!("skipped: there is no vector code for this processor");
}

/// A graph under construction.
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
        // Seven significant bits, so that rounding to bf16 does not change them.
        let elements = (0..len).map(|_| self.random.i32(-64..=64) as f32 / 64.0).collect();
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

    /// A 1×1 convolution, whose result is blocked.
    fn pointwise(&mut self, x: ValueId, filters: usize) -> ValueId {
        let channels = self.builder.value(x).shape[1];
        self.convolution(x, &[filters, channels, 1, 1], unit_convolution(1, None))
    }

    fn check(self, outputs: Vec<ValueId>, kernel: &str) {
        let Self { builder, mut random } = self;
        let graph = builder.finish(outputs);
        check(&graph, kernel, &mut random);
        // Intermediate values have more bits than bf16.
        check_bf16(&graph, kernel, &mut random, 0.1);
    }

    /// Checks that the plan of a graph with one output has no step of a kernel, and one of another.
    fn check_absent_and_equal(self, output: ValueId, absent: &str, kernel: &str) {
        let Self { builder, mut random } = self;
        let graph = builder.finish(vec![output]);
        check_is_absent(&graph, absent);
        check(&graph, kernel, &mut random);
    }

    /// For graphs without intermediate values that would be rounded before they are multiplied: bf16
    /// must be exact.
    fn check_rounded(self, outputs: Vec<ValueId>, kernel: &str) {
        let Self { builder, mut random } = self;
        let graph = builder.finish(outputs);
        check(&graph, kernel, &mut random);
        check_bf16(&graph, &format!("{kernel}_bf16"), &mut random, 2e-5);
    }
}

fn unit_convolution(groups: usize, activation: Option<Activation>) -> Convolution {
    Convolution {
        stride: [1, 1],
        dilation: [1, 1],
        padding: Padding::default(),
        groups,
        activation,
    }
}

/// A window, and the extents of a feature map that it fits into.
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
        Activation::Gelu { approximate: false },
        Activation::Elu { alpha: 0.7 },
        Activation::Mish,
    ];
    random.choice(all).filter(|_| random.usize(0..4) > 0)
}

fn windowed(window: &Window, groups: usize, activation: Option<Activation>) -> Convolution {
    let Window { stride, dilation, padding, .. } = *window;
    Convolution { stride, dilation, padding, groups, activation }
}
