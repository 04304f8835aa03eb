//! Models that people have: which layout they are read in, and what they find.

use std::path::Path;

use framegate::{Pipeline, PipelineOptions, Thresholds};
use framegate_models::Detector;
use framegate_models::detector::LoadOptions;

use crate::support::test_data;

const NO_OPTIONS: LoadOptions = LoadOptions { labels: None, input_size: None };

/// Loads a file of the zoo; `None` where it is not there.
fn load(zoo: &Path, name: &str) -> Option<Result<Detector, String>> {
    let path = zoo.join(name);
    let loaded = path.is_file().then(|| Detector::load(&path, &NO_OPTIONS));
    loaded.map(|loaded| loaded.map_err(|error| error.to_string()))
}

#[test]
fn every_file_is_read_as_what_it_is() {
    let Some(data) = test_data() else { return };
    let zoo = data.join("zoo");
    for (name, layout) in [
        ("small/x-damo.onnx", "boxes-scores"),
        ("small/x-yolonas.onnx", "boxes-scores"),
        ("small/x-yolov4-head.onnx", "boxes-scores"),
        ("small/x-nanodet-plus.onnx", "nanodet-plus"),
        ("small/x-pose-nometa.onnx", "yolov8-pose"),
        ("small/x-rfdetr-like.onnx", "rt-detr"),
        ("small/x-topk6.onnx", "end-to-end"),
        ("trained/nanodet-m-0.5x.onnx", "nanodet"),
        ("trained/zineos-blazeface.onnx", "retinaface"),
        ("trained/scrfd-500m-kps.onnx", "scrfd"),
        ("trained/ultraface-rfb-320.onnx", "boxes-background"),
        ("trained/yolo-fastestv2.onnx", "yolo-fastestv2"),
    ] {
        let Some(loaded) = load(&zoo, name) else { continue };
        assert_eq!(loaded.map(|detector| detector.boxes.name()), Ok(layout), "{name}");
    }
}

#[test]
fn a_file_that_may_be_two_things_is_refused_with_the_lines_to_write() {
    let Some(data) = test_data() else { return };
    let zoo = data.join("zoo");
    for (name, lines) in [
        ("small/x-ultraface-like.onnx", &["boxes-scores", "boxes-background"][..]),
        ("small/x-yolov5-rawheads.onnx", &["yolov5-heads", "yolov7-heads"]),
        ("trained/retinaface-plate-mnet.onnx", &["retinaface\"", "retinaface-plates"]),
        // Its 32 weights and 16 prototypes do not belong together.
        ("small/x-seg-nometa.onnx", &["yolov8"]),
    ] {
        let Some(loaded) = load(&zoo, name) else { continue };
        let message = loaded.expect_err(name);
        for line in lines {
            let line = format!("`boxes = \"{line}");
            assert!(message.contains(&line), "{name}: no {line} in {message}");
        }
    }
}

fn pipeline(model: &Path, confidence: f32) -> Pipeline {
    let thresholds = Thresholds { confidence, ..Thresholds::DEFAULT };
    let options = PipelineOptions { thresholds, threads: 1, ..PipelineOptions::default() };
    Pipeline::load(model, &options).expect("the model loads")
}

/// Fractions of the input read as pixels would be boxes of one pixel.
#[test]
fn values_that_contradict_the_layout_are_an_error_of_the_frame() {
    let Some(data) = test_data() else { return };
    let model = data.join("zoo/small/x-e2e6-normalised.onnx");
    if !model.is_file() {
        return;
    }
    let jpeg = std::fs::read(data.join("images/000000006954.jpg")).unwrap();
    let error = pipeline(&model, 0.25).detect(&jpeg).unwrap_err();
    let cause = error.cause.expect("it is not the frame's fault");
    for fragment in ["end-to-end", "fractions of the input", "end-to-end-normalised"] {
        assert!(cause.contains(fragment), "no {fragment} in {cause}");
    }
}

/// Boxes `[x, y, width, height]` with class and score, as ONNX Runtime's outputs decoded with NumPy, by each
/// project's own formulas, give them.
type Expected = (usize, f32, [f32; 4]);

#[track_caller]
fn assert_finds(
    model: &str,
    image: &str,
    confidence: f32,
    expected: &[Expected],
    keypoints: usize,
) {
    let Some(data) = test_data() else { return };
    let path = data.join("zoo/trained").join(model);
    assert_file_finds(&data, &path, image, confidence, expected, keypoints);
}

