//! A loaded model: batches in, outputs in host memory out.
#![expect(unsafe_code, reason = "threads write into the caller's outputs")]

use std::sync::Arc;

use framegate_backend_api::graph::Graph;
use framegate_backend_api::{
    BackendError, InputBatch, Limits, OutputBatch, OutputTensor, Profile, Session, StepProfile,
};

use crate::executor::{Executor, SharedPointer};
use crate::plan::Plan;
use crate::team::{Job, WorkerTeam};

/// The backend's name.
pub(crate) const BACKEND: &str = "simd";

/// A model that the simd backend has loaded.
pub struct SimdSession {
    executor: Arc<Executor>,
    team: WorkerTeam,
    image_shape: Vec<usize>,
    /// Names and shapes for one image, without data.
    outputs: Vec<OutputTensor>,
    max_batch: usize,
}

/// A session's memory in bytes, besides the caller's batches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionMemory {
    /// Intermediate results: an arena and scratch memory per thread.
    pub arenas: usize,
    /// Packed weights and other constants.
    pub weights: usize,
}

impl SimdSession {
    pub(crate) fn new(graph: &Graph, plan: Plan, limits: &Limits) -> Result<Self, BackendError> {
        let executor = Arc::new(Executor::new(plan, limits.threads, limits.max_batch));
        let shared = Arc::clone(&executor);
        // SAFETY: workers run only between a batch's `begin` and `join` in `infer`, which borrows
        // all memory that the batch was prepared with.
        let job: Arc<Job> = Arc::new(move |thread| unsafe { shared.work(thread) });
        let team =
            WorkerTeam::start(limits.threads, &job).map_err(|error| BackendError::Device {
                backend: BACKEND,
                reason: format!("cannot start {} threads: {error}", limits.threads),
            })?;
        Ok(Self {
            executor,
            team,
            image_shape: graph.image_shape().to_vec(),
            outputs: OutputBatch::declared_by(graph).tensors,
            max_batch: limits.max_batch,
        })
    }

    /// Runs black images, so that all memory has been touched before the first real batch.
    pub(crate) fn warm_up(&mut self) -> Result<(), BackendError> {
        let mut batch = InputBatch::new(self.image_shape.as_slice(), self.max_batch);
        let mut out = OutputBatch::default();
        for len in [1, self.max_batch] {
            batch.set_len(len);
            self.infer(&batch, &mut out)?;
        }
        Ok(())
    }

    /// The memory that this session holds.
    pub fn memory(&self) -> SessionMemory {
        SessionMemory {
            arenas: self.executor.arena_bytes(),
            weights: self.executor.plan().weight_bytes(),
        }
    }
}

impl Session for SimdSession {
    fn infer(&mut self, batch: &InputBatch, out: &mut OutputBatch) -> Result<(), BackendError> {
        batch.check(&self.image_shape, self.max_batch)?;
        out.tensors.resize_with(self.outputs.len(), OutputTensor::default);
        for (tensor, declared) in out.tensors.iter_mut().zip(&self.outputs) {
            tensor.name.clone_from(&declared.name);
            tensor.image_shape.clone_from(&declared.image_shape);
            let len = declared.image_shape.iter().product::<usize>() * batch.len();
            tensor.data.resize(len, 0.0);
        }
        let executor = &self.executor;
        executor.prepare(
            |io| {
                // Nothing writes to the slots of inputs.
                io.input = SharedPointer(batch.data().as_ptr().cast_mut());
                io.input_len = batch.data().len() / batch.len();
                io.outputs.clear();
                io.outputs.extend(out.tensors.iter_mut().map(|tensor| {
                    (SharedPointer(tensor.data.as_mut_ptr()), tensor.data.len() / batch.len())
                }));
            },
            batch.len(),
        );
        self.team.begin();
        // SAFETY: `batch` and `out` are borrowed until this returns, and `join` waits for every worker.
        unsafe { executor.work(0) };
        self.team.join();
        executor.recorder.add_images(batch.len());
        match executor.take_failure() {
            None => Ok(()),
            Some(reason) => Err(BackendError::Device { backend: BACKEND, reason }),
        }
    }

    /// Costs a few tenths of a microsecond per task.
    fn set_profiling(&mut self, is_on: bool) {
        self.executor.recorder.set(is_on);
    }

