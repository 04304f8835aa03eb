//! A loaded model: batches in, outputs in host memory out.
#![expect(unsafe_code, reason = "threads write into the caller's outputs")]

use std::sync::Arc;

use framegate_backend_api::graph::Graph;
use framegate_backend_api::{BackendError, InputBatch, Limits, OutputBatch, OutputTensor, Session};

use crate::backend::BACKEND;
use crate::crew::{Crew, Job};
use crate::engine::{Engine, SharedPointer};
use crate::plan::Plan;
use crate::profile::{Profile, StepProfile};

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
    /// All that is computed on the way: one arena for each thread.
    pub arenas: usize,
    /// Constants of plain operators. Packed weights come on top, about as large as in the file.
    pub constants: usize,
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

    /// Switches profiling on, from zero, or off. It costs some tenths of a microsecond a task.
    pub fn set_profiling(&mut self, is_on: bool) {
        self.engine.recorder.set(is_on);
    }

    /// Where the time went since profiling was switched on.
    pub fn profile(&self) -> Profile {
        let recorder = &self.engine.recorder;
        let steps = self.engine.plan().steps.iter().enumerate().map(|(index, step)| StepProfile {
            node: step.node.clone(),
            kernel: step.kernel,
            multiply_adds: step.multiply_adds,
            time: recorder.time(index),
        });
        Profile { steps: steps.collect(), images: recorder.images() }
    }

    /// How much memory this session holds.
    pub fn memory(&self) -> SessionMemory {
        SessionMemory {
            arenas: self.engine.arena_bytes(),
            constants: self.engine.plan().constant_bytes(),
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
}
