//! Groups steps into waves: no step of a wave reads what another step of it writes, so their tasks may
//! run at the same time.

use std::collections::HashMap;

use super::slots::Slots;
use super::{PlannedStep, Task};
use crate::memory::Slot;
use crate::steps::part;

/// The wave of each step: one after the last wave that it depends on.
///
/// A slot is written completely, by however many steps, before any step reads it, so reads are the only
/// dependencies. For
///
/// ```text
/// a: input → x     b: input → y     c: x → z     d: y, z → output
/// ```
///
/// the waves are `[0, 0, 1, 2]`.
pub(crate) fn waves(steps: &[PlannedStep], slots: &Slots) -> Vec<usize> {
    let mut wave_of: Vec<usize> = Vec::with_capacity(steps.len());
    // What was written so far, by the outermost slot around it, and by which step.
    let mut written: HashMap<Slot, Vec<(Slot, usize)>> = HashMap::new();
    for (index, step) in steps.iter().enumerate() {
        let earlier = step.reads.iter().flat_map(|read| {
            let inside = written.get(&slots.root(*read).0).into_iter().flatten();
            inside.filter(|(slot, _)| slots.overlap(*read, *slot)).map(|(_, writer)| *writer)
        });
        let wave = earlier.map(|writer| wave_of[writer] + 1).max().unwrap_or(0);
        wave_of.push(wave);
        for slot in &step.writes {
            written.entry(slots.root(*slot).0).or_default().push((*slot, index));
        }
    }
    wave_of
}

/// The tasks of a wave: a share per thread.
pub(crate) type Partition = Vec<Vec<Task>>;

/// The tasks of all steps, by wave and thread.
///
/// Every step is cut across the threads in the same order, so that a thread mostly reads what it wrote
/// itself: the same part of the feature map, layer after layer. With two threads, a wave of a step `a` of
/// six tasks and a step `b` of one becomes
///
/// ```text
/// thread 0: a0 a1 a2 b0     thread 1: a3 a4 a5
/// ```
///
/// where `b`, which has fewer tasks than there are threads, goes to the thread with the fewest so far.
pub(crate) fn partitions(
    steps: &[PlannedStep],
    wave_of: &[usize],
    threads: usize,
) -> Vec<Partition> {
    let waves = wave_of.iter().max().map_or(0, |last| last + 1);
    let mut partitions = vec![vec![Vec::new(); threads]; waves];
    for (index, (step, wave)) in steps.iter().zip(wave_of).enumerate() {
        let tasks = step.step.tasks();
        let partition = &mut partitions[*wave];
        if tasks < threads {
            for task in 0..tasks {
                let shortest = partition.iter_mut().min_by_key(|share| share.len());
                let share = shortest.expect("there is a thread");
                share.push(Task { step: index, index: task });
            }
            continue;
        }
        for (thread, share) in partition.iter_mut().enumerate() {
            let own = part(tasks, 1, thread, threads);
            share.extend(own.map(|task| Task { step: index, index: task }));
        }
    }
    partitions
}