    fn profile(&self) -> Option<Profile> {
        let recorder = &self.executor.recorder;
        let steps =
            self.executor.plan().steps.iter().enumerate().map(|(index, step)| StepProfile {
                node: step.node.clone(),
                kernel: step.kernel,
                multiply_adds: step.multiply_adds,
                time: recorder.time(index),
            });
        Some(Profile { steps: steps.collect(), images: recorder.images() })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use framegate_backend_api::HostTensor;
    use framegate_backend_api::graph::{Convolution, GraphBuilder, Operator, Padding};

    use super::*;
    use crate::memory::Buffers;
    use crate::memory::Cell;
    use crate::steps::Step;
    use framegate_cpu::Level;
    use framegate_cpu::Precision;

    fn graph() -> Graph {
        let mut builder = GraphBuilder::new("x", [1, 3, 4, 4]);
        let weight = builder.constant("w", HostTensor::from_f32([4, 3, 1, 1], vec![0.5; 12]));
        let (stride, dilation, groups) = ([1, 1], [1, 1], 1);
        let padding = Padding::default();
        let convolution = Convolution { stride, dilation, padding, groups, activation: None };
        let inputs = [builder.input(), weight];
        let y = builder.push("first", Operator::Convolution(convolution), &inputs).unwrap();
        builder.finish(vec![y])
    }

    fn session(plan: Plan) -> (SimdSession, InputBatch) {
        let session = SimdSession::new(&graph(), plan, &Limits { max_batch: 3, threads: 2 });
        let mut batch = InputBatch::new([3, 4, 4], 3);
        batch.slots_mut().flatten().for_each(|x| *x = 1.0);
        (session.unwrap(), batch)
    }

    /// Stands in for a step that has been taken out.
    struct Nothing;

    impl Step for Nothing {
        unsafe fn run(&self, _task: usize, _buffers: &Buffers, _scratch: *mut Cell) {}
    }

    /// Panics on every other call.
    struct Flaky(Box<dyn Step>, AtomicUsize);

    impl Step for Flaky {
        unsafe fn run(&self, task: usize, buffers: &Buffers, scratch: *mut Cell) {
            assert!(self.1.fetch_add(1, Ordering::Relaxed) % 2 == 1, "not today");
            // SAFETY: as for this step.
            unsafe { self.0.run(task, buffers, scratch) }
        }
    }

    #[test]
    fn a_panic_costs_its_batch_and_the_session_goes_on() {
        let mut plan = Plan::new(&graph(), Level::best(Precision::F32), Precision::F32, 2);
        assert_eq!(plan.steps[0].step.tasks(), 1, "a batch must be one call of the step");
        let step = &mut plan.steps[0].step;
        let calm: Box<dyn Step> = std::mem::replace(step, Box::new(Nothing));
        *step = Box::new(Flaky(calm, AtomicUsize::new(0)));
        let (mut session, mut batch) = session(plan);
        let mut out = OutputBatch::default();
        batch.set_len(1);
        for _ in 0..3 {
            let failed = session.infer(&batch, &mut out).unwrap_err();
            assert!(failed.to_string().contains("not today"), "{failed}");
            session.infer(&batch, &mut out).unwrap();
            assert!(out.tensors[0].data.iter().all(|y| *y == 1.5));
        }
    }

    #[test]
    fn a_profile_has_the_time_of_every_step() {
        let (mut session, mut batch) =
            session(Plan::new(&graph(), Level::best(Precision::F32), Precision::F32, 2));
        let mut out = OutputBatch::default();
        session.set_profiling(true);
        for len in [1, 3] {
            batch.set_len(len);
            session.infer(&batch, &mut out).unwrap();
        }
        let profile = session.profile().unwrap();
        assert_eq!(profile.images, 4);
        let [first, last] = &profile.steps[..] else { panic!("{profile:?}") };
        assert_eq!((first.node.as_str(), first.kernel), ("first", "first_conv"));
        assert_eq!(first.multiply_adds, 3 * 4 * 16);
        assert_eq!(last.kernel, "unpack");
        assert!(profile.total() > std::time::Duration::ZERO);
        session.set_profiling(false);
        session.infer(&batch, &mut out).unwrap();
        assert_eq!(session.profile().unwrap().images, 4, "nothing is recorded any more");
    }
}
