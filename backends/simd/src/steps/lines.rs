//! Elementwise functions and reductions along lines of row-major tensors: with operands that are broadcast or
//! strided, and of single elements.
#![expect(unsafe_code, reason = "kernels take pointers")]

use framegate_backend_api::graph::{Binary, Reduction, Unary};
use framegate_cpu::Level;

use super::{Step, part, worthwhile_tasks};
use crate::kernels::broadcast::{Function, Line, MOST_OPERANDS, line_version, unary_version};
use crate::kernels::{normalise, reduce};
use crate::memory::{Buffers, Cell, Slot};

/// Cost per element, in multiply-adds.
const WORK: usize = 32;

/// Cost per element of functions that have no vector version.
const SLOW_WORK: usize = 512;

/// A function of one element, or of an activation's.
pub(crate) struct Map {
    source: Slot,
    target: Slot,
    function: Unary,
    len: usize,
    kernel: unsafe fn(*const f32, *mut f32, usize, Unary),
    tasks: usize,
}

impl Map {
    /// Of `len` elements.
    pub(crate) fn new(
        level: Level,
        threads: usize,
        function: Unary,
        len: usize,
        [source, target]: [Slot; 2],
    ) -> Self {
        let is_slow = matches!(function, Unary::Log | Unary::Sin | Unary::Cos | Unary::Atan);
        let work = if is_slow { SLOW_WORK } else { WORK };
        let tasks = worthwhile_tasks(work * len, threads);
        Self { source, target, function, len, kernel: unary_version(level), tasks }
    }
}

impl Step for Map {
    fn tasks(&self) -> usize {
        self.tasks
    }

    unsafe fn run(&self, task: usize, buffers: &Buffers, _scratch: *mut Cell) {
        let own = part(self.len, 64, task, self.tasks);
        // SAFETY: the caller's promise: both buffers hold `len` elements.
        unsafe {
            let from = buffers.pointer(self.source).add(own.start);
            let to = buffers.pointer(self.target).add(own.start);
            (self.kernel)(from, to, own.len(), self.function);
        }
    }
}

/// An axis of a result, and the elements of each operand between neighbours along it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LineAxis {
    pub(crate) extent: usize,
    pub(crate) strides: [isize; MOST_OPERANDS],
}

/// An operand that is read in any order.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LineOperand {
    pub(crate) slot: Slot,
    /// The first element.
    pub(crate) start: usize,
}

/// A function of two or three tensors that are read in any order.
pub(crate) struct CombineLines {
    operands: Vec<LineOperand>,
    target: Slot,
    function: Function,
    /// All axes but the innermost.
    outer: Vec<LineAxis>,
    inner: LineAxis,
    kernel: unsafe fn(&Line, Function),
    tasks: usize,
    /// Into how many parts each line is cut.
    parts: usize,
}

impl CombineLines {
    pub(crate) fn new(
        level: Level,
        threads: usize,
        function: Function,
        axes: &[LineAxis],
        operands: Vec<LineOperand>,
        target: Slot,
    ) -> Self {
        let mut outer = joined(axes);
        let inner = outer.pop().unwrap_or(LineAxis { extent: 1, strides: [1; MOST_OPERANDS] });
        let lines: usize = outer.iter().map(|axis| axis.extent).product();
        let work = if function == Function::Pair(Binary::Pow) { SLOW_WORK } else { WORK };
        let wanted = worthwhile_tasks(work * lines * inner.extent, threads);
        let parts = wanted.div_ceil(lines.max(1)).clamp(1, inner.extent.div_ceil(64).max(1));
        let tasks = wanted.min(lines * parts).max(1);
        let kernel = line_version(level);
        Self { operands, target, function, outer, inner, kernel, tasks, parts }
    }
}

/// Joins neighbouring axes that all operands walk as one, and drops those of one element.
fn joined(axes: &[LineAxis]) -> Vec<LineAxis> {
    let mut joined: Vec<LineAxis> = Vec::new();
    for axis in axes.iter().filter(|axis| axis.extent != 1) {
        let continues = |last: &LineAxis| {
            (0..MOST_OPERANDS).all(|it| last.strides[it] == axis.strides[it] * axis.extent as isize)
        };
        match joined.last_mut() {
            Some(last) if continues(last) => {
                *last = LineAxis { extent: last.extent * axis.extent, strides: axis.strides };
            }
            _ => joined.push(*axis),
        }
    }
    joined
}

impl Step for CombineLines {
    fn tasks(&self) -> usize {
        self.tasks
    }

