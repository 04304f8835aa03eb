//! `framegate models`: looking into a model file, and raw tensors through it.

use std::fs;
use std::path::Path;

use framegate::npy;
use serde_json::Value;

use crate::onnx_model::{OnnxModel, OnnxNode};
use crate::support::program::{cpu_backends, framegate, run};
use crate::support::test_data;

/// How far a backend may be from the reference outputs, as a fraction of their largest.
const TOLERANCE: f32 = 1e-3;

fn text(path: &Path) -> String {
    path.to_str().expect("the path is UTF-8").to_owned()
}

fn inspect(model: &Path) -> Value {
    let ended = run(&mut framegate(["models", "inspect", "--json", &text(model)]));
    assert_eq!(ended.status, 0, "{}", ended.stderr);
    serde_json::from_str(&ended.stdout).expect("a JSON object")
}

#[test]
fn a_detector_is_described() {
    let Some(folder) = test_data() else { return };
    let model = folder.join("models/yolox_nano.onnx");
    let report = inspect(&model);
    let (graph, detector) = (&report["graph"], &report["detector"]);
    assert_eq!(graph["input_shape"], serde_json::json!([1, 3, 416, 416]));
    assert_eq!(graph["outputs"][0]["shape"], serde_json::json!([1, 3549, 85]));
    assert_eq!(detector["box_decoder"], "yolox");
    assert_eq!(detector["labels"].as_array().unwrap().len(), 80);
    assert_eq!(detector["preparation"]["channel_order"], "bgr");
    // YOLOX's own table: 0.91 M parameters and 1.08 GFLOPs, two to a multiply-add.
    let parameters = graph["parameters"].as_u64().unwrap() as f64 / 1e6;
    assert!((parameters - 0.91).abs() < 0.01, "{parameters} million parameters");
    let giga_macs = graph["multiply_adds"].as_u64().unwrap() as f64 / 1e9;
    assert!((giga_macs - 0.54).abs() < 0.03, "{giga_macs} GMAC");
    let nodes = |counts: &Value| -> u64 {
        counts.as_object().unwrap().values().map(|count| count.as_u64().unwrap()).sum()
    };
    assert!(nodes(&graph["operators"]) < nodes(&report["operators_in_file"]), "something is fused");

    let for_people = run(&mut framegate(["models", "inspect", &text(&model)])).stdout;
    for words in ["416", "GMAC", "Conv", "yolox", "80 (person", "Convolution + Silu"] {
        assert!(for_people.contains(words), "`{words}` is not in:\n{for_people}");
    }
}

#[test]
fn a_backend_lists_its_kernels_and_where_its_time_goes() {
    let Some(folder) = test_data() else { return };
    let model = text(&folder.join("models/yunet_n_320_320.onnx"));
    let inspected = run(&mut framegate(["models", "inspect", "--backend", "simd", &model]));
    assert_eq!(inspected.status, 0, "{}", inspected.stderr);
    for words in ["kernels of simd", "depthwise", "no fast kernel for"] {
        assert!(inspected.stdout.contains(words), "`{words}` is not in:\n{}", inspected.stdout);
    }
    let outputs = tempfile::tempdir().unwrap();
    let input = text(&folder.join("reference/yunet_n_320_320.input.npy"));
    let profile = |backend| {
        let directory = text(outputs.path());
        let run_on = ["models", "run", &model, "--profile", "--backend", backend];
        let files = ["--input", &input, "--output-dir", &directory];
        run(framegate(run_on).args(files))
    };
    let profiled = profile("simd");
    assert_eq!(profiled.status, 0, "{}", profiled.stderr);
    for words in ["GFLOP/s", "pointwise", "depthwise", "processor time per image"] {
        assert!(profiled.stdout.contains(words), "`{words}` is not in:\n{}", profiled.stdout);
    }
    profile("null").assert_refused(2, &["null", "--profile"]);
}