#[track_caller]
fn assert_file_finds(
    data: &Path,
    path: &Path,
    image: &str,
    confidence: f32,
    expected: &[Expected],
    keypoints: usize,
) {
    if !path.is_file() {
        return;
    }
    let model = path.file_name().unwrap().display();
    let jpeg = std::fs::read(data.join("images").join(image)).unwrap();
    let found = pipeline(path, confidence).detect(&jpeg).unwrap().detections;
    for (class_id, score, [x, y, width, height]) in expected {
        let best = found.iter().find(|detection| {
            let right = (detection.x + detection.width).min(x + width);
            let bottom = (detection.y + detection.height).min(y + height);
            let overlap = (right - detection.x.max(*x)) * (bottom - detection.y.max(*y));
            let union = detection.width * detection.height + width * height - overlap;
            detection.class_id == *class_id && overlap / union >= 0.95
        });
        let best =
            best.unwrap_or_else(|| panic!("{model}: no {x} {y} {width} {height}: {found:?}"));
        assert!((best.score - score).abs() <= 0.02, "{model}: {best:?} does not score {score}");
        assert_eq!(best.keypoints.len(), keypoints, "{model}");
    }
}

#[test]
fn ultraface_finds_faces() {
    let faces = [
        (0, 1.0, [275.1, 132.5, 44.9, 56.2]),
        (0, 1.0, [201.9, 145.0, 42.0, 55.0]),
        (0, 0.999, [474.5, 145.7, 48.5, 58.4]),
    ];
    assert_finds("ultraface-rfb-320.onnx", "000000006954.jpg", 0.6, &faces, 0);
}

#[test]
fn scrfd_finds_faces_and_their_key_points() {
    let faces = [
        (0, 0.854, [382.8, 160.2, 32.9, 41.2]),
        (0, 0.844, [277.1, 136.6, 42.4, 53.6]),
        (0, 0.761, [26.5, 120.0, 82.8, 91.0]),
    ];
    assert_finds("scrfd-500m-kps.onnx", "000000006954.jpg", 0.5, &faces, 5);
}

/// Its prior boxes are larger than RetinaFace's, so that the sidecar must say so.
#[test]
fn retinaface_finds_plates_and_their_corners() {
    let Some(data) = test_data() else { return };
    let directory = tempfile::tempdir().unwrap();
    let model = directory.path().join("plates.onnx");
    if std::fs::copy(data.join("zoo/trained/retinaface-plate-mnet.onnx"), &model).is_err() {
        return;
    }
    let sidecar = "boxes = \"retinaface-plates\"\n";
    std::fs::write(directory.path().join("plates.toml"), sidecar).unwrap();
    let signs = [(0, 0.973, [49.4, 43.1, 295.6, 101.7])];
    assert_file_finds(&data, &model, "000000000885.jpg", 0.4, &signs, 4);
    let signs = [(0, 0.812, [179.5, 330.6, 52.8, 16.8]), (0, 0.63, [182.2, 277.1, 44.4, 14.6])];
    assert_file_finds(&data, &model, "000000005037.jpg", 0.4, &signs, 4);
}

#[test]
fn blazeface_of_zineos_finds_faces_and_their_key_points() {
    let faces = [
        (0, 0.826, [197.5, 147.0, 47.7, 45.7]),
        (0, 0.824, [272.8, 141.2, 46.2, 45.5]),
        (0, 0.739, [470.4, 148.0, 54.7, 52.9]),
    ];
    assert_finds("zineos-blazeface.onnx", "000000006954.jpg", 0.5, &faces, 5);
}

#[test]
fn nanodet_finds_people() {
    let people = [(0, 0.678, [401.6, 122.6, 224.9, 260.8])];
    assert_finds("nanodet-m-0.5x.onnx", "000000006954.jpg", 0.5, &people, 0);
}

#[test]
fn yolo_fastest_finds_people() {
    let people = [
        (0, 0.975, [2.1, 109.6, 173.0, 352.5]),
        (0, 0.927, [400.1, 128.4, 200.5, 241.4]),
        (0, 0.763, [172.9, 137.8, 182.0, 217.9]),
    ];
    assert_finds("yolo-fastestv2.onnx", "000000006954.jpg", 0.4, &people, 0);
}
