//! Steps in stages: what is in one stage needs nothing that another of its steps makes.

use super::slots::Slots;
use super::{PlannedStep, Task};
use crate::steps::part;

/// The stage of each step: one after the last that it depends on. Every slot is written by as many
/// steps as it takes and then read, so that reading is the only dependence.
pub(crate) fn stages(steps: &[PlannedStep], slots: &Slots) -> Vec<usize> {
    let mut stage_of: Vec<usize> = Vec::with_capacity(steps.len());
    for step in steps {
        let needs = |earlier: &PlannedStep| {
            let mut writes = earlier.writes.iter();
            writes.any(|written| step.reads.iter().any(|read| slots.overlap(*read, *written)))
        };
        let earlier = steps.iter().zip(&stage_of).filter(|(earlier, _)| needs(earlier));
        let stage = earlier.map(|(_, stage)| stage + 1).max().unwrap_or(0);
        stage_of.push(stage);
    }
    stage_of
}

/// The tasks of a stage, in a share for each thread.
pub(crate) type Shares = Vec<Vec<Task>>;

/// All tasks, stage by stage. Every step is cut across the shares in the same order, so that a thread
/// mostly reads what it has itself written: the same part of the picture, layer after layer.
pub(crate) fn shares(steps: &[PlannedStep], stage_of: &[usize], threads: usize) -> Vec<Shares> {
    let stages = stage_of.iter().max().map_or(0, |last| last + 1);
    let mut shares = vec![vec![Vec::new(); threads]; stages];
    for (index, (step, stage)) in steps.iter().zip(stage_of).enumerate() {
        let tasks = step.step.tasks();
        let stage = &mut shares[*stage];
        if tasks < threads {
            for task in 0..tasks {
                let least = stage.iter_mut().min_by_key(|share| share.len());
                let share = least.expect("there is a thread");
                share.push(Task { step: index, index: task });
            }
            continue;
        }
        for (number, share) in stage.iter_mut().enumerate() {
            let own = part(tasks, 1, number, threads);
            share.extend(own.map(|task| Task { step: index, index: task }));
        }
    }
    shares
}
