//! Reference results of ONNX Runtime and OpenCV on the images in the test data.

use std::path::Path;

use framegate::npy;

/// The reference detections on one image.
#[derive(Debug, serde::Deserialize)]
pub(crate) struct ReferenceImage {
    pub(crate) width: usize,
    pub(crate) height: usize,
    /// Best score first.
    pub(crate) detections: Vec<ReferenceDetection>,
}

/// A detection, in pixels of the image.
#[derive(Debug, serde::Deserialize)]
pub(crate) struct ReferenceDetection {
    pub(crate) class_id: usize,
    pub(crate) score: f32,
    pub(crate) x: f32,
    pub(crate) y: f32,
    pub(crate) w: f32,
    pub(crate) h: f32,
}

/// The reference detections of `model` on one image.
pub(crate) fn reference_image(data: &Path, model: &str, image: &str) -> ReferenceImage {
    let path = data.join(format!("reference/{model}.json"));
    let text = std::fs::read_to_string(path).expect("the reference is readable");
    let mut file: serde_json::Value = serde_json::from_str(&text).expect("the reference is JSON");
    serde_json::from_value(file["images"][image].take()).expect("the reference has the image")
}

/// The reference's raw output `name` of `model`, which must have this shape.
pub(crate) fn reference_output(data: &Path, model: &str, name: &str, shape: &[usize]) -> Vec<f32> {
    let path = data.join(format!("reference/{model}.{name}.npy"));
    let (found, elements) = npy::read_f32(&path).expect("the reference is readable");
    assert_eq!(found, shape, "{model}.{name}");
    elements
}
