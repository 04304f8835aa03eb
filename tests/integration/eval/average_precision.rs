//! Average precision against the figures of pycocotools, on data that `tests/yardsticks/coco.py` generates.

use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::time::Instant;

use framegate::Size;
use framegate::eval::{AveragePrecision, ClassPrecision, GroundTruth, PrecisionTally};
use framegate::stages::Detection;
use serde_json::Value;

/// The largest difference from pycocotools that is allowed.
const TOLERANCE: f64 = 1e-4;

fn json(path: &Path) -> Value {
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

/// Objects and boxes of a folder, by Framegate's own types.
struct Data {
    labels: Vec<String>,
    truth: GroundTruth,
    /// Highest score first, in the order of the images.
    found: Vec<Vec<Detection>>,
}

fn read(folder: &Path) -> Data {
    let file = json(&folder.join("labels.json"));
    let list = |key: &str| file[key].as_array().unwrap().clone();
    let number = |value: &Value| value.as_i64().unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let labels: Vec<String> = list("categories").iter().map(|one| text(&one["name"])).collect();
    let classes: HashMap<i64, usize> =
        list("categories").iter().map(|one| number(&one["id"])).zip(0..).collect();
    let names: HashMap<i64, String> =
        list("images").iter().map(|one| (number(&one["id"]), text(&one["file_name"]))).collect();
    let mut by_image: HashMap<&str, Vec<Detection>> = HashMap::new();
    let found = json(&folder.join("found.json"));
    for one in found.as_array().unwrap() {
        let class = classes[&number(&one["category_id"])];
        let place = [0, 1, 2, 3].map(|index| one["bbox"][index].as_f64().unwrap() as f32);
        let score = one["score"].as_f64().unwrap() as f32;
        let detection = Detection::of_box(labels[class].as_str(), class, score, place);
        by_image.entry(&names[&number(&one["image_id"])]).or_default().push(detection);
    }
    let truth = GroundTruth::read(&folder.join("labels.json"), Some(folder), None).unwrap();
    let found = truth.images().iter().map(|image| {
        let mut found = by_image.remove(&*image.name).unwrap_or_default();
        found.sort_by(|a, b| b.score.total_cmp(&a.score));
        found
    });
    let found = found.collect();
    Data { labels, truth, found }
}

fn evaluate(data: &Data) -> (Vec<ClassPrecision>, AveragePrecision) {
    let mut precision = PrecisionTally::new(&data.labels);
    let size = Size { width: 640, height: 480 };
    for (path, found) in data.truth.paths().zip(&data.found) {
        precision.add(&data.truth.objects(&path, size).unwrap(), found);
    }
    precision.report()
}

/// Asserts that every figure is that of `expected.json`; the largest difference.
fn assert_equal(folder: &Path, data: &Data) -> f64 {
    let expected = json(&folder.join("expected.json"));
    let (classes, all) = evaluate(data);
    let mut largest: f64 = 0.0;
    let mut assert_near = |name: &str, found: Option<f64>, expected: &Value| {
        assert_eq!(found.is_none(), expected.is_null(), "{name}: {found:?} and {expected}");
        let Some((found, expected)) = found.zip(expected.as_f64()) else { return };
        largest = largest.max((found - expected).abs());
        assert!((found - expected).abs() < TOLERANCE, "{name}: {found} and {expected}");
    };
    let figures = serde_json::to_value(&all).unwrap();
    let expected_figures = expected["all"].as_object().unwrap();
    assert_eq!(figures.as_object().unwrap().len(), expected_figures.len());
    for (name, expected) in expected_figures {
        assert_near(name, figures[name].as_f64(), expected);
    }
    for (label, class) in data.labels.iter().zip(&classes) {
        assert_near(label, class.ap50, &expected["classes"][label]["ap50"]);
        assert_near(label, class.ap50_95, &expected["classes"][label]["ap50_95"]);
    }
    largest
}

#[test]
fn figures_are_those_of_pycocotools() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/integration/data/coco");
    let data = read(&folder);
    assert_equal(&folder, &data);
    // The data distinguish the rules: other figures follow from other boxes, and some are undefined.
    let all = evaluate(&data).1;
    assert!(all.map50 > all.map50_95 && all.ar100 > all.ar10 && all.ar10 > all.ar1);
    assert_ne!(all.map_small, all.map_large);
}

#[test]
#[ignore = "needs a folder that tests/yardsticks/coco.py has written, in FRAMEGATE_COCO"]
fn figures_and_time_on_a_large_data_set() {
    let folder = std::env::var_os("FRAMEGATE_COCO").expect("FRAMEGATE_COCO names a folder");
    let folder = Path::new(&folder);
    let data = read(folder);
    let largest = assert_equal(folder, &data);
    let start = Instant::now();
    evaluate(&data);
    let boxes: usize = data.found.iter().map(Vec::len).sum();
    let seconds = start.elapsed().as_secs_f64();
    println!("{boxes} boxes: {seconds:.2} s, the largest difference is {largest:.1e}");
}
