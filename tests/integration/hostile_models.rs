//! Model files that are made to do harm cost an error: no panic, no hang, no flood of memory.

use std::fs;
use std::path::Path;

use framegate_models::Detector;
use framegate_models::detector::LoadOptions;
use framegate_models::onnx::{OnnxError, OnnxFile};
use framegate_models::passes;

use crate::onnx_model::{OnnxModel, OnnxNode};

const IMAGE: &[i64] = &[1, 3, 8, 8];

#[track_caller]
fn assert_refused(model: &OnnxModel, fragments: &[&str]) {
    let read = OnnxFile::parse(&model.bytes()).and_then(|file| file.graph(8, 8));
    let Err(error) = read else { panic!("it should be refused") };
    let message = error.to_string();
    for fragment in fragments {
        assert!(message.contains(fragment), "no `{fragment}` in: {message}");
    }
}

/// The image times a constant that `nodes` make of constants.
fn with_constant(model: OnnxModel) -> OnnxModel {
    model.node(OnnxNode::new("Mul", &["x", "c"], &["y"])).output("y")
}

#[test]
fn a_long_chain_is_read_and_fused_in_time_that_grows_with_its_length() {
    const NODES: usize = 200_000;
    let name = |index: usize| format!("v{index}");
    let mut model = OnnxModel::new(13, &name(0), IMAGE).output(&name(NODES));
    for index in 0..NODES {
        let operator = if index % 2 == 0 { "Relu" } else { "Identity" };
        model = model.node(OnnxNode::new(operator, &[&name(index)], &[&name(index + 1)]));
    }
    // Backwards, so that they must be sorted.
    let model = model.edit(|model| model.graph.as_mut().unwrap().node.reverse());
    let graph = passes::optimise(OnnxFile::parse(&model.bytes()).unwrap().graph(8, 8).unwrap());
    assert_eq!(graph.nodes.len(), NODES / 2);
}

#[test]
fn constants_share_one_budget_of_memory() {
    let mut model = OnnxModel::new(13, "x", IMAGE).integers("shape", &[1, 1, 1 << 12, 1 << 12]);
    let mut last = "first".to_owned();
    model = model.node(OnnxNode::new("ConstantOfShape", &["shape"], &[&last]));
    for index in 0..40 {
        let (made, sum) = (format!("made{index}"), format!("sum{index}"));
        model = model
            .node(OnnxNode::new("ConstantOfShape", &["shape"], &[&made]))
            .node(OnnxNode::new("Add", &[&last, &made], &[&sum]));
        last = sum;
    }
    let model = model
        .node(OnnxNode::new("ReduceMax", &[&last], &["c"]))
        .node(OnnxNode::new("Mul", &["x", "c"], &["y"]))
        .output("y");
    assert_refused(&model, &["too much memory for constants"]);

    for operator in ["Expand", "Tile"] {
        let model = OnnxModel::new(13, "x", IMAGE)
            .weights("small", &[1, 1], vec![1.0])
            .integers("sizes", &[1 << 13, (1 << 13) + 1])
            .node(OnnxNode::new(operator, &["small", "sizes"], &["c"]));
        assert_refused(&with_constant(model), &["make_c", "too much memory for constants"]);
    }
}

#[test]
fn what_gathers_or_counts_up_shares_that_budget() {
    // A small constant, taken more than 2^26 times.
    let indices = OnnxModel::new(13, "x", IMAGE)
        .weights("small", &[1], vec![1.0])
        .integers("shape", &[1 << 13, (1 << 13) + 1])
        .integers("one", &[0])
        .node(OnnxNode::new("Expand", &["one", "shape"], &["indices"]))
        .node(OnnxNode::new("Gather", &["small", "indices"], &["c"]));
    assert_refused(&with_constant(indices), &["too much memory for constants"]);

    let rows = OnnxModel::new(13, "x", IMAGE)
        .weights("row", &[1, 1 << 14], vec![1.0; 1 << 14])
        .integers("indices", &vec![0; 1 << 13])
        .node(OnnxNode::new("Gather", &["row", "indices"], &["c"]).integer("axis", 0));
    assert_refused(&with_constant(rows), &["make_c", "too much memory for constants"]);

    let ranges = |end: i64| {
        let range = |to: &str| OnnxNode::new("Range", &["from", "to", "step"], &[to]);
        let model = OnnxModel::new(13, "x", IMAGE)
            .integers("from", &[0])
            .integers("to", &[end])
            .integers("step", &[1]);
        let sum = OnnxNode::new("Add", &["a", "b"], &["c"]);
        with_constant(model.node(range("a")).node(range("b")).node(sum))
    };
    assert_refused(&ranges(1 << 25), &["make_c", "too much memory for constants"]);
    assert_refused(&ranges(1 << 40), &["make_a", "the range has no end"]);
}

