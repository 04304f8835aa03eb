//! The formats that `framegate infer` writes, held against the lines of JSON, and read again.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use framegate_barcodes::CAN_READ;
use serde_json::Value;
use tempfile::TempDir;

use crate::support::images::{GENERATED, plain};
use crate::support::program::{Ended, cpu_backends, framegate, run};

/// Images of codes, one without any, and one that is damaged.
fn photos() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for name in ["aztec.jpg", "several.jpg", "text.jpg"] {
        fs::copy(Path::new(GENERATED).join(name), folder.path().join(name)).unwrap();
    }
    folder
}

fn text(path: &Path) -> &str {
    path.to_str().expect("the path is UTF-8")
}

fn infer(arguments: &[&str]) -> Ended {
    run(framegate(["infer", "--backend", "simd"]).args(arguments))
}

/// Whether our own engine is in this build; it is by default.
fn has_simd() -> bool {
    cpu_backends().contains(&"simd")
}

/// `[class_id, score, x, y, w, h]` of every detection in lines of JSON, image by image.
fn detections(lines: &Ended) -> Vec<Vec<[f64; 6]>> {
    let keys = ["class_id", "score", "x", "y", "w", "h"];
    let of_line = |line: &Value| {
        let found = line["detections"].as_array().unwrap().iter();
        found.map(|found| keys.map(|key| found[key].as_f64().unwrap())).collect()
    };
    lines.json_lines().iter().map(of_line).collect()
}

/// The text of each code, with its kind, in lines of JSON.
fn texts(lines: &Ended) -> Vec<[Value; 3]> {
    let of_line = |line: Value| {
        let found = line["detections"].as_array().unwrap().clone();
        found.into_iter().map(|found| ["text", "format", "content"].map(|key| found[key].clone()))
    };
    lines.json_lines().into_iter().flat_map(of_line).collect()
}

#[test]
fn coco_has_the_same_detections_with_images_and_categories() {
    if !has_simd() {
        return;
    }
    let photos = photos();
    let lines = infer(&[text(photos.path())]);
    let expected = detections(&lines);
    let ended = infer(&["--format", "coco", text(photos.path())]);
    assert_eq!(ended.status, 0, "{}", ended.stderr);
    let file: Value = serde_json::from_str(&ended.stdout).unwrap();
    let annotations = file["annotations"].as_array().unwrap().iter();
    let read = annotations.map(|one| ["text", "format", "content"].map(|key| one[key].clone()));
    let read: Vec<_> = read.collect();
    assert_eq!(read, texts(&lines));
    assert!(read.iter().any(|[text, ..]| text.is_string()) || !CAN_READ, "nothing is read");
    assert_eq!(file["categories"][1], serde_json::json!({"id": 1, "name": "data_matrix"}));
    assert_eq!(file["info"]["partial"], false);
    let images = file["images"].as_array().unwrap();
    let names: Vec<_> = images.iter().map(|image| image["file_name"].as_str().unwrap()).collect();
    let path = |name: &str| text(&photos.path().join(name)).to_owned();
    assert_eq!(names, ["aztec.jpg", "several.jpg", "text.jpg"].map(path));
    assert!(images.iter().all(|image| image["width"].is_u64() && image.get("time_ms").is_none()));
    let mut found = vec![Vec::new(); images.len()];
    for (number, one) in file["annotations"].as_array().unwrap().iter().enumerate() {
        let image = images.iter().position(|image| image["id"] == one["image_id"]).unwrap();
        let number_of = |value: &Value| value.as_f64().unwrap();
        let [x, y, w, h] = [0, 1, 2, 3].map(|index| number_of(&one["bbox"][index]));
        found[image].push([number_of(&one["category_id"]), number_of(&one["score"]), x, y, w, h]);
        assert_eq!(one["id"], number + 1);
        assert!((number_of(&one["area"]) - w * h).abs() < 5.0, "{one}");
        assert_eq!(one["iscrowd"], 0);
    }
    // The lines of JSON are rounded; these are not.
    let rounded = |[class, score, box_ @ ..]: &[f64; 6]| {
        let [x, y, w, h] = box_.map(|pixels| (pixels * 100.0).round() / 100.0);
        [*class, (score * 1e5).round() / 1e5, x, y, w, h]
    };
    assert!(found.concat().iter().any(|found| *found != rounded(found)), "{found:?}");
    let of_image = |found: &Vec<[f64; 6]>| found.iter().map(rounded).collect();
    let found: Vec<Vec<[f64; 6]>> = found.iter().map(of_image).collect();
    assert_eq!(found, expected);
    assert!(found[1].len() > 1 && found[2].is_empty(), "the images distinguish nothing: {found:?}");
}

