//! `framegate infer` on real models and photographs, on every CPU backend of this build.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde_json::Value;

use crate::support::jpeg::decode;
use crate::support::program::{Ended, cpu_backends, framegate, run, run_with_stdin};
use crate::support::test_data;

struct Data {
    model: String,
    photographs: Vec<PathBuf>,
}

/// The faces model, the smaller of the two, and some photographs.
fn data() -> Option<Data> {
    let folder = test_data()?;
    let mut photographs: Vec<PathBuf> =
        fs::read_dir(folder.join("images")).unwrap().map(|entry| entry.unwrap().path()).collect();
    photographs.sort();
    photographs.truncate(6);
    Some(Data { model: text(&folder.join("models/yunet_n_320_320.onnx")), photographs })
}

fn text(path: &Path) -> String {
    path.to_str().expect("the path is UTF-8").to_owned()
}

fn infer(data: &Data, backend: &str, arguments: &[&str]) -> Ended {
    let mut command = framegate(["infer", "--model", &data.model, "--backend", backend]);
    run(command.args(arguments))
}

fn detections(ended: &Ended) -> Vec<Value> {
    ended.json_lines().into_iter().map(|line| line["detections"].clone()).collect()
}

#[test]
fn a_directory_gives_one_line_per_image_in_order() {
    let Some(data) = data() else { return };
    let folder = tempfile::tempdir().unwrap();
    for (index, photograph) in data.photographs.iter().enumerate() {
        let extension = ["jpg", "JPEG", "Jpg"][index % 3];
        fs::copy(photograph, folder.path().join(format!("{index}.{extension}"))).unwrap();
    }
    fs::write(folder.path().join("notes.txt"), b"not an image").unwrap();
    for backend in cpu_backends() {
        let ended = infer(&data, backend, &[&text(folder.path())]);
        assert_eq!(ended.status, 0, "{}", ended.stderr);
        let lines = ended.json_lines();
        assert_eq!(lines.len(), data.photographs.len());
        for (index, line) in lines.iter().enumerate() {
            let name = Path::new(line["file"].as_str().unwrap()).file_stem().unwrap().to_owned();
            assert_eq!(name.to_str(), Some(index.to_string().as_str()));
            let image = decode(&fs::read(&data.photographs[index]).unwrap()).unwrap();
            assert_eq!(line["width"], image.width);
            assert_eq!(line["height"], image.height);
            let stages = ["decode", "resize", "normalise", "inference", "postprocess"];
            let time = |stage: &str| line["timings_ms"][stage].as_f64().unwrap();
            let sum: f64 = stages.iter().map(|stage| time(stage)).sum();
            assert!((time("total") - sum).abs() < 0.01, "{line}");
        }
        assert!(ended.stderr.contains(backend), "the log names the backend: {}", ended.stderr);
    }
}

#[test]
fn a_bad_input_affects_no_other() {
    let Some(data) = data() else { return };
    let folder = tempfile::tempdir().unwrap();
    let in_folder = |name: &str| text(&folder.path().join(name));
    let good = fs::read(&data.photographs[0]).unwrap();
    fs::write(in_folder("good.jpg"), &good).unwrap();
    fs::write(in_folder("truncated.jpg"), &good[..good.len() / 2]).unwrap();
    fs::write(in_folder("empty.jpg"), b"").unwrap();
    fs::write(in_folder("text.jpg"), b"this is not an image").unwrap();
    fs::write(in_folder("large.jpg"), vec![0; 1_048_577]).unwrap();
    fs::create_dir(in_folder("no-images")).unwrap();
    let expected = [
        ("good.jpg", None),
        ("truncated.jpg", Some("decode_failed")),
        ("missing.jpg", Some("read_failed")),
        ("empty.jpg", Some("decode_failed")),
        ("no-images", Some("read_failed")),
        ("text.jpg", Some("decode_failed")),
        ("large.jpg", Some("frame_too_large")),
        ("good.jpg", None),
    ];
    let paths: Vec<String> = expected.iter().map(|(name, _)| in_folder(name)).collect();
    let mut arguments: Vec<&str> = paths.iter().map(String::as_str).collect();
    arguments.extend(["--max-frame-size-mb", "1"]);
    for backend in cpu_backends() {
        let ended = infer(&data, backend, &arguments);
        assert_eq!(ended.status, 1);
        let lines = ended.json_lines();
        assert_eq!(lines.len(), expected.len());
        for (line, (name, error)) in lines.iter().zip(expected) {
            assert_eq!(line["file"], in_folder(name).as_str());
            assert_eq!(line["error"].as_str(), error, "{line}");
            assert_eq!(line["detail"].is_string(), error.is_some(), "{line}");
            assert_eq!(line["detections"].is_array(), error.is_none(), "{line}");
        }
        assert_eq!(lines[0]["detections"], lines[7]["detections"]);
        assert!(!ended.stderr.contains("panicked"), "{}", ended.stderr);
    }
}

