//! Groups steps into waves: no step of a wave reads what another step of it writes, so their tasks may
//! run at the same time.

use super::slots::Slots;
use super::{PlannedStep, Task};
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
    for step in steps {
        let needs = |earlier: &PlannedStep| {
            let mut writes = earlier.writes.iter();
            writes.any(|written| step.reads.iter().any(|read| slots.overlap(*read, *written)))
        };
        let earlier = steps.iter().zip(&wave_of).filter(|(earlier, _)| needs(earlier));
        let wave = earlier.map(|(_, wave)| wave + 1).max().unwrap_or(0);
        wave_of.push(wave);
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
