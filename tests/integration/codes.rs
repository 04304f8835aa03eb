//! The model in the program: what it promises of itself, and the same boxes on every backend.

use std::fs;
use std::path::Path;

use framegate::eval::{GroundTruth, LabelledImage, finds};
use framegate::stages::{BoxStage, DecodeLimits, Detection, Preprocessor, Thresholds};
use framegate_backend_api::{Backend, InputBatch, Limits, OutputBatch};
use framegate_models::Detector;
use framegate_models::detector::{EMBEDDED_MODEL, LoadOptions};

use crate::support::backends::usable;
use crate::support::images::GENERATED;
use crate::support::overlap::{iou, place};
use crate::support::program::{framegate, run};

/// Boxes of at least this score must be found by the other backend too.
const COUNTS: f32 = 0.30;
/// The parity rule of `framegate bench`.
const LEAST_IOU: f32 = 0.95;
const SCORE_TOLERANCE: f32 = 0.03;

fn detector() -> Detector {
    let options = LoadOptions { labels: None, input_size: None };
    Detector::load(Path::new(EMBEDDED_MODEL), &options).expect("it is part of the program")
}

fn labels() -> GroundTruth {
    let images = Path::new(GENERATED);
    GroundTruth::read(&images.join("labels.json"), Some(images), None).unwrap()
}

/// The boxes that a backend finds in each generated image, in the order of their names.
fn found_on(backend: &dyn Backend) -> Vec<Vec<Detection>> {
    let detector = detector();
    let mut session = backend.load(&detector.model, &Limits { max_batch: 1, threads: 2 }).unwrap();
    let mut preprocessor = Preprocessor::new(&detector.input, DecodeLimits::DEFAULT);
    let mut boxes = BoxStage::new(&detector, Thresholds::DEFAULT).unwrap();
    let mut input = InputBatch::new(detector.model.graph.image_shape(), 1);
    let mut outputs = OutputBatch::default();
    let mut find = |name: &String| {
        let jpeg = fs::read(Path::new(GENERATED).join(name)).unwrap();
        let slot = input.slots_mut().next().expect("a batch has room for one");
        let placement = preprocessor.preprocess(&jpeg, slot).unwrap().transform;
        input.set_len(1);
        session.infer(&input, &mut outputs).unwrap();
        let mut found = Vec::new();
        boxes.detect(&outputs, 0, &placement, &mut found).unwrap();
        found
    };
    labels().images().iter().map(|image| find(&image.name)).collect()
}

#[test]
fn it_is_small_enough_for_a_camera_on_two_cores() {
    let inspected = run(&mut framegate(["models", "inspect", "codes", "--json"]));
    let report: serde_json::Value = serde_json::from_str(&inspected.stdout).unwrap();
    let multiply_adds = report["graph"]["multiply_adds"].as_u64().unwrap();
    assert!(multiply_adds <= 350_000_000, "{multiply_adds}");
    let labels = &report["detector"]["labels"];
    assert_eq!(*labels, serde_json::json!(["qr_code", "data_matrix", "aztec", "pdf417", "linear"]));
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/codes/codes.onnx");
    assert!(fs::metadata(file).unwrap().len() <= 3_000_000);
}

#[test]
fn it_finds_the_codes_in_generated_images() {
    let Some(backend) = usable("simd") else { return };
    for (image, found) in labels().images().iter().zip(found_on(backend.as_ref())) {
        let LabelledImage { name, objects: labels, .. } = image;
        let count = |detection: &&Detection| detection.score >= COUNTS;
        let found: Vec<&Detection> = found.iter().filter(count).collect();
        for label in labels {
            assert!(found.iter().any(|box_| finds(box_, label)), "{name}: {label:?} in {found:?}");
        }
        if labels.is_empty() {
            assert!(found.is_empty(), "{name}: {found:?}");
        }
    }
}

#[test]
fn ndarray_finds_what_simd_finds() {
    compare("ndarray");
}

#[test]
fn flex_finds_what_simd_finds() {
    compare("flex");
}

#[test]
fn wgpu_finds_what_simd_finds() {
    compare("wgpu");
}

#[test]
fn ort_finds_what_simd_finds() {
    compare("ort");
}

fn compare(id: &str) {
    let (Some(expected), Some(other)) = (usable("simd"), usable(id)) else { return };
    let (expected, found) = (found_on(expected.as_ref()), found_on(other.as_ref()));
    for ((image, expected), found) in labels().images().iter().zip(&expected).zip(&found) {
        assert_in(&image.name, expected, found);
        assert_in(&image.name, found, expected);
    }
}

/// Asserts that every box that counts has its like among `others`.
fn assert_in(image: &str, boxes: &[Detection], others: &[Detection]) {
    for wanted in boxes.iter().filter(|one| one.score >= COUNTS) {
        let like = |other: &&Detection| {
            other.class_id == wanted.class_id
                && (other.score - wanted.score).abs() <= SCORE_TOLERANCE
                && iou(place(wanted), place(other)) >= LEAST_IOU
        };
        assert!(others.iter().any(|other| like(&other)), "{image}: {wanted:?} in {others:?}");
    }
}