#[test]
fn a_stream_gives_the_same_results_as_its_frames_in_files() {
    let Some(data) = data() else { return };
    let frames: Vec<Vec<u8>> =
        data.photographs.iter().map(|photograph| fs::read(photograph).unwrap()).collect();
    let mut stream = frames.join(&b"\r\n--boundary\r\n"[..]);
    stream.extend(&frames[0][..frames[0].len() / 2]);
    let paths: Vec<String> = data.photographs.iter().map(|path| text(path)).collect();
    let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
    for backend in cpu_backends() {
        let as_files = infer(&data, backend, &paths);
        let mut command = framegate(["infer", "--model", &data.model, "--backend", backend, "-"]);
        let streamed = run_with_stdin(&mut command, &stream);
        let lines = streamed.json_lines();
        assert_eq!(lines.len(), frames.len() + 1);
        for (index, line) in lines.iter().enumerate() {
            assert_eq!(line["file"], format!("-#{}", index + 1));
        }
        assert_eq!(lines[frames.len()]["error"], "decode_failed");
        assert_eq!(streamed.status, 1);
        assert_eq!(detections(&streamed)[..frames.len()], detections(&as_files)[..]);
    }
}

#[test]
fn the_batch_size_changes_no_detection() {
    let Some(data) = data() else { return };
    let paths: Vec<String> = data.photographs.iter().map(|path| text(path)).collect();
    for backend in cpu_backends() {
        let of_batch = |batch: &str| {
            let mut arguments = vec!["--batch", batch];
            arguments.extend(paths.iter().map(String::as_str));
            detections(&infer(&data, backend, &arguments))
        };
        let (one, five) = (of_batch("1"), of_batch("5"));
        assert!(one.iter().any(|found| !found.as_array().unwrap().is_empty()));
        for (one, five) in one.iter().zip(&five) {
            let (one, five) = (one.as_array().unwrap(), five.as_array().unwrap());
            assert_eq!(one.len(), five.len());
            for (one, five) in one.iter().zip(five) {
                for (key, tolerance) in [("score", 1e-3), ("x", 0.1), ("y", 0.1), ("w", 0.1)] {
                    let difference = one[key].as_f64().unwrap() - five[key].as_f64().unwrap();
                    assert!(difference.abs() < tolerance, "{key}: {one} and {five}");
                }
            }
        }
    }
}

#[test]
fn annotated_images_have_the_size_and_name_of_their_originals() {
    let Some(data) = data() else { return };
    let Some(backend) = cpu_backends().into_iter().next() else { return };
    let target = tempfile::tempdir().unwrap();
    let paths: Vec<String> = data.photographs.iter().map(|path| text(path)).collect();
    let marked = text(target.path());
    let mut arguments = vec!["--annotate", &marked];
    arguments.extend(paths.iter().map(String::as_str));
    let ended = infer(&data, backend, &arguments);
    assert_eq!(ended.status, 0, "{}", ended.stderr);
    for (photograph, line) in data.photographs.iter().zip(ended.json_lines()) {
        let annotated = fs::read(target.path().join(photograph.file_name().unwrap())).unwrap();
        let image = decode(&annotated).unwrap();
        assert_eq!(line["width"], image.width);
        assert_eq!(line["height"], image.height);
    }
}

