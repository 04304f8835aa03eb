//! Plans of random small graphs, step by step against their plain twins.
//!
//! Every slot has memory of its own here, between guards and full of what is no number: a kernel
//! that writes past its buffer or reads what nobody wrote is found out.
#![expect(unsafe_code, reason = "steps are run by hand")]

mod convolutions;
mod pictures;
mod row_major;

use std::collections::HashMap;

use fastrand::Rng;
use framegate_backend_api::HostTensor;
use framegate_backend_api::graph::{
    Activation, AveragePool, AxisSlice, Binary, Convolution, Coordinates, Graph, GraphBuilder,
    NearestRounding, Operator, Padding, Reduce, Reduction, Resize, ResizeMode, ValueId, Window,
};
use framegate_scalar::evaluate_graph;

use super::slots::Home;
use super::{Place, Plan};
use crate::level::SimdLevel;
use crate::memory::{Buffers, Slot};
use crate::precision::Precision;

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
    let mut scratch = Guarded::new(plan.scratch_cells());
    for stage in &plan.stages {
        let mut tasks = stage.concat();
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

/// The graph's outputs by plain operators alone.
fn run_plain(graph: &Graph, image: &[f32]) -> Vec<Vec<f32>> {
    let shape = graph.value(graph.input).shape.as_slice();
    let outputs = evaluate_graph(graph, &HostTensor::from_f32(shape, image.to_vec()));
    outputs.iter().map(|output| output.as_f32().unwrap().to_vec()).collect()
}

/// Holds a graph's plan against its plain twin at every level, and makes sure that `kernel` is part
/// of the plan: a test of a kernel that was not run would pass for nothing.
fn check(graph: &Graph, kernel: &str, random: &mut Rng) {
    let len = graph.value(graph.input).shape.iter().product();
    let image: Vec<f32> = (0..len).map(|_| random.f32() * 4.0 - 2.0).collect();
    let levels = SimdLevel::available().into_iter().filter(|level| level.has(Precision::F32));
    compare(graph, kernel, random, &image, levels.map(|level| (level, Precision::F32)), 2e-5);
}

/// The same with bf16, at every level that has it, within `tolerance` of the largest element.
fn check_bf16(graph: &Graph, kernel: &str, random: &mut Rng, tolerance: f32) {
    let len = graph.value(graph.input).shape.iter().product();
    // Eight significant bits and less, so that an input is what it is rounded to.
    let image: Vec<f32> = (0..len).map(|_| (random.i32(-64..64) as f32) / 32.0).collect();
    let levels = SimdLevel::available().into_iter().filter(|level| level.has(Precision::Bf16));
    let levels = levels.map(|level| (level, Precision::Bf16));
    compare(graph, kernel, random, &image, levels, tolerance);
}

fn compare(
    graph: &Graph,
    kernel: &str,
    random: &mut Rng,
    image: &[f32],
    levels: impl Iterator<Item = (SimdLevel, Precision)>,
    tolerance: f32,
) {
    let expected = run_plain(graph, image);
    for (level, precision) in levels {
        let plan = Plan::new(graph, level, precision, random.usize(1..4));
        let kernels: Vec<&str> = plan.steps.iter().map(|step| step.kernel).collect();
        let of_pairs = format!("{kernel} bf16");
        let found = kernels.contains(&kernel) || kernels.contains(&of_pairs.as_str());
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

/// Makes sure that no step of a plan is this kernel's.
fn check_is_absent(graph: &Graph, kernel: &str) {
    let plan = Plan::new(graph, SimdLevel::best(Precision::F32), Precision::F32, 2);
    assert!(plan.steps.iter().all(|step| step.kernel != kernel), "{:#?}", graph.nodes);
}

/// On a processor with vector instructions, testing portable code alone would say nothing about the kernels.
#[test]
fn vector_code_is_tested_where_the_processor_has_it() {
    if SimdLevel::available().len() > 1 {
        return;
    }
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    assert!(
        !(is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma")),
        "this processor has AVX2, but only portable code was tested"
    );
    eprintln!("skipped: there is no vector code for this processor");
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
        // Seven significant bits, so that bf16 holds them as they are.
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

    /// A 1×1 convolution: something blocked.
    fn pointwise(&mut self, x: ValueId, filters: usize) -> ValueId {
        let channels = self.builder.value(x).shape[1];
        self.convolution(x, &[filters, channels, 1, 1], usual(1, None))
    }

    fn check(self, outputs: Vec<ValueId>, kernel: &str) {
        let Self { builder, mut random } = self;
        let graph = builder.finish(outputs);
        check(&graph, kernel, &mut random);
        // What is computed on the way has more bits than bf16.
        check_bf16(&graph, kernel, &mut random, 0.1);
    }

    /// Also with bf16, where nothing is computed that would be rounded before it is multiplied.
    fn check_rounded(self, outputs: Vec<ValueId>, kernel: &str) {
        let Self { builder, mut random } = self;
        let graph = builder.finish(outputs);
        check(&graph, kernel, &mut random);
        check_bf16(&graph, &format!("{kernel} bf16"), &mut random, 2e-5);
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