#[test]
fn csv_has_a_row_for_each_detection_below_its_header() {
    if !has_simd() {
        return;
    }
    let photos = photos();
    let name = "with, \"marks\".jpg";
    fs::rename(photos.path().join("aztec.jpg"), photos.path().join(name)).unwrap();
    let lines = infer(&[text(photos.path())]);
    let expected = detections(&lines);
    let ended = infer(&["--format", "csv", text(photos.path())]);
    assert_eq!(ended.status, 0, "{}", ended.stderr);
    let mut table = csv::Reader::from_reader(ended.stdout.as_bytes());
    let header = "file,frame_index,time_ms,width,height,label,class_id,score,x,y,w,h,\
                  text,format,content,angle";
    assert_eq!(ended.stdout.lines().next(), Some(header));
    let rows: Vec<csv::StringRecord> = table.records().map(Result::unwrap).collect();
    let found: Vec<[f64; 6]> = rows
        .iter()
        .map(|row| [6, 7, 8, 9, 10, 11].map(|column| row[column].parse().unwrap()))
        .collect();
    assert_eq!(found, expected.concat());
    let read = |row: &csv::StringRecord| [12, 13, 14].map(|column| row[column].to_owned());
    let expected = texts(&lines)
        .into_iter()
        .map(|all| all.map(|one| one.as_str().unwrap_or_default().to_owned()));
    assert!(rows.iter().map(read).eq(expected));
    assert!(rows.iter().any(|row| !row[12].is_empty()) || !CAN_READ, "nothing is read");
    assert!(
        rows.iter().any(|row| row[0] == *text(&photos.path().join(name)) && &row[5] == "aztec")
    );
    assert!(rows.iter().all(|row| row[1].is_empty() && row[2].is_empty()), "no row is of a video");
    let nothing = infer(&["--format", "csv", text(&photos.path().join("text.jpg"))]);
    assert_eq!(nothing.stdout.trim_end(), header);
}

#[test]
fn frames_of_a_video_have_their_number_and_time() {
    if !has_simd() {
        return;
    }
    let clip = concat!(env!("CARGO_MANIFEST_DIR"), "/video/tests/data/small.mp4");
    let chosen = ["--stride", "5", clip];
    let ended = infer(&[&["--format", "coco"][..], &chosen].concat());
    let file: Value = serde_json::from_str(&ended.stdout).unwrap();
    let images = file["images"].as_array().unwrap().iter();
    let places: Vec<_> = images.map(|image| (&image["frame_index"], &image["time_ms"])).collect();
    let expected =
        [(0, 0.0), (5, 200.0), (10, 400.0)].map(|(n, t)| (Value::from(n), Value::from(t)));
    assert_eq!(places, expected.each_ref().map(|(number, time)| (number, time)));
    let folder = tempfile::tempdir().unwrap();
    let ended =
        infer(&[&["--format", "yolo", "--output-dir", text(folder.path())][..], &chosen].concat());
    assert_eq!(ended.status, 0, "{}", ended.stderr);
    let expected =
        ["classes.txt", "small.mp4-000000.txt", "small.mp4-000005.txt", "small.mp4-000010.txt"];
    assert_eq!(names(folder.path()), expected);
}