#[test]
fn raw_outputs_match_the_reference() {
    let Some(folder) = test_data() else { return };
    for backend in cpu_backends() {
        for model in ["yolox_nano", "yunet_n_320_320"] {
            let outputs = tempfile::tempdir().unwrap();
            let ended = run(&mut framegate([
                "models",
                "run",
                &text(&folder.join(format!("models/{model}.onnx"))),
                "--backend",
                backend,
                "--input",
                &text(&folder.join(format!("reference/{model}.input.npy"))),
                "--output-dir",
                &text(outputs.path()),
            ]));
            assert_eq!(ended.status, 0, "{}", ended.stderr);
            let mut compared = 0;
            for entry in fs::read_dir(outputs.path()).unwrap() {
                let path = entry.unwrap().path();
                let name = path.file_name().unwrap().to_str().unwrap();
                let reference = folder.join(format!("reference/{model}.{name}"));
                assert_close(backend, &path, &reference);
                compared += 1;
            }
            assert_eq!(compared, if model == "yolox_nano" { 1 } else { 12 });
        }
    }
}

fn assert_close(backend: &str, ours: &Path, reference: &Path) {
    let (shape, ours) = npy::read_f32(ours).unwrap();
    let (reference_shape, expected) = npy::read_f32(reference).unwrap();
    assert_eq!(shape, reference_shape);
    let largest = expected.iter().fold(0.0f32, |largest, x| largest.max(x.abs()));
    let worst = ours.iter().zip(&expected).fold(0.0f32, |worst, (a, b)| worst.max((a - b).abs()));
    assert!(
        worst <= TOLERANCE * largest,
        "{backend}, {}: {worst} of {largest}",
        reference.display()
    );
}

#[test]
fn a_batch_of_tensors_gives_a_batch_of_outputs() {
    let Some(folder) = test_data() else { return };
    let Some(backend) = cpu_backends().into_iter().next() else { return };
    let (shape, image) =
        npy::read_f32(&folder.join("reference/yunet_n_320_320.input.npy")).unwrap();
    assert_eq!(shape, [1, 3, 320, 320]);
    let directory = tempfile::tempdir().unwrap();
    let model = text(&folder.join("models/yunet_n_320_320.onnx"));
    let run_on = |shape: &[usize], elements: &[f32]| {
        let input = directory.path().join("input.npy");
        npy::write_f32(&input, shape, elements).unwrap();
        let outputs = text(&directory.path().join("outputs"));
        let ended = run(&mut framegate([
            "models",
            "run",
            &model,
            "--backend",
            backend,
            "--input",
            &text(&input),
            "--output-dir",
            &outputs,
        ]));
        assert_eq!(ended.status, 0, "{}", ended.stderr);
        npy::read_f32(&Path::new(&outputs).join("cls_8.npy")).unwrap()
    };
    let (one_shape, one) = run_on(&[3, 320, 320], &image);
    let (three_shape, three) = run_on(&[3, 3, 320, 320], &image.repeat(3));
    assert_eq!(one_shape, [1, 1600, 1]);
    assert_eq!(three_shape, [3, 1600, 1]);
    for (one, other) in one.repeat(3).iter().zip(&three) {
        assert!((one - other).abs() < 1e-4);
    }
}

#[test]
fn outputs_that_cannot_be_computed_are_left_out() {
    let Some(backend) = cpu_backends().into_iter().next() else { return };
    let directory = tempfile::tempdir().unwrap();
    let model = OnnxModel::new(13, "x", &[1, 3, 4, 4])
        .integers("flat", &[-1])
        .integers("zero", &[0])
        .integers("last", &[-1])
        .node(OnnxNode::new("Relu", &["x"], &["good"]))
        .node(OnnxNode::new("Reshape", &["x", "flat"], &["all"]))
        .node(OnnxNode::new("NonZero", &["all"], &["places"]))
        .node(OnnxNode::new("Transpose", &["places"], &["tuples"]))
        .node(OnnxNode::new("GatherND", &["all", "tuples"], &["chosen"]))
        .node(OnnxNode::new("Slice", &["chosen", "zero", "last"], &["bad"]))
        .output("good")
        .output("bad");
    let (path, input) = (directory.path().join("m.onnx"), directory.path().join("input.npy"));
    fs::write(&path, model.bytes()).unwrap();
    npy::write_f32(&input, &[3, 4, 4], &[1.5; 48]).unwrap();
    let outputs = directory.path().join("outputs");
    let run_on = ["models", "run", &text(&path), "--backend", backend];
    let files = ["--input", &text(&input), "--output-dir", &text(&outputs)];
    let ended = run(framegate(run_on).args(files));
    assert_eq!(ended.status, 0, "{}", ended.stderr);
    for words in ["left out", "bad", "depends on the image"] {
        assert!(ended.stderr.contains(words), "`{words}` is not in:\n{}", ended.stderr);
    }
    assert_eq!(npy::read_f32(&outputs.join("good.npy")).unwrap().1, [1.5; 48]);
    assert!(!outputs.join("bad.npy").exists());
}