#[test]
fn windows_count_as_work() {
    let window = |x: &str, to: &str| {
        OnnxNode::new("MaxPool", &[x], &[to])
            .integers("kernel_shape", &[1000, 1000])
            .integers("pads", &[600, 600, 600, 600])
    };
    let constant = OnnxModel::new(13, "x", IMAGE)
        .integers("shape", &[1, 1, 600, 600])
        .node(OnnxNode::new("ConstantOfShape", &["shape"], &["m"]))
        .node(window("m", "p"))
        .node(OnnxNode::new("ReduceMax", &["p"], &["c"]));
    assert_refused(&with_constant(constant), &["too much computing on constants"]);

    let of_image = OnnxModel::new(13, "x", &[1, 3, 640, 640]).node(window("x", "y")).output("y");
    let refused = OnnxFile::parse(&of_image.bytes()).unwrap().graph(640, 640).unwrap_err();
    assert!(matches!(refused, OnnxError::TooMuch(_)), "{refused}");
}

#[test]
fn feature_maps_have_a_limit() {
    let model = OnnxModel::new(13, "x", IMAGE)
        .integers("shape", &[1, 3, 8, 8, 1 << 21])
        .integers("axes", &[4])
        .node(OnnxNode::new("Unsqueeze", &["x", "axes"], &["u"]))
        .node(OnnxNode::new("Expand", &["u", "shape"], &["e"]))
        .node(OnnxNode::new("ReduceMax", &["e"], &["y"]))
        .output("y");
    assert_refused(&model, &["feature maps take 1", "MiB", "smaller images"]);
}

#[test]
fn a_hundred_thousand_axes_are_an_error() {
    let axes: Vec<i64> = (0..100_000).collect();
    let unsqueezed = OnnxModel::new(13, "x", IMAGE)
        .integers("axes", &axes)
        .node(OnnxNode::new("Unsqueeze", &["x", "axes"], &["y"]))
        .output("y");
    assert_refused(&unsqueezed, &["make_y", "100004 axes"]);
    let weights = OnnxModel::new(13, "x", IMAGE).weights("c", &vec![1; 100_000], vec![1.0]);
    assert_refused(&with_constant(weights), &["`c`", "100000 axes"]);
}

#[test]
fn empty_messages_do_not_fill_memory() {
    let nodes = [0x0a, 0].repeat(1_100_000);
    // Field 7, the graph, with its length.
    let mut file = vec![0x3a];
    let mut len = nodes.len();
    while len > 127 {
        file.push((len & 127) as u8 | 128);
        len >>= 7;
    }
    file.push(len as u8);
    file.extend(nodes);
    let refused = OnnxFile::parse(&file).unwrap_err();
    assert!(refused.to_string().contains("more than a million messages"), "{refused}");
}

#[test]
fn endless_files_are_not_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("m.onnx");
    let model = OnnxModel::new(13, "x", IMAGE)
        .node(OnnxNode::new("GlobalAveragePool", &["x"], &["p"]))
        .node(OnnxNode::new("Flatten", &["p"], &["f"]))
        .node(OnnxNode::new("Softmax", &["f"], &["y"]))
        .output("y");
    fs::write(&path, model.bytes()).unwrap();
    let load = || {
        let options = LoadOptions { labels: None, input_size: None };
        Detector::load(&path, &options).unwrap_err().to_string()
    };
    let sidecar = path.with_extension("toml");
    if Path::new("/dev/zero").exists() {
        fs::write(&sidecar, "labels = \"/dev/zero\"").unwrap();
        let message = load();
        assert!(message.contains("/dev/zero") && message.contains("not a file"), "{message}");
    }
    // A file with a hole is as large as it says.
    let huge = folder.path().join("huge.txt");
    fs::File::create(&huge).unwrap().set_len(1 << 40).unwrap();
    fs::write(&sidecar, "labels = \"huge.txt\"").unwrap();
    let message = load();
    assert!(message.contains("huge.txt") && message.contains("larger than 16 MiB"), "{message}");
    fs::rename(&huge, &sidecar).unwrap();
    let message = load();
    assert!(message.contains("m.toml") && message.contains("larger than 16 MiB"), "{message}");
    fs::remove_file(&sidecar).unwrap();
    fs::File::create(&path).unwrap().set_len(1 << 40).unwrap();
    let message = load();
    assert!(message.contains("m.onnx is larger than 2 GiB"), "{message}");
}
