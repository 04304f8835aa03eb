//! GPU devices that are lost.
#![cfg(feature = "wgpu")]

use std::collections::BTreeMap;

use framegate_backend_api::graph::{Activation, GraphBuilder, Operator};
use framegate_backend_api::{
    Backend, BackendError, InputBatch, Limits, Model, OutputBatch, Session,
};
use framegate_backend_burn::{WgpuOptions, destroy_devices, wgpu};

fn model() -> Model {
    let mut builder = GraphBuilder::new("image", [1, 3, 8, 8]);
    let input = builder.input();
    let node = Operator::Activation(Activation::Relu);
    let output = builder.push("relu", node, &[input]).unwrap();
    let graph = builder.finish(vec![output]);
    Model { name: "relu".to_owned(), graph, metadata: BTreeMap::new() }
}

fn run(session: &mut dyn Session) -> Result<f32, BackendError> {
    let mut batch = InputBatch::new([3, 8, 8], 1);
    batch.set_len(1);
    batch.slots_mut().flatten().for_each(|x| *x = 0.5);
    let mut out = OutputBatch::default();
    session.infer(&batch, &mut out)?;
    Ok(out.tensors[0].data[191])
}

/// One test: the devices are those of the whole process.
#[test]
fn a_lost_device_is_an_error_and_is_replaced_once() {
    let backend = wgpu(WgpuOptions { allow_software: true, adapter: None });
    if let Err(error) = backend.probe() {
        let required = std::env::var("FRAMEGATE_REQUIRE_ADAPTER").is_ok_and(|set| set == "1");
        assert!(!required, "{error}");
        eprintln!("skipped: {error}");
        return;
    }
    let limits = Limits { max_batch: 1, threads: 1 };
    let mut first = backend.load(&model(), &limits).unwrap();
    assert_eq!(run(first.as_mut()), Ok(0.5));
    destroy_devices();
    let lost = run(first.as_mut()).unwrap_err();
    assert!(matches!(lost, BackendError::Device { backend: "wgpu", .. }), "{lost}");

    let mut second = backend.load(&model(), &limits).unwrap();
    assert_eq!(run(second.as_mut()), Ok(0.5));
    destroy_devices();
    assert!(run(second.as_mut()).is_err());
    let refused = backend.load(&model(), &limits).err().map(|error| error.to_string());
    assert!(refused.as_ref().is_some_and(|text| text.contains("failed twice")), "{refused:?}");
}