#[test]
fn an_image_that_cannot_be_annotated_costs_no_result() {
    let Some(data) = data() else { return };
    let Some(backend) = cpu_backends().into_iter().next() else { return };
    let target = tempfile::tempdir().unwrap();
    let annotated = |path: &Path| target.path().join(path.file_name().unwrap());
    let (first, others) = data.photographs.split_first().unwrap();
    fs::create_dir(annotated(first)).unwrap();
    let paths: Vec<String> = data.photographs.iter().map(|path| text(path)).collect();
    let marked = text(target.path());
    let mut arguments = vec!["--annotate", &marked];
    arguments.extend(paths.iter().map(String::as_str));
    let ended = infer(&data, backend, &arguments);
    assert_eq!(ended.status, 1, "{}", ended.stderr);
    let found = detections(&ended);
    assert_eq!(found.len(), paths.len());
    assert!(found.iter().all(Value::is_array), "{found:?}");
    assert!(ended.stderr.contains("cannot be annotated"), "{}", ended.stderr);
    for other in others {
        assert!(annotated(other).is_file(), "{}", other.display());
    }
}

#[test]
fn the_log_follows_its_options() {
    let Some(data) = data() else { return };
    let Some(backend) = cpu_backends().into_iter().next() else { return };
    let photograph = text(&data.photographs[0]);
    let quiet = infer(&data, backend, &["--log-level", "error", &photograph]);
    assert_eq!(quiet.stderr, "");
    let json = infer(&data, backend, &["--log-format", "json", &photograph]);
    let line: Value = serde_json::from_str(json.stderr.lines().next().unwrap()).unwrap();
    assert_eq!(line["fields"]["backend"], backend);
    let auto = infer(&data, "auto", &[&photograph]);
    assert_eq!(auto.status, 0);
    assert!(auto.stderr.contains("backend selected"), "{}", auto.stderr);
}

#[test]
fn labels_that_do_not_match_are_refused() {
    let Some(folder) = test_data() else { return };
    let labels = tempfile::NamedTempFile::new().unwrap();
    fs::write(labels.path(), "one\ntwo\n").unwrap();
    let model = text(&folder.join("models/yolox_nano.onnx"));
    let labels = text(labels.path());
    run(&mut framegate(["infer", "--model", &model, "--labels", &labels, "a.jpg"]))
        .assert_refused(1, &["80", "2", "labels"]);
}

#[test]
fn a_truncated_model_is_refused() {
    let Some(data) = data() else { return };
    let model = fs::read(&data.model).unwrap();
    let broken = tempfile::NamedTempFile::with_suffix(".onnx").unwrap();
    for kept in [0, 100, model.len() / 2, model.len() - 1] {
        fs::write(broken.path(), &model[..kept]).unwrap();
        run(&mut framegate(["infer", "--model", &text(broken.path()), "a.jpg"]))
            .assert_refused(1, &["error: ", &text(broken.path())]);
    }
}

#[test]
fn a_backend_that_cannot_run_here_is_refused_in_one_sentence() {
    let Some(data) = data() else { return };
    let listed = run(&mut framegate(["backends", "--json"]));
    let listed: Value = serde_json::from_str(&listed.stdout).unwrap();
    for entry in listed.as_array().unwrap().iter().filter(|entry| entry["usable"] == false) {
        let backend = entry["name"].as_str().unwrap();
        let refused = infer(&data, backend, &["a.jpg"]);
        refused.assert_refused(2, &[backend, entry["reason"].as_str().unwrap()]);
        assert_eq!(refused.stderr.lines().count(), 1, "{}", refused.stderr);
    }
}

#[test]
fn a_closed_standard_output_ends_the_run_quietly() {
    let Some(data) = data() else { return };
    let Some(backend) = cpu_backends().into_iter().next() else { return };
    let mut command = framegate(["infer", "--model", &data.model, "--backend", backend]);
    command.args(["--log-level", "error", "-"]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    drop(child.stdout.take());
    // Standard input stays open: the run must not wait for more of it.
    let mut stdin = child.stdin.take().unwrap();
    std::io::Write::write_all(&mut stdin, &fs::read(&data.photographs[0]).unwrap()).unwrap();
    let mut stderr = String::new();
    std::io::Read::read_to_string(&mut child.stderr.take().unwrap(), &mut stderr).unwrap();
    assert!(child.wait().unwrap().success());
    assert_eq!(stderr, "");
    drop(stdin);
}
