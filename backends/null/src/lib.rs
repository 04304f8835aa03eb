//! Backend `null`: computes nothing. Every call takes a configured time and returns zeros.
//!
//! Use it to exercise flow control and to measure a server without the cost of a model, or without a model.

mod options;

use std::thread::sleep;
use std::time::Duration;

use framegate_backend_api::{
    Backend, BackendError, DeviceInfo, DeviceKind, InputBatch, Limits, Model, OutputBatch, Session,
};

pub use options::{NullOptions, NullOptionsError};

/// The backend `null`.
#[derive(Debug, Clone, Copy)]
pub struct NullBackend {
    options: NullOptions,
}

impl NullBackend {
    /// A backend whose calls take the time that `options` give.
    pub fn new(options: NullOptions) -> Self {
        Self { options }
    }
}

impl Backend for NullBackend {
    fn name(&self) -> &'static str {
        "null"
    }

    fn probe(&self) -> Result<DeviceInfo, BackendError> {
        Ok(DeviceInfo { name: format!("no device, {}", self.options), kind: DeviceKind::Cpu })
    }

    fn load(&self, model: &Model, limits: &Limits) -> Result<Box<dyn Session>, BackendError> {
        Ok(Box::new(NullSession {
            options: self.options,
            image_shape: model.graph.image_shape().to_vec(),
            max_batch: limits.max_batch,
            outputs: OutputBatch::declared_by(&model.graph),
        }))
    }
}

struct NullSession {
    options: NullOptions,
    image_shape: Vec<usize>,
    max_batch: usize,
    /// Names and shapes, without elements.
    outputs: OutputBatch,
}

impl Session for NullSession {
    fn infer(&mut self, batch: &InputBatch, out: &mut OutputBatch) -> Result<(), BackendError> {
        batch.check(&self.image_shape, self.max_batch)?;
        let duration = self.options.duration(batch.len());
        if duration > Duration::ZERO {
            sleep(duration);
        }
        out.tensors.clone_from(&self.outputs.tensors);
        for tensor in &mut out.tensors {
            let elements = batch.len() * tensor.image_shape.iter().product::<usize>();
            tensor.data.resize(elements, 0.0);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use framegate_backend_api::graph::{GraphBuilder, Operator, Unary};

    use super::*;

    #[test]
    fn every_output_is_present_and_zero() {
        let mut builder = GraphBuilder::new("x", [1, 2, 3]);
        let negated = builder.push("y", Operator::Unary(Unary::Neg), &[builder.input()]);
        let graph = builder.finish(vec![negated.expect("the operand fits")]);
        let model = Model { name: "m".to_owned(), graph, metadata: BTreeMap::new() };
        let limits = Limits { max_batch: 4, threads: 1 };
        let backend = NullBackend::new(NullOptions::INSTANT);
        let mut session = backend.load(&model, &limits).expect("null loads anything");
        let mut batch = InputBatch::new([2, 3], 4);
        let mut out = OutputBatch::default();
        for images in [3, 1, 4] {
            batch.set_len(images);
            session.infer(&batch, &mut out).expect("the batch fits");
            assert_eq!(out.tensors[0].name, "y");
            assert_eq!(out.tensors[0].image_shape, [1, 2, 3]);
            assert_eq!(out.tensors[0].data, vec![0.0; images * 6]);
        }
        batch.set_len(0);
        assert!(session.infer(&batch, &mut out).is_err());
    }
}
