//! The scalar definition of the operators, as a backend.

use framegate_backend_api::graph::Graph;
use framegate_backend_api::{
    Backend, BackendError, DeviceInfo, DeviceKind, HostTensor, InputBatch, Limits, Model,
    OutputBatch, Session, TensorData,
};
use framegate_scalar::evaluate_graph;

/// Runs every graph image by image in scalar code, by the definition of its operators.
#[derive(Debug, Clone, Copy, Default)]
pub struct ReferenceBackend;

impl Backend for ReferenceBackend {
    fn name(&self) -> &'static str {
        "reference"
    }

    fn probe(&self) -> Result<DeviceInfo, BackendError> {
        Ok(DeviceInfo { name: "scalar arithmetic in f64".to_owned(), kind: DeviceKind::Cpu })
    }

    fn load(&self, model: &Model, limits: &Limits) -> Result<Box<dyn Session>, BackendError> {
        Ok(Box::new(ReferenceSession { graph: model.graph.clone(), max_batch: limits.max_batch }))
    }
}

struct ReferenceSession {
    graph: Graph,
    max_batch: usize,
}

impl Session for ReferenceSession {
    fn infer(&mut self, batch: &InputBatch, out: &mut OutputBatch) -> Result<(), BackendError> {
        batch.check(self.graph.image_shape(), self.max_batch)?;
        *out = OutputBatch::declared_by(&self.graph);
        for index in 0..batch.len() {
            let results = run_image(&self.graph, batch.image(index));
            for (tensor, result) in out.tensors.iter_mut().zip(&results) {
                tensor.data.extend(as_f32(result));
            }
        }
        Ok(())
    }
}

/// Every output of a graph for one image.
pub(crate) fn run_image(graph: &Graph, image: &[f32]) -> Vec<HostTensor> {
    let shape = graph.value(graph.input).shape.as_slice();
    evaluate_graph(graph, &HostTensor::from_f32(shape, image.to_vec()))
}

/// The elements as they cross the boundary: integers rounded to `f32`, booleans as 0 and 1.
pub(crate) fn as_f32(tensor: &HostTensor) -> Vec<f32> {
    match tensor.data() {
        TensorData::F32(elements) => elements.clone(),
        TensorData::I64(elements) => elements.iter().map(|element| *element as f32).collect(),
        TensorData::Bool(elements) => elements.iter().map(|element| f32::from(*element)).collect(),
    }
}
