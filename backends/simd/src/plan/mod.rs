//! Turns a graph into steps in memory, once, when a model is loaded.
//!
//! ```text
//! graph ─ passes ─────────────────▶ a graph that suits the kernels better
//!       ─ classify ───────────────▶ how each node is lowered: kernel or scalar operator
//!       ─ fuse, quantised ────────▶ what becomes part of an epilogue, what is computed on bytes
//!       ─ in_place, views ────────▶ what needs no copy
//!       ─ merge ──────────────────▶ what else runs as one step: products, attention
//!       ─ formats ────────────────▶ which values are stored as f32, which as bf16 or bytes
//!       ─ lower* ─────────────────▶ steps and slots
//!       ─ waves ──────────────────▶ which steps may run at the same time
//!       ─ arena ──────────────────▶ where each slot is in memory
//! ```

mod arena;
mod attention;
mod byte_scale;
mod cells;
mod classify;
mod formats;
mod fuse;
mod groups;
mod in_place;
mod lower;
mod lower_attention;
mod lower_blocked;
mod lower_convolution;
mod lower_products;
mod lower_quantised;
mod lower_row_major;
mod merge;
mod passes;
mod phases;
mod quantised;
mod rearrange;
mod reordered;
mod row_major;
mod slots;
#[cfg(test)]
mod tests;
mod views;
mod waves;
mod window_axes;

use framegate_backend_api::graph::Graph;
use framegate_cpu::Precision;

use crate::memory::{AlignedCells, Slot};
use crate::steps::Step;
use framegate_cpu::Level;
use slots::{Home, Slots};
use waves::Partition;

/// A graph that is ready to run any number of times, one image at a time.
pub(crate) struct Plan {
    /// In an order in which they may run one after another.
    pub(crate) steps: Vec<PlannedStep>,
    /// The tasks, wave by wave, in a share per thread.
    pub(crate) waves: Vec<Partition>,
    slots: Slots,
    constants: Vec<AlignedCells>,
    arena_cells: usize,
}

/// A step, what a profile says about it, and the slots that it touches.
pub(crate) struct PlannedStep {
    pub(crate) step: Box<dyn Step>,
    /// The node that it computes, or most of it.
    pub(crate) node: String,
    pub(crate) kernel: &'static str,
    pub(crate) multiply_adds: u64,
    reads: Vec<Slot>,
    writes: Vec<Slot>,
}

/// A part of a step, which one thread runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Task {
    pub(crate) step: usize,
    /// Among the tasks of the step.
    pub(crate) index: usize,
}

/// Where a slot is while an image runs.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Location {
    /// This many cells into the arena.
    Arena(usize),
    /// The image.
    Input,
    /// Of this output, this many cells into it.
    Output(usize, usize),
    Constant(*const f32),
}

impl Plan {
    /// Plans `graph` for the kernels of `level` and `precision`, cut into tasks for `threads` threads.
    pub(crate) fn new(graph: &Graph, level: Level, precision: Precision, threads: usize) -> Self {
        let graph = passes::run(graph, level.multiplies_bytes());
        let lowerings = classify::classify(&graph, level.lanes());
        let mut fusions = fuse::fuse(&graph, &lowerings);
        let maps = quantised::find(&graph, &lowerings, &mut fusions);
        let in_place = in_place::concats(&graph, &lowerings, &fusions, level.lanes());
        let layout_ops = views::layout_ops(&graph, &lowerings);
        let merged = merge::merge(&graph, &lowerings, &layout_ops, &mut fusions);
        let nodes = formats::Nodes {
            lowerings: &lowerings,
            fusions: &fusions,
            layout_ops: &layout_ops,
            merged: &merged,
            maps: &maps,
        };
        let formats = formats::required_formats(&graph, nodes, precision);
        let analysis =
            lower::Analysis { lowerings, fusions, maps, in_place, layout_ops, merged, formats };
        let (steps, mut slots, constants) =
            lower::lower(&graph, level, precision, threads, &analysis);
        let wave_of = waves::waves(&steps, &slots);
        let arena_cells = arena::lay_out(&steps, &wave_of, &mut slots);
        let waves = waves::partitions(&steps, &wave_of, threads);
        Self { waves, steps, slots, constants, arena_cells }
    }

    pub(crate) fn slots(&self) -> usize {
        self.slots.len()
    }

    /// Cells of the arena, in which one image runs.
    pub(crate) fn arena_cells(&self) -> usize {
        self.arena_cells
    }

    /// Cells of scratch memory that each thread needs.
    pub(crate) fn scratch_cells(&self) -> usize {
        self.steps.iter().map(|step| step.step.scratch_cells()).max().unwrap_or(0)
    }

    /// Bytes of packed weights and of the constants that scalar operators read.
    pub(crate) fn weight_bytes(&self) -> usize {
        let packed: usize = self.steps.iter().map(|step| step.step.weight_bytes()).sum();
        packed + self.constants.iter().map(AlignedCells::bytes).sum::<usize>()
    }

    /// Where each slot is.
    pub(crate) fn locations(&self) -> impl Iterator<Item = (Slot, Location)> {
        (0..self.slots.len()).map(Slot).map(|slot| {
            let (root, start) = self.slots.root(slot);
            let location = match self.slots.home(root) {
                Home::Arena(offset) => Location::Arena(offset + start),
                Home::Input => Location::Input,
                Home::Output(index) => Location::Output(index, start),
                Home::Constant(index) => Location::Constant(self.constants[index].as_ptr()),
                Home::Inside { .. } => unreachable!("a root is inside no other slot"),
            };
            (slot, location)
        })
    }
}
