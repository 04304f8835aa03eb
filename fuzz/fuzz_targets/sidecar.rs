//! Any text as a sidecar, and as the class names and sizes in a model's metadata. The detector may be
//! refused; one that is accepted can be fed and its outputs read.
//!
//! A NUL byte separates sidecar, `names`, `imgsz` and `task`.

#![no_main]

use framegate::stages::{BoxStage, DecodeLimits, Preprocessor, Thresholds};
use framegate_fuzz::{FixedOutputs, ModelFolder};
use libfuzzer_sys::fuzz_target;

/// Larger inputs are accepted, but take memory.
const LARGEST: usize = 512;

thread_local! {
    static FOLDER: ModelFolder = ModelFolder::new("sidecar");
}

fuzz_target!(|text: &str| {
    let mut parts = text.split('\0');
    let sidecar = parts.next().unwrap_or_default();
    let keys = ["names", "imgsz", "task"];
    let metadata: Vec<(&str, &str)> = keys.into_iter().zip(parts).collect();
    // A `yolov8` of two classes, which `boxes` may call a classifier's or another's.
    let outputs = [("output".to_owned(), vec![1, 6, 84])];
    let model = FixedOutputs { side: None, outputs: &outputs, metadata: &metadata };
    let loaded = FOLDER.with(|folder| {
        folder.write("model.onnx", &model.encode());
        folder.write("model.toml", sidecar.as_bytes());
        folder.load()
    });
    let Ok(detector) = loaded else { return };

    assert!(!detector.labels.is_empty());
    let values = detector.input.mean.iter().chain(&detector.input.scale);
    assert!(values.into_iter().all(|value| value.is_finite()));
    assert!(BoxStage::new(&detector, Thresholds::DEFAULT).is_ok());
    if detector.input.width <= LARGEST && detector.input.height <= LARGEST {
        let _ = Preprocessor::new(&detector.input, DecodeLimits::DEFAULT);
    }
});