fn names(folder: &Path) -> Vec<String> {
    let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
    let mut names: Vec<String> = names.map(|name| name.into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn yolo_is_read_again_as_labels_of_the_same_objects() {
    if !has_simd() {
        return;
    }
    let photos = photos();
    let [images, labels] = ["images", "labels"].map(|name| photos.path().join(name));
    fs::create_dir(&images).unwrap();
    for name in ["aztec.jpg", "several.jpg", "text.jpg"] {
        fs::rename(photos.path().join(name), images.join(name)).unwrap();
    }
    // What is there of an earlier run is replaced.
    fs::create_dir(&labels).unwrap();
    fs::write(labels.join("text.txt"), "0 0.5 0.5 1 1").unwrap();
    let conf = ["--conf", "0.3"];
    let ended = infer(
        &[&["--format", "yolo", "--output-dir", text(&labels), text(&images)][..], &conf].concat(),
    );
    assert_eq!((ended.status, &*ended.stdout), (0, ""), "{}", ended.stderr);
    assert_eq!(names(&labels), ["aztec.txt", "classes.txt", "several.txt", "text.txt"]);
    assert_eq!(fs::read_to_string(labels.join("text.txt")).unwrap(), "");
    let mut eval = framegate(["eval", "--backend", "simd", "--json", "--map-conf", "0.3"]);
    let ended = run(eval.args(conf).arg("--ground-truth").arg(photos.path()));
    assert_eq!(ended.status, 0, "{}", ended.stderr);
    let report: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert!(report["all"]["labelled"].as_u64().unwrap() > 2, "{report}");
    assert_eq!((&report["all"]["recall"], &report["all"]["precision"]), (&1.0.into(), &1.0.into()));
    assert_eq!(report["average_precision"]["map50_95"], 1.0);
}

#[test]
fn a_frame_without_a_result_is_logged_and_left_out() {
    if !has_simd() {
        return;
    }
    let photos = photos();
    fs::write(photos.path().join("damaged.jpg"), b"\xFF\xD8 no image").unwrap();
    let out = tempfile::tempdir().unwrap();
    for format in ["coco", "csv", "yolo"] {
        let directory = ["--output-dir", text(out.path())];
        let directory = if format == "yolo" { &directory[..] } else { &[] };
        let arguments = [&["--format", format][..], directory, &[text(photos.path())]].concat();
        let ended = infer(&arguments);
        assert_eq!(ended.status, 1, "{format}: {}", ended.stderr);
        assert!(ended.stderr.contains("damaged.jpg"), "{format}: {}", ended.stderr);
        assert!(!ended.stdout.contains("damaged.jpg"), "{format}: {}", ended.stdout);
    }
    assert_eq!(names(out.path()), ["aztec.txt", "classes.txt", "several.txt", "text.txt"]);
}

#[test]
fn what_cannot_be_written_is_refused_before_anything_is_run() {
    let photos = photos();
    let folder = text(photos.path()).to_owned();
    infer(&["--format", "yolo", &folder]).assert_refused(2, &["--output-dir", "yolo"]);
    infer(&["--format", "csv", "--output-dir", &folder, &folder])
        .assert_refused(2, &["--output-dir"]);
    let yolo =
        |paths: &[&str]| infer(&[&["--format", "yolo", "--output-dir", &folder], paths].concat());
    let named = |name: &str| text(&photos.path().join(name)).to_owned();
    fs::write(named("aztec.jpeg"), plain(8, 8, [0; 3])).unwrap();
    yolo(&[&folder])
        .assert_refused(2, &["aztec.jpeg", "aztec.jpg", "both be written to aztec.txt"]);
    fs::write(named("classes.jpg"), plain(8, 8, [0; 3])).unwrap();
    yolo(&[&named("classes.jpg")]).assert_refused(2, &["classes.txt", "rename it"]);
    yolo(&["-", &named("frame-000001.jpg")]).assert_refused(2, &["frame-000001.jpg", "rename one"]);
    assert!(!Path::new(&named("classes.txt")).exists());
}

#[test]
fn what_is_interrupted_is_whole_as_far_as_it_goes() {
    let out = tempfile::tempdir().unwrap();
    let marked = out.path().join("marked");
    for format in ["coco", "yolo"] {
        let labels = out.path().join("labels");
        let mut command = framegate(["infer", "--backend", "null", "--format", format]);
        command.arg("--annotate").arg(&marked).arg("-");
        if format == "yolo" {
            command.arg("--output-dir").arg(&labels);
        }
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut process = command.spawn().unwrap();
        let mut stdin = process.stdin.take().unwrap();
        stdin.write_all(&plain(64, 48, [1, 2, 3]).repeat(4)).unwrap();
        // Frames are annotated after their results were written.
        while !marked.join("frame-000001.jpg").exists() {
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        let sent = Command::new("kill").args(["-s", "INT", &process.id().to_string()]).status();
        assert!(sent.unwrap().success());
        let ended = process.wait_with_output().unwrap();
        assert_eq!(ended.status.code(), Some(130));
        drop(stdin);
        if format == "coco" {
            let file: Value = serde_json::from_slice(&ended.stdout).unwrap();
            assert_eq!(file["info"]["partial"], true);
            assert_eq!(file["images"][0]["file_name"], "-#1");
        } else {
            let names = names(&labels);
            assert!(names.contains(&"frame-000001.txt".to_owned()), "{names:?}");
            assert!(names.iter().all(|name| name.ends_with(".txt") && !name.starts_with('.')));
        }
        fs::remove_dir_all(&marked).unwrap();
    }
}
