//! Runs real models at every level and compares every raw output with that of ONNX Runtime for the same
//! input.
//!
//! The data are in the folder `FRAMEGATE_TEST_DATA`, by default `../shared`, relative to the workspace.
//! Without them the tests are skipped, and say so.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::env;
use std::path::{Path, PathBuf};

use framegate_backend_api::{Backend, InputBatch, Limits, OutputBatch};
use framegate_backend_simd::{Level, Precision, SimdBackend, SimdOptions};
use framegate_models::Detector;
use framegate_models::detector::LoadOptions;

/// Relative to the largest reference element.
const TOLERANCE: f32 = 1e-3;
/// Relative to the root mean square of the elements.
const BF16_TOLERANCE: f32 = 0.1;
const BATCH: usize = 3;

#[test]
fn yolox_nano() {
    check("yolox_nano");
}

#[test]
fn yunet() {
    check("yunet_n_320_320");
}

fn check(model: &str) {
    let Some(data) = test_data() else { return };
    let path = data.join(format!("models/{model}.onnx"));
    let detector = Detector::load(&path, &LoadOptions { labels: None, input_size: None }).unwrap();
    let image_shape = detector.model.graph.image_shape();
    let input = array(&data, model, "input");
    let mut batch = InputBatch::new(image_shape, BATCH);
    batch.slots_mut().for_each(|slot| slot.copy_from_slice(&input));
    let levels = Level::available();
    let precisions = [(Precision::F32, TOLERANCE), (Precision::Bf16, BF16_TOLERANCE)];
    let combinations = levels.iter().flat_map(|level| precisions.map(|it| (*level, it)));
    for (level, (precision, tolerance)) in combinations.filter(|(level, it)| level.has(it.0)) {
        let limits = Limits { max_batch: BATCH, threads: 2 };
        let backend = SimdBackend::new(SimdOptions { level, precision });
        let mut session = backend.load(&detector.model, &limits).unwrap();
        let mut outputs = OutputBatch::default();
        for len in 1..=BATCH {
            batch.set_len(len);
            session.infer(&batch, &mut outputs).unwrap();
            assert_eq!(outputs.tensors.len(), detector.model.graph.outputs.len());
            for tensor in &outputs.tensors {
                let expected = array(&data, model, &tensor.name);
                for image in 0..len {
                    let got = tensor.image(image);
                    assert_eq!(got.len(), expected.len());
                    let error = match precision {
                        Precision::F32 => largest_error(got, &expected),
                        // A few cells far from any object are very sensitive to rounding.
                        Precision::Bf16 | Precision::Int8 => mean_error(got, &expected),
                    };
                    let about = format!("{level}, {precision}, {}", tensor.name);
                    assert!(error <= tolerance, "{about}: {error}");
                }
            }
        }
    }
}

/// The largest difference, relative to the largest element.
fn largest_error(got: &[f32], expected: &[f32]) -> f32 {
    let largest = expected.iter().fold(0.0_f32, |largest, x| largest.max(x.abs()));
    got.iter().zip(expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max) / largest
}

/// The root mean square of the differences, relative to that of the elements.
fn mean_error(got: &[f32], expected: &[f32]) -> f32 {
    let squares = |numbers: &mut dyn Iterator<Item = f32>| numbers.map(|x| x * x).sum::<f32>();
    let errors = squares(&mut got.iter().zip(expected).map(|(a, b)| a - b));
    (errors / squares(&mut expected.iter().copied())).sqrt()
}

fn test_data() -> Option<PathBuf> {
    let folder = env::var_os("FRAMEGATE_TEST_DATA").unwrap_or_else(|| "../shared".into());
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(folder);
    if folder.is_dir() {
        return Some(folder);
    }
    let required = env::var_os("FRAMEGATE_REQUIRE_TEST_DATA").is_some_and(|value| value == "1");
    assert!(!required, "no test data: set FRAMEGATE_TEST_DATA to its folder");
    eprintln!("skipped: no test data; set FRAMEGATE_TEST_DATA to its folder");
    None
}

fn array(data: &Path, model: &str, name: &str) -> Vec<f32> {
    let path = data.join(format!("reference/{model}.{name}.npy"));
    let bytes = std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    npyz::NpyFile::new(bytes.as_slice()).unwrap().into_vec::<f32>().unwrap()
}
