//! `framegate eval` on generated images, with the built-in model.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::support::images::{GENERATED, plain};
use crate::support::jpeg::decode;
use crate::support::program::{Ended, cpu_backends, framegate, run};

/// Evaluates the images in `folder` against its `labels.json`, on our own engine.
fn eval(folder: &Path, arguments: &[&str]) -> Ended {
    let labels = folder.join("labels.json");
    let mut command = framegate(["eval", "--backend", "simd"]);
    command.arg("--ground-truth").arg(labels).arg("--images").arg(folder);
    run(command.args(arguments))
}

fn report(ended: &Ended) -> Value {
    serde_json::from_str(&ended.stdout).expect(&ended.stderr)
}

/// Whether our own engine is in this build; it is by default.
fn has_simd() -> bool {
    cpu_backends().contains(&"simd")
}

#[test]
fn found_missed_and_unlabelled_objects_are_reported() {
    if !has_simd() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    for name in ["qr_code.jpg", "linear.jpg", "text.jpg"] {
        fs::copy(Path::new(GENERATED).join(name), folder.path().join(name)).unwrap();
    }
    let labels = r#"{
        "qr_code.jpg": {"objects": [{"label": "qr_code", "x": 24, "y": 1, "w": 356, "h": 309}]},
        "linear.jpg": {"width": 416, "codes": [{"label": "aztec", "x": 300, "y": 20, "w": 50, "h": 50, "text": "A"}]},
        "text.jpg": {"objects": []}
    }"#;
    fs::write(folder.path().join("labels.json"), labels).unwrap();
    let marked = folder.path().join("marked");
    let ended = eval(folder.path(), &["--json", "--annotate", marked.to_str().unwrap()]);
    assert_eq!(ended.status, 0, "{}", ended.stderr);
    let report = report(&ended);
    assert_eq!(report["model"], "codes");
    assert_eq!(report["images"], 3);
    assert_eq!(report["all"]["labelled"], 2);
    assert_eq!(report["all"]["found"], 1);
    assert_eq!(report["all"]["recall"], 0.5);
    let class = |name: &str| {
        let classes = report["classes"].as_array().unwrap();
        classes.iter().find(|class| class["label"] == name).unwrap().clone()
    };
    assert_eq!(class("qr_code")["precision"], 1.0);
    assert_eq!((&class("linear")["right"], &class("linear")["labelled"]), (&0.into(), &0.into()));
    assert_eq!(report["without_labels"]["images"], 1);
    let missed = report["missed"].as_array().unwrap();
    assert_eq!(missed.len(), 1);
    assert!(missed[0]["file"].as_str().unwrap().ends_with("linear.jpg"));
    assert_eq!((&missed[0]["label"], &missed[0]["w"]), (&"aztec".into(), &50.0.into()));
    assert_eq!(report["unlabelled"][0]["label"], "linear");

    let read = |path: &Path| decode(&fs::read(path).unwrap()).unwrap().pixels;
    for name in ["qr_code.jpg", "linear.jpg"] {
        assert_ne!(read(&folder.path().join(name)), read(&marked.join(name)), "{name} has marks");
    }

    let text = eval(folder.path(), &[]).stdout;
    assert!(text.contains("linear.jpg: aztec at 300,20 50x50; saw linear 0."), "{text}");
    assert!(text.contains("0.500"), "{text}");
}

#[test]
fn negatives_are_images_without_objects() {
    if !has_simd() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let with = |name: &str| folder.path().join(name);
    fs::write(with("labels.json"), r#"{"a.jpg": {"objects": []}}"#).unwrap();
    fs::write(with("a.jpg"), plain(64, 48, [90, 120, 90])).unwrap();
    fs::create_dir(with("empty")).unwrap();
    fs::write(with("empty/b.jpg"), plain(64, 48, [10, 20, 200])).unwrap();
    let empty = with("empty");
    let ended = eval(folder.path(), &["--json", "--negatives", empty.to_str().unwrap()]);
    assert_eq!(report(&ended)["without_labels"]["images"], 2);
    assert_eq!(report(&ended)["without_labels"]["boxes_per_image"], 0.0);
    assert!(report(&ended)["all"]["recall"].is_null(), "without objects there is no recall");
}

#[test]
fn an_unreadable_image_is_reported_and_not_counted() {
    if !has_simd() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let labels =
        r#"{"gone.jpg": {"objects": [{"label": "aztec", "x": 0, "y": 0, "w": 9, "h": 9}]}}"#;
    fs::write(folder.path().join("labels.json"), labels).unwrap();
    let ended = eval(folder.path(), &["--json"]);
    assert_eq!(ended.status, 1);
    assert!(ended.stderr.contains("gone.jpg"), "{}", ended.stderr);
    assert_eq!(report(&ended)["images"], 0);
    assert_eq!(report(&ended)["all"]["labelled"], 0);
}

#[test]
fn an_unusable_ground_truth_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    eval(folder.path(), &[]).assert_refused(1, &["labels.json"]);
    for (labels, words) in [
        (r#"{"a.jpg": {"things": []}}"#, ["labels.json", "objects"]),
        (
            r#"{"a.jpg": {"objects": [{"label": "qr_code", "x": 0, "y": 0, "w": 1}]}}"#,
            ["`h`", "line 1"],
        ),
    ] {
        fs::write(folder.path().join("labels.json"), labels).unwrap();
        eval(folder.path(), &[]).assert_refused(1, &words);
    }
    if has_simd() {
        let labels =
            r#"{"a.jpg": {"objects": [{"label": "cat", "x": 0, "y": 0, "w": 1, "h": 1}]}}"#;
        fs::write(folder.path().join("labels.json"), labels).unwrap();
        eval(folder.path(), &[]).assert_refused(1, &["a.jpg", "`cat`", "qr_code"]);
    }
    run(framegate(["eval"]).args([
        "--ground-truth",
        "a.json",
        "--images",
        "b",
        "--negatives",
        "-",
    ]))
    .assert_refused(2, &["--negatives -"]);
}
