//! `framegate eval` on generated images, with the built-in model.

mod average_precision;
mod formats;
mod tracks;

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::support::images::{GENERATED, plain};
use crate::support::jpeg::decode;
use crate::support::program::{Ended, cpu_backends, framegate, run};
use crate::support::symbols::{BADGE, PARCEL, jpeg_of};

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
fn texts_are_compared_where_they_are_labelled() {
    if !has_simd() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    for (name, symbol) in [("a.jpg", &PARCEL), ("b.jpg", &BADGE), ("c.jpg", &BADGE)] {
        fs::write(folder.path().join(name), jpeg_of(symbol, (120, 60))).unwrap();
    }
    let object = |text: &str| json!({"label": "qr_code", "x": 144, "y": 84, "w": 126, "h": 126, "text": text});
    let line = json!({"label": "linear", "x": 9, "y": 9, "w": 50, "h": 0});
    let labels = json!({
        "a.jpg": {"objects": [object(PARCEL.text), line]},
        "b.jpg": {"objects": [object("HELLO")]},
        "c.jpg": {"objects": []},
    });
    fs::write(folder.path().join("labels.json"), labels.to_string()).unwrap();
    let ended = eval(folder.path(), &["--json", "--read-ms", "10000"]);
    assert_eq!(ended.status, 0, "{}", ended.stderr);
    let warning =
        "1 labels have boxes of no area, and are left out; the first is `linear` of a.jpg";
    assert!(ended.stderr.contains(warning), "{}", ended.stderr);
    let json = report(&ended);
    assert_eq!(json["labels_without_area"], 1);
    let texts = &json["texts"];
    let class =
        json!({"label": "qr_code", "labelled": 2, "read": 1, "read_rate": 0.5, "misread": 1});
    assert_eq!(texts["classes"], json!([class]));
    assert_eq!((&texts["all"]["labelled"], &texts["all"]["misread"]), (&2.into(), &1.into()));
    assert_eq!(texts["unread"][0]["text"], "HELLO");
    assert_eq!(texts["misread"][0]["text"], BADGE.text);
    assert_eq!(texts["misread"][0]["labelled"], json!(["HELLO"]));
    let unlabelled = texts["unlabelled"].as_array().unwrap();
    assert_eq!((unlabelled.len(), &unlabelled[0]["text"]), (1, &BADGE.text.into()));
    assert!(texts["ms_per_image"].as_f64().unwrap() > 0.0);

    let text = eval(folder.path(), &["--read-ms", "10000"]).stdout;
    for part in [
        "labels left out because their boxes have no area: 1",
        "read rate",
        "not read:\n  b.jpg: qr_code at 144,84 126x126: \"HELLO\"",
        "(qr_code), where \"HELLO\" is labelled",
        "read where no text is labelled:\n  c.jpg",
    ] {
        assert!(text.contains(part), "`{part}` is not in: {text}");
    }
    eval(folder.path(), &["--read-ms", "0"]).assert_refused(2, &["--read-ms", "1 to 10000"]);

    // Boxes are not read for labels that say nothing, nor below the confidence.
    let unread = report(&eval(folder.path(), &["--json", "--conf", "1"]));
    assert_eq!(
        (&unread["texts"]["all"]["read"], &unread["texts"]["ms_per_image"]),
        (&0.into(), &Value::Null)
    );
    fs::write(folder.path().join("labels.json"), r#"{"a.jpg": {"objects": []}}"#).unwrap();
    let without = report(&eval(folder.path(), &["--json"]));
    assert_eq!(without.get("texts"), None);
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
        eval(folder.path(), &[]).assert_refused(1, &["cat", "none of which", "qr_code"]);
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

#[test]
fn average_precision_is_of_lower_scores_too() {
    if !has_simd() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let with = |name: &str| folder.path().join(name);
    let labels = fs::read_to_string(Path::new(GENERATED).join("labels.json")).unwrap();
    fs::write(with("labels.json"), labels).unwrap();
    for entry in fs::read_dir(GENERATED).unwrap() {
        let path = entry.unwrap().path();
        fs::copy(&path, with(path.file_name().unwrap().to_str().unwrap())).unwrap();
    }
    // At a confidence that nothing reaches, only average precision is left.
    let nothing = report(&eval(folder.path(), &["--json", "--conf", "1"]));
    assert_eq!((&nothing["conf"], &nothing["all"]["boxes"]), (&1.0.into(), &0.into()));
    let figure = |report: &Value, name: &str| report["average_precision"][name].as_f64().unwrap();
    assert!(figure(&nothing, "map50") > 0.9, "{nothing}");
    assert_eq!(nothing["all"]["ap50"], nothing["average_precision"]["map50"]);
    let high = report(&eval(folder.path(), &["--json", "--conf", "1", "--map-conf", "1"]));
    assert_eq!(figure(&high, "map50_95"), 0.0);
    let text = eval(folder.path(), &[]).stdout;
    assert!(text.contains("mAP50 0.9") || text.contains("mAP50 1.0"), "{text}");
    assert!(text.contains("all of boxes with a score of 0.001 or more"), "{text}");
    for (conf, map_conf) in [("0.3", "0.4"), ("0.3", "-1"), ("1.5", "0.1"), ("nan", "0.1")] {
        let conf = format!("--conf={conf}");
        let map_conf = format!("--map-conf={map_conf}");
        eval(folder.path(), &[&conf, &map_conf]).assert_refused(2, &["conf", "expected a number"]);
    }
}

#[test]
fn a_folder_of_yolo_needs_no_other_path() {
    if !has_simd() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let with = |name: &str| folder.path().join(name);
    fs::create_dir(with("images")).unwrap();
    fs::create_dir(with("labels")).unwrap();
    for name in ["qr_code", "text"] {
        let photo = Path::new(GENERATED).join(name).with_extension("jpg");
        fs::copy(photo, with("images").join(name).with_extension("jpg")).unwrap();
    }
    let size = decode(&fs::read(with("images/qr_code.jpg")).unwrap()).unwrap();
    let (width, height) = (size.width as f64, size.height as f64);
    let (x, y) = ((24.0 + 178.0) / width, (1.0 + 154.5) / height);
    let line = format!("1 {x} {y} {} {}", 356.0 / width, 309.0 / height);
    let unknown = "2 0.5 0.5 0.1 0.1\n2 0.6 0.5 0.1 0.1\n";
    fs::write(with("labels/qr_code.txt"), format!("{unknown}{line}")).unwrap();
    fs::write(with("data.yaml"), "names: [aztec, qr_code, stamp]").unwrap();
    let path = folder.path().to_str().unwrap();
    let ended =
        run(&mut framegate(["eval", "--backend", "simd", "--json", "--ground-truth", path]));
    assert_eq!(ended.status, 0, "{}", ended.stderr);
    let report = report(&ended);
    assert_eq!((&report["all"]["labelled"], &report["all"]["found"]), (&1.into(), &1.into()));
    assert_eq!(report["without_labels"]["images"], 1);
    assert!(report["average_precision"]["map50"].as_f64().unwrap() > 0.99, "{report}");
    // The model has no stamps.
    assert_eq!(report["unknown_classes"], json!([{"label": "stamp", "labels": 2}]));
    assert_eq!(report["missed"], json!([]));
    let text = run(&mut framegate(["eval", "--backend", "simd", "--ground-truth", path]));
    assert!(text.stdout.contains("the model has no such class: stamp (2)"), "{}", text.stdout);
    assert!(text.stderr.contains("no class `stamp`"), "{}", text.stderr);

    let named =
        run(framegate(["eval", "--ground-truth", path]).args(["--ground-truth-format", "voc"]));
    named.assert_refused(1, &["*.xml"]);
    fs::write(with("labels.json"), "{}").unwrap();
    let json = with("labels.json");
    run(framegate(["eval", "--ground-truth"]).arg(json)).assert_refused(2, &["--images DIR"]);
}

#[test]
fn an_image_of_another_size_than_its_labels_is_not_counted() {
    if !has_simd() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let with = |name: &str| folder.path().join(name);
    fs::write(with("a.jpg"), plain(64, 48, [90, 120, 90])).unwrap();
    fs::write(with("b.jpg"), plain(64, 48, [90, 120, 90])).unwrap();
    let labels = r#"{"images": [{"id": 1, "file_name": "a.jpg", "width": 48, "height": 64},
        {"id": 2, "file_name": "b.jpg", "width": 64, "height": 48}], "annotations": [], "categories": []}"#;
    fs::write(with("labels.json"), labels).unwrap();
    let ended = eval(folder.path(), &["--json"]);
    assert_eq!(ended.status, 1);
    let said = "the image has 64x48 pixels, and its labels are for 48x64";
    assert!(ended.stderr.contains(said), "{}", ended.stderr);
    assert_eq!(report(&ended)["images"], 1);
}
