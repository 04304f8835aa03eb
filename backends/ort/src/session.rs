//! Runs batches on ONNX Runtime.

use framegate_backend_api::graph::{Batching, Graph};
use framegate_backend_api::{BackendError, InputBatch, OutputBatch, Session};
use ort::value::TensorRef;

use crate::BACKEND;

/// A model that the runtime has loaded.
pub(crate) struct OrtSession {
    session: ort::session::Session,
    image_shape: Vec<usize>,
    /// Names and shapes for one image, without elements.
    declared: OutputBatch,
    batching: Batching,
    max_batch: usize,
}

impl OrtSession {
    pub(crate) fn new(session: ort::session::Session, graph: &Graph, max_batch: usize) -> Self {
        Self {
            session,
            image_shape: graph.image_shape().to_vec(),
            declared: OutputBatch::declared_by(graph),
            batching: graph.batching,
            max_batch,
        }
    }

    /// Runs black images, so that the runtime allocates its memory now.
    pub(crate) fn warm_up(&mut self, images: usize) -> Result<(), BackendError> {
        let mut batch = InputBatch::new(self.image_shape.as_slice(), images);
        batch.set_len(images);
        self.infer(&batch, &mut OutputBatch::default())
    }

    /// Runs `count` images at once and appends the outputs to `out`.
    fn run(&mut self, images: &[f32], count: usize, out: &mut OutputBatch) -> ort::Result<()> {
        let shape: Vec<usize> = [&[count], self.image_shape.as_slice()].concat();
        let input = TensorRef::from_array_view((shape, images))?;
        let outputs = self.session.run(ort::inputs![input])?;
        for (tensor, output) in out.tensors.iter_mut().zip(outputs.values()) {
            let (_, elements) = output.try_extract_tensor::<f32>()?;
            tensor.data.extend_from_slice(elements);
        }
        Ok(())
    }
}

impl Session for OrtSession {
    fn infer(&mut self, batch: &InputBatch, out: &mut OutputBatch) -> Result<(), BackendError> {
        batch.check(&self.image_shape, self.max_batch)?;
        out.tensors.resize_with(self.declared.tensors.len(), Default::default);
        for (tensor, declared) in out.tensors.iter_mut().zip(&self.declared.tensors) {
            tensor.name.clone_from(&declared.name);
            tensor.image_shape.clone_from(&declared.image_shape);
            tensor.data.clear();
        }
        let images_per_run = match self.batching {
            Batching::FirstAxis => batch.len(),
            Batching::OneByOne => 1,
        };
        let image_len: usize = self.image_shape.iter().product();
        for images in batch.data().chunks_exact(image_len * images_per_run) {
            self.run(images, images_per_run, out).map_err(|problem| BackendError::Device {
                backend: BACKEND,
                reason: problem.to_string(),
            })?;
        }
        Ok(())
    }
}
