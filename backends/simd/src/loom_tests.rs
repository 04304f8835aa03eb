//! Every interleaving of a worker team and of an executor's threads, within a bound on preemptions.
//!
//! Cells that the model checker watches stand in for the memory that kernels write to: it reports any
//! two accesses that nothing orders.
//!
//! ```text
//! RUSTFLAGS="--cfg loom" cargo test -p framegate-backend-simd --lib --target-dir target/loom loom
//! ```
#![expect(unsafe_code, reason = "a step's contract is unsafe, and watched cells hand out pointers")]

use std::ops::Range;
use std::sync::Arc;

use framegate_backend_api::graph::{Activation, GraphBuilder, Operator};
use framegate_cpu::{Level, Precision};
use loom::cell::UnsafeCell;
use loom::model::Builder;

use crate::executor::{Executor, SharedPointer};
use crate::memory::{Buffers, Cell, Slot};
use crate::plan::{Location, Plan, Task};
use crate::steps::Step;
use crate::team::{Job, WorkerTeam};

/// Numbers that the model checker watches.
struct Watched(Vec<UnsafeCell<usize>>);

// SAFETY: the model checker reports any two accesses that are not ordered.
unsafe impl Send for Watched {}
// SAFETY: as above.
unsafe impl Sync for Watched {}

impl Watched {
    fn new(len: usize) -> Self {
        Self((0..len).map(|_| UnsafeCell::new(0)).collect())
    }

    fn get(&self, index: usize) -> usize {
        // SAFETY: the pointer is good, and the model checker reports a write at the same time.
        self.0[index].with(|number| unsafe { *number })
    }

    fn add(&self, index: usize, more: usize) {
        // SAFETY: the pointer is good, and the model checker reports any access at the same time.
        self.0[index].with_mut(|number| unsafe { *number += more });
    }
}

/// Checks with at most this many preemptions: most races need two or fewer.
fn check(preemptions: usize, model: impl Fn() + Send + Sync + 'static) {
    let mut builder = Builder::new();
    builder.preemption_bound = Some(preemptions);
    builder.check(model);
}

/// What the caller writes before `begin` is there for the workers, what they write is there after `join`,
/// no worker does a job twice, and the team shuts down.
fn team_of(threads: usize, rounds: usize) {
    let cells = Arc::new(Watched::new(threads));
    let shared = Arc::clone(&cells);
    let job: Arc<Job> = Arc::new(move |number| shared.add(number, shared.get(0)));
    let team = WorkerTeam::start(threads, &job).unwrap();
    let mut most = 0;
    for round in 0..rounds {
        cells.add(0, 1);
        team.begin();
        team.join();
        most += round + 1;
        for number in 1..threads {
            assert!(cells.get(number) <= most, "worker {number} did a job twice");
        }
    }
}

#[test]
fn loom_one_worker() {
    check(3, || team_of(2, 2));
}

#[test]
fn loom_two_workers() {
    check(2, || team_of(3, 1));
}

/// Cells per image.
const CELLS: usize = 3;
/// Elements per image of the output.
const OUTPUT_LEN: usize = 16;
/// Where the output begins. Nothing is ever written there: the address only tells images apart.
const OUTPUT: *mut f32 = std::ptr::without_provenance_mut(64);

/// Adds up the cells of the wave before, into a cell per task.
struct Sum {
    cells: Arc<Watched>,
    output: Slot,
    reads: Range<usize>,
    writes: usize,
    tasks: usize,
}

impl Step for Sum {
    fn tasks(&self) -> usize {
        self.tasks
    }

    unsafe fn run(&self, task: usize, buffers: &Buffers, _scratch: *mut Cell) {
        let offset = buffers.pointer(self.output).addr() - OUTPUT.addr();
        let image = offset / (OUTPUT_LEN * size_of::<f32>()) * CELLS;
        let sum: usize = self.reads.clone().map(|cell| self.cells.get(image + cell)).sum();
        self.cells.add(image + self.writes + task, sum + 1);
    }
}

/// A plan of two waves: one of two tasks, and one of a task that reads what they write.
fn two_waves(cells: &Arc<Watched>) -> Plan {
    let mut builder = GraphBuilder::new("x", [1, 1, 4, 4]);
    let mut value = builder.input();
    for _ in 0..2 {
        let relu = Operator::Activation(Activation::Relu);
        value = builder.push("relu", relu, &[value]).unwrap();
    }
    let graph = builder.finish(vec![value]);
    let mut plan = Plan::new(&graph, Level::Portable, Precision::F32, 2);
    assert_eq!((plan.steps.len(), plan.waves.len()), (2, 2));
    let is_output = |(_, location): &(Slot, Location)| matches!(location, Location::Output(..));
    let (output, _) = plan.locations().find(is_output).unwrap();
    let step = |reads, writes, tasks| {
        Box::new(Sum { cells: Arc::clone(cells), output, reads, writes, tasks })
    };
    plan.steps[0].step = step(0..0, 0, 2);
    plan.steps[1].step = step(0..2, 2, 1);
    let task = |step, index| Task { step, index };
    plan.waves = vec![vec![vec![task(0, 0)], vec![task(0, 1)]], vec![vec![task(1, 0)], vec![]]];
    plan
}

/// Runs batches of `images` images on a team of two threads: every task runs once per image, after all
/// that it reads, and when the batch is over the caller may read what it wrote.
fn batches(images: usize, rounds: usize) {
    let cells = Arc::new(Watched::new(images * CELLS));
    let executor = Arc::new(Executor::new(two_waves(&cells), 2, images));
    let shared = Arc::clone(&executor);
    // SAFETY: the steps touch nothing but watched cells.
    let job: Arc<Job> = Arc::new(move |thread| unsafe { shared.work(thread) });
    let team = WorkerTeam::start(2, &job).unwrap();
    let mut sum = 0;
    for round in 1..=rounds {
        executor.prepare(|io| io.outputs = vec![(SharedPointer(OUTPUT), OUTPUT_LEN)], images);
        team.begin();
        // SAFETY: as above.
        unsafe { executor.work(0) };
        team.join();
        // The model checker reports races by panics, which the executor catches.
        assert_eq!(executor.take_failure(), None);
        sum += 2 * round + 1;
        for image in 0..images {
            let written: Vec<usize> =
                (0..CELLS).map(|cell| cells.get(image * CELLS + cell)).collect();
            assert_eq!(written, [round, round, sum], "image {image}");
        }
    }
}

#[test]
fn loom_threads_share_an_image() {
    check(2, || batches(1, 1));
}

#[test]
fn loom_threads_take_whole_images() {
    check(2, || batches(2, 1));
}

#[test]
fn loom_one_batch_after_another() {
    check(1, || batches(1, 2));
}