#[test]
fn a_tensor_that_does_not_fit_is_refused() {
    let Some(folder) = test_data() else { return };
    let directory = tempfile::tempdir().unwrap();
    let input = directory.path().join("input.npy");
    let refused = |words: &[&str]| {
        run(&mut framegate([
            "models",
            "run",
            &text(&folder.join("models/yunet_n_320_320.onnx")),
            "--input",
            &text(&input),
            "--output-dir",
            &text(&directory.path().join("outputs")),
        ]))
        .assert_refused(1, words);
        assert!(!directory.path().join("outputs").exists());
    };
    refused(&["input.npy"]);
    fs::write(&input, b"no numbers").unwrap();
    refused(&["input.npy"]);
    npy::write_f32(&input, &[4, 5], &[0.0; 20]).unwrap();
    refused(&["[4, 5]", "[channels, height, width]"]);
    npy::write_f32(&input, &[17, 3, 1, 1], &[0.0; 51]).unwrap();
    refused(&["1 to 16"]);
    npy::write_f32(&input, &[3, 32, 32], &[0.0; 3072]).unwrap();
    refused(&["32x32"]);
    let header = "{'descr': '<f8', 'fortran_order': False, 'shape': (3, 320, 320), }";
    fs::write(&input, npy_header(header)).unwrap();
    refused(&["float32", "<f8"]);
    let header = "{'descr': '<f4', 'fortran_order': True, 'shape': (3, 320, 320), }";
    fs::write(&input, npy_header(header)).unwrap();
    refused(&["Fortran"]);
    // More elements than there are numbers for, and fewer bytes than declared.
    let header = "{'descr': '<f4', 'fortran_order': False, 'shape': (4294967296, 4294967296, 3), }";
    fs::write(&input, npy_header(header)).unwrap();
    refused(&["input.npy"]);
    let header = "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 320, 320), }";
    fs::write(&input, npy_header(header)).unwrap();
    refused(&["input.npy"]);
}

/// A `.npy` file of version 1.0 with this header and no elements.
fn npy_header(header: &str) -> Vec<u8> {
    let mut file = b"\x93NUMPY\x01\x00".to_vec();
    let length = u16::try_from(header.len() + 1).expect("the header is short");
    file.extend(length.to_le_bytes());
    file.extend(header.as_bytes());
    file.push(b'\n');
    file
}

#[test]
fn what_a_sidecar_says_of_resizing_is_reported() {
    let directory = tempfile::tempdir().unwrap();
    let model = directory.path().join("m.onnx");
    let classifier = OnnxModel::new(13, "image", &[1, 3, 32, 32])
        .node(OnnxNode::new("GlobalAveragePool", &["image"], &["mean"]))
        .node(OnnxNode::new("Flatten", &["mean"], &["logits"]))
        .node(OnnxNode::new("Softmax", &["logits"], &["scores"]))
        .output("scores");
    fs::write(&model, classifier.bytes()).unwrap();
    let resize = || inspect(&model)["detector"]["preparation"]["resize"].clone();
    assert_eq!(resize(), "antialiased");
    for filter in ["bilinear", "antialiased-bicubic"] {
        fs::write(model.with_extension("toml"), format!("resize = \"{filter}\"")).unwrap();
        assert_eq!(resize(), filter);
    }
    let for_people = run(&mut framegate(["models", "inspect", &text(&model)])).stdout;
    assert!(for_people.contains("antialiased (bicubic)"), "{for_people}");
}

#[test]
fn a_model_that_is_not_a_known_detector_is_described_and_then_refused() {
    let Some(folder) = test_data() else { return };
    let directory = tempfile::tempdir().unwrap();
    let model = directory.path().join("faces.onnx");
    fs::copy(folder.join("models/yunet_n_320_320.onnx"), &model).unwrap();
    fs::write(directory.path().join("faces.toml"), "boxes = \"end2end\"\n").unwrap();
    let ended = run(&mut framegate(["models", "inspect", &text(&model)]));
    assert_eq!(ended.status, 1);
    assert!(ended.stdout.contains("GMAC"), "{}", ended.stdout);
    assert!(ended.stderr.contains("error: "), "{}", ended.stderr);
}
