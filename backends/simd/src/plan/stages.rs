//! Steps in stages: what is in one stage needs nothing that another of its steps makes.

use super::slots::Slots;
use super::{PlannedStep, Task};

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

/// All tasks, stage by stage.
pub(crate) fn tasks(steps: &[PlannedStep], stage_of: &[usize]) -> Vec<Vec<Task>> {
    let mut stages = vec![Vec::new(); stage_of.iter().max().map_or(0, |last| last + 1)];
    for (index, (step, stage)) in steps.iter().zip(stage_of).enumerate() {
        stages[*stage].extend((0..step.step.tasks()).map(|task| Task { step: index, index: task }));
    }
    stages
}
