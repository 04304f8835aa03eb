//! A loaded model: runs batches and copies the outputs to host memory.

use burn_tensor::{ExecutionError, TensorData};
use framegate_backend_api::graph::Graph;
use framegate_backend_api::{
    BackendError, InputBatch, OutputBatch, OutputTensor, Session, catch_as_device_error,
};
use rayon::ThreadPool;

use crate::device::OpenDevice;
use crate::plan::Plan;

/// A [`Plan`] and the threads that run it.
pub(crate) struct BurnSession {
    backend: &'static str,
    plan: Plan,
    device: OpenDevice,
    pool: ThreadPool,
    image_shape: Vec<usize>,
    /// Names and shapes for one image.
    outputs: Vec<(String, Vec<usize>)>,
    max_batch: usize,
}

impl BurnSession {
    pub(crate) fn new(
        backend: &'static str,
        graph: &Graph,
        plan: Plan,
        device: OpenDevice,
        pool: ThreadPool,
        max_batch: usize,
    ) -> Self {
        let output =
            |value: &framegate_backend_api::graph::Value| (value.name.clone(), value.shape.clone());
        Self {
            backend,
            plan,
            device,
            pool,
            image_shape: graph.image_shape().to_vec(),
            outputs: graph.outputs.iter().map(|id| output(graph.value(*id))).collect(),
            max_batch,
        }
    }

    /// Runs `batch` black images, so that burn compiles, tunes and allocates now.
    pub(crate) fn warm_up(&self, batch: usize) -> Result<(), BackendError> {
        let image_len: usize = self.image_shape.iter().product();
        self.run(&vec![0.0; batch * image_len], batch).map(drop)
    }

    fn run(&self, images: &[f32], batch: usize) -> Result<Vec<TensorData>, BackendError> {
        let results: Result<Result<_, ExecutionError>, _> =
            catch_as_device_error(self.backend, || {
                self.pool.install(|| self.plan.run(images, batch))
            });
        let results = results.and_then(|results| {
            results.map_err(|error| BackendError::Device {
                backend: self.backend,
                reason: error.to_string(),
            })
        });
        results.inspect_err(|_| self.device.give_up())
    }
}

impl Session for BurnSession {
    fn infer(&mut self, batch: &InputBatch, out: &mut OutputBatch) -> Result<(), BackendError> {
        batch.check(&self.image_shape, self.max_batch)?;
        let results = self.run(batch.data(), batch.len())?;
        out.tensors.resize_with(self.outputs.len(), OutputTensor::default);
        for (tensor, (name, image_shape)) in out.tensors.iter_mut().zip(&self.outputs) {
            tensor.name.clone_from(name);
            tensor.image_shape.clone_from(image_shape);
            tensor.data.clear();
        }
        for results in results.chunks_exact(self.outputs.len()) {
            for (tensor, result) in out.tensors.iter_mut().zip(results) {
                let elements = result.as_slice().map_err(|error| BackendError::Device {
                    backend: self.backend,
                    reason: error.to_string(),
                })?;
                tensor.data.extend_from_slice(elements);
            }
        }
        Ok(())
    }
}
