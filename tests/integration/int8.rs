//! `--precision int8`: models that are quantised when they are loaded, or by the first frames.

use std::path::{Path, PathBuf};

use framegate::{BackendOptions, Detection, Pipeline, PipelineOptions};
use framegate_cpu::Precision;

use crate::support::backends::usable;
use crate::support::images::GENERATED;
use crate::support::overlap::{iou, place};

fn options(precision: Precision, calibrate: Option<&str>) -> PipelineOptions {
    let calibrate = calibrate.map(PathBuf::from);
    PipelineOptions {
        backend: Some("simd".parse().unwrap()),
        backend_options: BackendOptions { precision, calibrate, ..BackendOptions::default() },
        threads: 2,
        text: false,
        ..PipelineOptions::default()
    }
}

fn load(precision: Precision, calibrate: Option<&str>) -> Pipeline {
    Pipeline::load("codes", &options(precision, calibrate)).unwrap()
}

fn jpegs() -> Vec<Vec<u8>> {
    let names = ["aztec.jpg", "data_matrix.jpg", "linear.jpg", "pdf417.jpg", "several.jpg"];
    names.map(|name| std::fs::read(Path::new(GENERATED).join(name)).unwrap()).to_vec()
}

fn detect(pipeline: &mut Pipeline, jpeg: &[u8]) -> Vec<Detection> {
    pipeline.detect(jpeg).unwrap().detections
}

/// Whether each clear box of `f32` is found in 8 bits, with its class, place and about its score.
fn agree(expected: &[Detection], found: &[Detection]) -> bool {
    let has_match = |one: &Detection| {
        found.iter().any(|other| {
            let is_near = (one.score - other.score).abs() < 0.25;
            one.class_id == other.class_id && iou(place(one), place(other)) > 0.85 && is_near
        })
    };
    expected.iter().filter(|one| one.score > 0.7).all(has_match)
}

#[test]
fn a_model_that_is_calibrated_when_it_is_loaded_finds_the_same() {
    if usable("simd").is_none() {
        return;
    }
    let mut exact = load(Precision::F32, None);
    let mut int8 = load(Precision::Int8, Some(GENERATED));
    assert!(int8.device().name.ends_with("int8"), "{}", int8.device().name);
    for jpeg in jpegs() {
        let (expected, found) = (detect(&mut exact, &jpeg), detect(&mut int8, &jpeg));
        assert!(!expected.is_empty());
        assert!(agree(&expected, &found), "{expected:?}\n{found:?}");
        assert_ne!(expected, found, "nothing was rounded");
    }
}

#[test]
fn without_frames_to_calibrate_on_it_takes_the_first_that_arrive() {
    if usable("simd").is_none() {
        return;
    }
    let mut exact = load(Precision::F32, None);
    let mut int8 = load(Precision::Int8, None);
    let jpegs = jpegs();
    let expected: Vec<_> = jpegs.iter().map(|jpeg| detect(&mut exact, jpeg)).collect();
    assert_eq!(detect(&mut int8, &jpegs[0]), expected[0], "the first frame is computed in f32");
    let mut rounded = None;
    for (jpeg, expected) in jpegs.iter().zip(&expected).cycle().take(20_000) {
        let found = detect(&mut int8, jpeg);
        assert!(agree(expected, &found), "{expected:?}\n{found:?}");
        if found != *expected {
            rounded = Some(found);
            break;
        }
    }
    assert!(rounded.is_some(), "it stayed in f32");
}

#[test]
fn frames_that_cannot_be_read_are_an_error() {
    if usable("simd").is_none() {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let empty = directory.path().to_str().unwrap();
    let error = Pipeline::load("codes", &options(Precision::Int8, Some(empty))).err().unwrap();
    let text = error.to_string();
    assert!(text.contains("cannot calibrate int8") && text.contains("no .jpg"), "{text}");
    // Another precision needs none.
    assert!(Pipeline::load("codes", &options(Precision::F32, Some(empty))).is_ok());
}
