//! From a graph to steps in memory: what happens once, when a model is loaded.
//!
//! ```text
//! graph ─ space_to_depth, hoist, rearrange ─▶ graph ─ classify ─▶ which nodes have kernels
//!       ─ fuse, in_place, views ─▶ what is done in a convolution's store, what needs no copy
//!       ─ demand ─▶ what is wanted as it is, and what rounded
//!       ─ assemble ─▶ steps and slots ─ stages ─▶ what may run at the same time
//!       ─ arena ─▶ where each slot lies
//! ```

mod arena;
mod assemble;
mod bind;
mod classify;
mod convolution;
mod demand;
mod fuse;
mod groups;
mod hoist;
mod in_place;
mod phases;
mod rearrange;
mod row_major;
mod slots;
mod space_to_depth;
mod stages;
#[cfg(test)]
mod tests;
mod views;

use framegate_backend_api::graph::Graph;

use crate::level::SimdLevel;
use crate::memory::{AlignedCells, Slot};
use crate::precision::Precision;
use crate::steps::Step;
use slots::{Home, Slots};
pub(crate) use stages::Shares;

/// A graph that is ready to run any number of times, one image at a time.
pub(crate) struct Plan {
    /// In an order in which they may run one after the other.
    pub(crate) steps: Vec<PlannedStep>,
    /// The tasks that may run at the same time, stage by stage, in a share for each thread.
    pub(crate) stages: Vec<Shares>,
    slots: Slots,
    constants: Vec<AlignedCells>,
    arena_cells: usize,
}

/// A step and what is to be said about it.
pub(crate) struct PlannedStep {
    pub(crate) step: Box<dyn Step>,
    /// Name of the node that it computes, or most of it.
    pub(crate) node: String,
    /// The kernel's name.
    pub(crate) kernel: &'static str,
    pub(crate) multiply_adds: u64,
    reads: Vec<Slot>,
    writes: Vec<Slot>,
}

/// A piece of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Task {
    /// Index of the step.
    pub(crate) step: usize,
    /// Index of the task in the step.
    pub(crate) index: usize,
}

/// Where a slot lies for an image.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Place {
    /// This many cells into the arena.
    Arena(usize),
    /// The image itself.
    Input,
    /// This many cells into an output.
    Output(usize, usize),
    /// A constant.
    Constant(*const f32),
}

impl Plan {
    /// Plans `graph` for the kernels of `level` and `precision`, in pieces for `threads` threads.
    pub(crate) fn new(
        graph: &Graph,
        level: SimdLevel,
        precision: Precision,
        threads: usize,
    ) -> Self {
        let graph = space_to_depth::fold(graph);
        let graph = rearrange::fold_shuffles(hoist::hoist(graph));
        let kinds = classify::classify(&graph, level.lanes());
        let fused = fuse::fuse(&graph, &kinds);
        let in_place = in_place::concats(&graph, &kinds, &fused, level.lanes());
        let movements = views::movements(&graph, &kinds);
        let demands = demand::demands(&graph, &kinds, &fused, &movements, precision);
        let findings = assemble::Findings { kinds, fused, in_place, movements, demands };
        let (steps, mut slots, constants) =
            assemble::assemble(&graph, level, precision, threads, &findings);
        let stage_of = stages::stages(&steps, &slots);
        let arena_cells = arena::lay_out(&steps, &stage_of, &mut slots);
        let stages = stages::shares(&steps, &stage_of, threads);
        Self { stages, steps, slots, constants, arena_cells }
    }

    /// Number of slots.
    pub(crate) fn slots(&self) -> usize {
        self.slots.len()
    }

    /// Cells that the arena of an image takes.
    pub(crate) fn arena_cells(&self) -> usize {
        self.arena_cells
    }

    /// Cells that a thread needs of its own while it runs a task.
    pub(crate) fn scratch_cells(&self) -> usize {
        self.steps.iter().map(|step| step.step.scratch_cells()).max().unwrap_or(0)
    }

    /// Bytes of packed weights and of the constants that plain operators read.
    pub(crate) fn weight_bytes(&self) -> usize {
        let packed: usize = self.steps.iter().map(|step| step.step.weight_bytes()).sum();
        packed + self.constants.iter().map(AlignedCells::bytes).sum::<usize>()
    }

    /// Where every slot lies.
    pub(crate) fn places(&self) -> impl Iterator<Item = (Slot, Place)> {
        (0..self.slots.len()).map(Slot).map(|slot| {
            let (root, start) = self.slots.root(slot);
            let place = match self.slots.home(root) {
                Home::Arena(offset) => Place::Arena(offset + start),
                Home::Input => Place::Input,
                Home::Output(index) => Place::Output(index, start),
                Home::Constant(index) => Place::Constant(self.constants[index].as_ptr()),
                Home::Inside { .. } => unreachable!("a root lies in nothing"),
            };
            (slot, place)
        })
    }
}
