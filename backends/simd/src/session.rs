//! A loaded model: batches in, outputs in host memory out.
#![expect(unsafe_code, reason = "threads write into the caller's outputs")]

use std::sync::Arc;

use framegate_backend_api::graph::Graph;
use framegate_backend_api::{
    BackendError, InputBatch, Limits, OutputBatch, OutputTensor, Profile, Session, StepProfile,
};

use crate::backend::BACKEND;
use crate::crew::{Crew, Job};
use crate::engine::{Engine, SharedPointer};
use crate::plan::Plan;

/// A model that the simd backend has loaded.
pub struct SimdSession {
    engine: Arc<Engine>,
    crew: Crew,
    image_shape: Vec<usize>,
    /// Names and shapes for one image, without elements.
    outputs: Vec<OutputTensor>,
    max_batch: usize,
}

/// What a session keeps in memory, in bytes, besides the caller's batches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionMemory {
    /// All that is computed on the way: an arena and scratch memory for each thread.
    pub arenas: usize,
    /// Packed weights and other constants.
    pub weights: usize,
}

impl SimdSession {
    pub(crate) fn new(graph: &Graph, plan: Plan, limits: &Limits) -> Result<Self, BackendError> {
        let engine = Arc::new(Engine::new(plan, limits.threads, limits.max_batch));
        let helping = Arc::clone(&engine);
        // SAFETY: helpers work only between a batch's `open` and `close` in `infer`, which borrows
        // all memory that the batch was prepared with.
        let job: Arc<Job> = Arc::new(move |thread| unsafe { helping.work(thread) });
        let crew = Crew::start(limits.threads, &job).map_err(|error| BackendError::Device {
            backend: BACKEND,
            reason: format!("cannot start {} threads: {error}", limits.threads),
        })?;
        Ok(Self {
            engine,
            crew,
            image_shape: graph.image_shape().to_vec(),
            outputs: OutputBatch::declared_by(graph).tensors,
            max_batch: limits.max_batch,
        })
    }

    /// Runs black images, so that the memory is there.
    pub(crate) fn warm_up(&mut self) -> Result<(), BackendError> {
        let mut batch = InputBatch::new(self.image_shape.as_slice(), self.max_batch);
        let mut out = OutputBatch::default();
        for len in [1, self.max_batch] {
            batch.set_len(len);
            self.infer(&batch, &mut out)?;
        }
        Ok(())
    }

    /// How much memory this session holds.
    pub fn memory(&self) -> SessionMemory {
        SessionMemory {
            arenas: self.engine.arena_bytes(),
            weights: self.engine.plan().weight_bytes(),
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
        let engine = &self.engine;
        engine.prepare(
            |ends| {
                // Nothing writes to the slots of inputs.
                ends.input = SharedPointer(batch.data().as_ptr().cast_mut());
                ends.input_len = batch.data().len() / batch.len();
                ends.outputs.clear();
                ends.outputs.extend(out.tensors.iter_mut().map(|tensor| {
                    (SharedPointer(tensor.data.as_mut_ptr()), tensor.data.len() / batch.len())
                }));
            },
            batch.len(),
        );
        self.crew.open();
        // SAFETY: `batch` and `out` are borrowed until this returns, and `close` waits for everyone.
        unsafe { engine.work(0) };
        self.crew.close();
        engine.recorder.add_images(batch.len());
        match engine.take_failure() {
            None => Ok(()),
            Some(reason) => Err(BackendError::Device { backend: BACKEND, reason }),
        }
    }

    /// It costs some tenths of a microsecond a task.
    fn set_profiling(&mut self, is_on: bool) {
        self.engine.recorder.set(is_on);
    }

    fn profile(&self) -> Option<Profile> {
        let recorder = &self.engine.recorder;
        let steps = self.engine.plan().steps.iter().enumerate().map(|(index, step)| StepProfile {
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
    use crate::level::SimdLevel;
    use crate::memory::Buffers;
    use crate::memory::Cell;
    use crate::precision::Precision;
    use crate::steps::Step;

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

    /// Holds the place of a step.
    struct Nothing;

    impl Step for Nothing {
        unsafe fn run(&self, _task: usize, _buffers: &Buffers, _scratch: *mut Cell) {}
    }

    /// Panics every second time.
    struct Moody(Box<dyn Step>, AtomicUsize);

    impl Step for Moody {
        unsafe fn run(&self, task: usize, buffers: &Buffers, scratch: *mut Cell) {
            assert!(self.1.fetch_add(1, Ordering::Relaxed) % 2 == 1, "not today");
            // SAFETY: as for this step.
            unsafe { self.0.run(task, buffers, scratch) }
        }
    }

    #[test]
    fn a_panic_costs_its_batch_and_the_session_goes_on() {
        let mut plan = Plan::new(&graph(), SimdLevel::best(Precision::F32), Precision::F32, 2);
        assert_eq!(plan.steps[0].step.tasks(), 1, "every task must go wrong alike");
        let step = &mut plan.steps[0].step;
        let calm: Box<dyn Step> = std::mem::replace(step, Box::new(Nothing));
        *step = Box::new(Moody(calm, AtomicUsize::new(0)));
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
    fn a_profile_says_where_the_time_went() {
        let (mut session, mut batch) =
            session(Plan::new(&graph(), SimdLevel::best(Precision::F32), Precision::F32, 2));
        let mut out = OutputBatch::default();
        session.set_profiling(true);
        for len in [1, 3] {
            batch.set_len(len);
            session.infer(&batch, &mut out).unwrap();
        }
        let profile = session.profile().unwrap();
        assert_eq!(profile.images, 4);
        let [first, last] = &profile.steps[..] else { panic!("{profile:?}") };
        assert_eq!((first.node.as_str(), first.kernel), ("first", "stem"));
        assert_eq!(first.multiply_adds, 3 * 4 * 16);
        assert_eq!(last.kernel, "unblock");
        assert!(profile.total() > std::time::Duration::ZERO);
        session.set_profiling(false);
        session.infer(&batch, &mut out).unwrap();
        assert_eq!(session.profile().unwrap().images, 4, "nothing is recorded any more");
    }
}
