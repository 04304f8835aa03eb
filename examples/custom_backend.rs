//! A compute backend of your own: two traits, `Backend` and `Session`.
//!
//! This one computes nothing. It writes the outputs of a detector that is certain of one barcode in the
//! top left corner of every image, so that everything around a model can be tried without one.
//!
//! ```sh
//! cargo run --example custom_backend
//! ```

use std::error::Error;

use framegate::{
    Backend, BackendError, DeviceInfo, DeviceKind, InputBatch, Limits, Model, OutputBatch,
    Pipeline, PipelineOptions, Session,
};

/// A backend that loads any model and never runs it.
struct Pretend;

impl Backend for Pretend {
    fn name(&self) -> &'static str {
        "pretend"
    }

    fn probe(&self) -> Result<DeviceInfo, BackendError> {
        Ok(DeviceInfo { name: "nothing at all".to_owned(), kind: DeviceKind::Cpu })
    }

    fn load(&self, model: &Model, limits: &Limits) -> Result<Box<dyn Session>, BackendError> {
        Ok(Box::new(PretendSession {
            image_shape: model.graph.image_shape().to_vec(),
            outputs: OutputBatch::declared_by(&model.graph),
            max_batch: limits.max_batch,
        }))
    }
}

/// A loaded model: the shapes of its input and outputs are all this backend needs of it.
struct PretendSession {
    image_shape: Vec<usize>,
    outputs: OutputBatch,
    max_batch: usize,
}

impl Session for PretendSession {
    fn infer(&mut self, batch: &InputBatch, out: &mut OutputBatch) -> Result<(), BackendError> {
        batch.check(&self.image_shape, self.max_batch)?;
        out.clone_from(&self.outputs);
        for tensor in &mut out.tensors {
            let elements: usize = tensor.image_shape.iter().product();
            let mut image = vec![0.0; elements];
            // The built-in model writes a row per cell of a grid: x, y, width and height relative to
            // the cell, a score for "object", then a score per class. Set both scores in the first row.
            image[4..6].fill(1.0);
            tensor.data = image.repeat(batch.len());
        }
        Ok(())
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut pipeline = Pipeline::load_on("codes", &Pretend, &PipelineOptions::default())?;
    let jpeg = std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/codes.jpg"))?;
    let result = pipeline.detect(&jpeg)?;
    println!("{} on {}: {:?}", pipeline.backend(), pipeline.device().name, result.detections);
    assert_eq!(result.detections.len(), 1);
    Ok(())
}