    unsafe fn run(&self, task: usize, buffers: &Buffers, _scratch: *mut Cell) {
        let Self { outer, inner, parts, .. } = self;
        let lines: usize = outer.iter().map(|axis| axis.extent).product();
        for unit in part(lines * parts, 1, task, self.tasks) {
            let (line, cut) = (unit / parts, unit % parts);
            let own = part(inner.extent, 64, cut, *parts);
            let mut rest = line;
            let mut at = [0; MOST_OPERANDS];
            for axis in outer.iter().rev() {
                let position = (rest % axis.extent) as isize;
                rest /= axis.extent;
                for (at, stride) in at.iter_mut().zip(axis.strides) {
                    *at += position * stride;
                }
            }
            // SAFETY: the caller's promise: the buffers hold all elements.
            unsafe {
                let mut from = [std::ptr::null(); MOST_OPERANDS];
                for (it, (from, operand)) in from.iter_mut().zip(&self.operands).enumerate() {
                    let at = at[it] + own.start as isize * inner.strides[it];
                    let at = at + operand.start as isize;
                    // The condition of a choice is of bytes.
                    let is_bytes = self.function == Function::Choice && it == 0;
                    let size = if is_bytes { 1 } else { size_of::<f32>() as isize };
                    *from = buffers.pointer(operand.slot).cast::<u8>().offset(at * size);
                }
                let size = match self.function {
                    Function::Comparison(_) => 1,
                    Function::Pair(_) | Function::Choice => size_of::<f32>(),
                };
                let at = (line * inner.extent + own.start) * size;
                let to = buffers.pointer(self.target).cast::<u8>().add(at);
                let line = Line { from, steps: inner.strides, to, len: own.len() };
                (self.kernel)(&line, self.function);
            }
        }
    }
}

/// Layer normalisation over contiguous lines.
pub(crate) struct Normalise {
    /// Of the operand, the scale and the bias.
    pub(crate) sources: [Slot; 3],
    pub(crate) target: Slot,
    lines: usize,
    extent: usize,
    epsilon: f32,
    kernel: unsafe fn(&normalise::Line),
    tasks: usize,
}

impl Normalise {
    pub(crate) fn new(
        level: Level,
        threads: usize,
        [lines, extent]: [usize; 2],
        epsilon: f32,
        sources: [Slot; 3],
        target: Slot,
    ) -> Self {
        let tasks = worthwhile_tasks(WORK * lines * extent, threads).min(lines).max(1);
        let kernel = normalise::version(level);
        Self { sources, target, lines, extent, epsilon, kernel, tasks }
    }
}

impl Step for Normalise {
    fn tasks(&self) -> usize {
        self.tasks
    }

    unsafe fn run(&self, task: usize, buffers: &Buffers, _scratch: *mut Cell) {
        let Self { extent, epsilon, .. } = *self;
        for line in part(self.lines, 1, task, self.tasks) {
            let [from, scale, bias] = self.sources.map(|slot| buffers.pointer(slot).cast_const());
            // SAFETY: the caller's promise: the buffers hold all lines.
            unsafe {
                (self.kernel)(&normalise::Line {
                    from: from.add(line * extent),
                    to: buffers.pointer(self.target).add(line * extent),
                    scale,
                    bias,
                    extent,
                    epsilon,
                });
            }
        }
    }
}

/// A reduction over neighbouring axes: `[outer][extent][inner]` to `[outer][inner]`.
pub(crate) struct Fold {
    source: Slot,
    target: Slot,
    reduction: Reduction,
    outer: usize,
    extent: usize,
    inner: usize,
    kernel: unsafe fn(&reduce::Lines, Reduction),
    tasks: usize,
    /// Into how many parts `inner` is cut.
    parts: usize,
}

impl Fold {
    pub(crate) fn new(
        level: Level,
        threads: usize,
        reduction: Reduction,
        [outer, extent, inner]: [usize; 3],
        [source, target]: [Slot; 2],
    ) -> Self {
        let wanted = worthwhile_tasks(WORK * outer * extent * inner, threads);
        let parts = wanted.div_ceil(outer.max(1)).clamp(1, inner.div_ceil(64).max(1));
        let tasks = wanted.min(outer * parts).max(1);
        let kernel = reduce::version(level);
        Self { source, target, reduction, outer, extent, inner, kernel, tasks, parts }
    }
}

impl Step for Fold {
    fn tasks(&self) -> usize {
        self.tasks
    }

    unsafe fn run(&self, task: usize, buffers: &Buffers, _scratch: *mut Cell) {
        let Self { outer, extent, inner, parts, .. } = *self;
        let units = part(outer * parts, 1, task, self.tasks);
        if inner == 1 {
            // SAFETY: the caller's promise: the buffers hold all lines.
            unsafe {
                let from = buffers.pointer(self.source).add(units.start * extent);
                let to = buffers.pointer(self.target).add(units.start);
                let count = units.len();
                let lines = reduce::Lines { from, to, count, extent, stride: 1, inner: 1 };
                (self.kernel)(&lines, self.reduction);
            }
            return;
        }
        for unit in units {
            let (block, cut) = (unit / parts, unit % parts);
            let own = part(inner, 64, cut, parts);
            // SAFETY: the caller's promise: the buffers hold all lines.
            unsafe {
                let from = buffers.pointer(self.source).add(block * extent * inner + own.start);
                let to = buffers.pointer(self.target).add(block * inner + own.start);
                let (count, inner_len) = (1, own.len());
                let lines =
                    reduce::Lines { from, to, count, extent, stride: inner, inner: inner_len };
                (self.kernel)(&lines, self.reduction);
            }
        }
    }
}
