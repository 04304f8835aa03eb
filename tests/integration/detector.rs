//! Loading models with everything around them.

use framegate_models::Size;
use std::fs;
use std::path::{Path, PathBuf};

use framegate_models::Detector;
use framegate_models::detector::{
    ChannelOrder, Fit, LabelsSource, LetterboxAlign, LoadOptions, ModelError, ResizeFilter,
};
use framegate_models::layouts::BoxLayout;
use tempfile::TempDir;

use crate::onnx_model::{OnnxModel, OnnxNode, declaration};
use crate::support::test_data;

const NO_OPTIONS: LoadOptions = LoadOptions { labels: None, input_size: None };

/// A place for a model in a folder of its own, which lasts as long as the first value.
fn model_path() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("there is room for a temporary folder");
    let path = folder.path().join("m.onnx");
    (folder, path)
}

fn load(path: &Path) -> Result<Detector, ModelError> {
    Detector::load(path, &NO_OPTIONS)
}

#[track_caller]
fn assert_message(result: Result<Detector, ModelError>, fragments: &[&str]) {
    let message = result.expect_err("loading should fail").to_string();
    for fragment in fragments {
        assert!(message.contains(fragment), "no `{fragment}` in: {message}");
    }
}

/// A model file: an image of open height and width through `operators`, one after the other.
fn model(operators: &[&str], metadata: &[(&str, &str)]) -> Vec<u8> {
    let name = |number: usize| format!("v{number}");
    let mut model = OnnxModel::new(13, &name(0), &[1, 3, -1, -1]).output(&name(operators.len()));
    for (index, operator) in operators.iter().enumerate() {
        model = model.node(OnnxNode::new(operator, &[&name(index)], &[&name(index + 1)]));
    }
    for (key, value) in metadata {
        model = model.metadata(key, value);
    }
    model.bytes()
}

/// A classifier of three classes for images of any size.
const CLASSIFIER: &[&str] = &["GlobalAveragePool", "Flatten", "Softmax"];
const SIZE: Size = Size { width: 64, height: 32 };

#[test]
fn files_that_are_not_models_are_told_apart() {
    let (folder, path) = model_path();
    assert_message(load(&path), &["there is no model at", "m.onnx"]);
    assert_message(load(folder.path()), &["is not a file", "name the .onnx file"]);
    fs::write(&path, b"").unwrap();
    assert_message(load(&path), &["m.onnx", "is empty"]);
    fs::write(&path, b"\xff\xd8 not a model at all").unwrap();
    assert_message(load(&path), &["m.onnx", "not a complete ONNX model"]);
    let whole = model(CLASSIFIER, &[("imgsz", "32")]);
    for len in 1..whole.len() {
        fs::write(&path, &whole[..len]).unwrap();
        // A cut between two fields of the file leaves a smaller file that is whole.
        if let Err(error) = load(&path) {
            assert!(error.to_string().contains("m.onnx"), "{error}");
        }
    }
}

/// Networks that read lines fix the height at most.
#[test]
fn an_image_that_is_as_low_as_a_line_of_text_is_taken_to_be_one() {
    let (_folder, path) = model_path();
    let model = OnnxModel::new(13, "x", &[1, 3, 32, -1])
        .node(OnnxNode::new("GlobalAveragePool", &["x"], &["means"]))
        .node(OnnxNode::new("Flatten", &["means"], &["flat"]))
        .node(OnnxNode::new("Softmax", &["flat"], &["y"]))
        .output("y");
    fs::write(&path, model.bytes()).unwrap();
    let input = load(&path).unwrap().input;
    assert_eq!((input.width, input.height), (320, 32));
}

/// Each family of LibreYOLO takes other images, and files name their family.
#[test]
fn metadata_may_say_how_images_are_prepared() {
    let (_folder, path) = model_path();
    fs::write(&path, model(CLASSIFIER, &[("model_family", "rtmdet")])).unwrap();
    let detector = load(&path).unwrap();
    assert_eq!(detector.input.channel_order, ChannelOrder::Bgr);
    assert_eq!(detector.input.mean, [103.53, 116.28, 123.675]);
    assert!(detector.guesses.join("\n").contains("`rtmdet`"), "{:?}", detector.guesses);
    fs::write(path.with_extension("toml"), "family = \"yolox\"").unwrap();
    assert_eq!(load(&path).unwrap().input.mean, [0.0; 3]);
}

#[test]
fn an_open_input_size_can_be_given_in_three_places() {
    let (_folder, path) = model_path();
    fs::write(&path, model(CLASSIFIER, &[])).unwrap();
    let guessed = load(&path).unwrap();
    assert_eq!(guessed.input.width, 224, "that of most classifiers");
    let guesses = guessed.guesses.join("\n");
    for fragment in ["224x224 is assumed", "--input-size", "`input_size = { width"] {
        assert!(guesses.contains(fragment), "{guesses}");
    }

    let options = LoadOptions { input_size: Some(SIZE), ..NO_OPTIONS };
    let detector = Detector::load(&path, &options).unwrap();
    assert_eq!(detector.model.graph.image_shape(), [3, 32, 64]);
    assert_eq!((detector.input.width, detector.input.height), (64, 32));
    assert!(!detector.guesses.join("\n").contains("assumed"), "{:?}", detector.guesses);
    assert_eq!(detector.labels, ["class 0", "class 1", "class 2"]);
    assert_eq!(detector.labels_source, LabelsSource::Numbers);

    fs::write(path.with_extension("toml"), "input_size = { width = 96, height = 48 }").unwrap();
    assert_eq!(load(&path).unwrap().model.graph.image_shape(), [3, 48, 96]);
    assert_eq!(Detector::load(&path, &options).unwrap().input.width, 64, "the option is stronger");

    fs::remove_file(path.with_extension("toml")).unwrap();
    fs::write(&path, model(CLASSIFIER, &[("imgsz", "[48, 96]")])).unwrap();
    assert_eq!(load(&path).unwrap().model.graph.image_shape(), [3, 48, 96]);
}

/// A reshape that only 416x416 fits.
fn fixed_to_416() -> OnnxModel {
    OnnxModel::new(13, "x", &[1, 3, -1, -1])
        .integers("shape", &[1, 3, 416 * 416])
        .node(OnnxNode::new("Reshape", &["x", "shape"], &["r"]))
        .node(OnnxNode::new("ReduceMax", &["r"], &["m"]).integers("axes", &[2]))
        .node(OnnxNode::new("Flatten", &["m"], &["f"]))
        .node(OnnxNode::new("Softmax", &["f"], &["y"]))
        .output("y")
}

/// CenterFace's four maps at a quarter of the input, made by nothing but strides.
fn centerface(batch: i64, side: i64) -> OnnxModel {
    let maps = [1, 2, 2, 10].map(|channels: i64| (format!("map{channels}"), channels));
    let mut model = OnnxModel::new(13, "x", &[batch, 3, side, side]);
    for (index, (name, channels)) in maps.iter().enumerate() {
        let (weight, output) = (format!("w{index}"), format!("{name}_{index}"));
        let elements = vec![0.0; (channels * 3 * 16) as usize];
        model = model
            .weights(&weight, &[*channels, 3, 4, 4], elements)
            .node(OnnxNode::new("Conv", &["x", &weight], &[&output]).integers("strides", &[4, 4]))
            .output(&output);
    }
    model
}

#[test]
fn a_size_that_is_only_an_examples_is_asked_for() {
    let (_folder, path) = model_path();
    fs::write(&path, centerface(10, 32).bytes()).unwrap();
    assert_message(load(&path), &["32x32 in the file", "width = 640", "width = 32, height = 32"]);

    let options = LoadOptions { input_size: Some(SIZE), ..NO_OPTIONS };
    let detector = Detector::load(&path, &options).unwrap();
    assert_eq!(detector.model.graph.image_shape(), [3, 32, 64]);
    assert_eq!(detector.boxes.name(), "centerface");
    let guesses = detector.guesses.join("\n");
    assert!(guesses.contains("states an input of 32x32 and is run with 64x32"), "{guesses}");

    fs::write(path.with_extension("toml"), "input_size = { width = 32, height = 32 }").unwrap();
    assert_eq!(load(&path).unwrap().model.graph.image_shape(), [3, 32, 32]);
    // Larger ones are meant.
    fs::remove_file(path.with_extension("toml")).unwrap();
    fs::write(&path, centerface(1, 64).bytes()).unwrap();
    assert_eq!(load(&path).unwrap().model.graph.image_shape(), [3, 64, 64]);
}

#[test]
fn a_file_that_depends_on_its_size_keeps_it() {
    let (_folder, path) = model_path();
    let model = OnnxModel::new(13, "x", &[1, 3, 32, 32])
        .integers("shape", &[1, 3, 32 * 32])
        .node(OnnxNode::new("Reshape", &["x", "shape"], &["r"]))
        .node(OnnxNode::new("ReduceMax", &["r"], &["m"]).integers("axes", &[2]))
        .node(OnnxNode::new("Softmax", &["m"], &["y"]))
        .output("y");
    fs::write(&path, model.bytes()).unwrap();
    let options = LoadOptions { input_size: Some(SIZE), ..NO_OPTIONS };
    let result = Detector::load(&path, &options);
    assert_message(result, &["--input-size asks for an input of 64x32", "fixed to width 32"]);
}

#[test]
fn an_open_input_size_is_the_first_common_one_that_works() {
    let (_folder, path) = model_path();
    fs::write(&path, fixed_to_416().bytes()).unwrap();
    assert_eq!(load(&path).unwrap().input.width, 416);
    let odd = fixed_to_416().edit(|model| {
        model.graph.as_mut().unwrap().initializer[0].int64_data[2] = 33 * 33;
    });
    fs::write(&path, odd.bytes()).unwrap();
    assert_message(load(&path), &["none of the common ones works", "make_r", "multiple of 32"]);
}

#[test]
fn configurations_beside_the_model_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let hub = folder.path();
    fs::create_dir(hub.join("onnx")).unwrap();
    let path = hub.join("onnx/model.onnx");
    fs::write(&path, model(CLASSIFIER, &[])).unwrap();
    fs::write(
        hub.join("preprocessor_config.json"),
        r#"{ "image_mean": [0.5, 0.5, 0.5], "image_std": [0.5, 0.5, 0.5], "resample": 3,
             "size": { "height": 96, "width": 64 } }"#,
    )
    .unwrap();
    fs::write(hub.join("config.json"), r#"{ "id2label": { "0": "a", "1": "b", "2": "c" } }"#)
        .unwrap();
    let detector = load(&path).unwrap();
    assert_eq!((detector.input.width, detector.input.height), (64, 96));
    assert_eq!(detector.input.mean, [127.5; 3]);
    assert_eq!(detector.input.resize, ResizeFilter::AntialiasedBicubic);
    assert_eq!(detector.labels, ["a", "b", "c"]);
    assert!(detector.guesses.join("\n").contains("preprocessor_config.json"));
    // timm writes one file.
    let processor = hub.join("preprocessor_config.json");
    let processor_text = fs::read(&processor).unwrap();
    fs::remove_file(&processor).unwrap();
    let timm = r#"{ "label_names": ["n1", "b", "c"], "label_descriptions": { "n1": "cat" },
        "pretrained_cfg": { "input_size": [3, 96, 96], "mean": [0, 0, 0], "std": [1, 1, 1],
                            "interpolation": "bicubic", "crop_pct": 0.95 } }"#;
    fs::write(hub.join("config.json"), timm).unwrap();
    let detector = load(&path).unwrap();
    assert_eq!((detector.input.width, detector.input.fit), (96, Fit::Crop { share: 0.95 }));
    assert_eq!(detector.labels, ["cat", "b", "c"]);
    assert!(detector.guesses.join("\n").contains("`config.json`"));
    fs::write(&processor, processor_text).unwrap();
    // A sidecar is stronger, and a configuration of other classes belongs to another model.
    fs::write(path.with_extension("toml"), "family = \"imagenet\"").unwrap();
    fs::write(hub.join("config.json"), r#"{ "id2label": { "0": "a" } }"#).unwrap();
    let detector = load(&path).unwrap();
    assert_eq!(detector.input.resize, ResizeFilter::Antialiased);
    assert_eq!(detector.labels[2], "class 2");
}

#[test]
fn whole_numbers_are_not_normalised_twice() {
    let (_folder, path) = model_path();
    let bytes = OnnxModel::new(13, "x", &[1, 3, 32, 32])
        .node(OnnxNode::new("Cast", &["x"], &["f"]).integer("to", 1))
        .node(OnnxNode::new("GlobalAveragePool", &["f"], &["p"]))
        .node(OnnxNode::new("Flatten", &["p"], &["c"]))
        .node(OnnxNode::new("Softmax", &["c"], &["y"]))
        .output("y")
        .edit(|model| {
            let graph = model.graph.as_mut().unwrap();
            graph.input[0] = declaration("x", 2, &[1, 3, 32, 32]);
        })
        .bytes();
    fs::write(&path, bytes).unwrap();
    let input = load(&path).unwrap().input;
    assert_eq!((input.mean, input.scale), ([0.0; 3], [1.0; 3]));
    fs::write(path.with_extension("toml"), "scale = 0.5").unwrap();
    assert_eq!(load(&path).unwrap().input.scale, [0.5; 3]);
}

#[test]
fn everything_unknown_is_asked_for_at_once() {
    let (_folder, path) = model_path();
    fs::write(&path, model(&["Relu"], &[])).unwrap();
    assert_message(load(&path), &["`boxes = \"tensors\"`", "`v1` [1, 3, 640, 640]"]);
    let labels = path.with_file_name("two.txt");
    fs::write(&labels, "a\nb\n").unwrap();
    fs::write(&path, model(CLASSIFIER, &[])).unwrap();
    let size = Some(Size { width: 9000, height: 32 });
    let options = LoadOptions { labels: Some(labels), input_size: size };
    assert_message(Detector::load(&path, &options), &["9000x32", "3 classes", "names 2"]);
}

#[test]
fn labels_come_from_the_strongest_place() {
    let (_folder, path) = model_path();
    let metadata = [("imgsz", "32"), ("names", "{0: 'm0', 1: \"m'1\", 2: 'm2'}")];
    fs::write(&path, model(CLASSIFIER, &metadata[..1])).unwrap();
    let beside = path.with_file_name("m.labels.txt");
    fs::write(&beside, "b0\r\nb1\r\nb2\r\n\r\n").unwrap();
    let detector = load(&path).unwrap();
    assert_eq!(detector.labels, ["b0", "b1", "b2"]);
    assert_eq!(detector.labels_source, LabelsSource::FileBeside(beside));

    fs::write(&path, model(CLASSIFIER, &metadata)).unwrap();
    assert_eq!(load(&path).unwrap().labels, ["m0", "m'1", "m2"]);

    fs::write(path.with_extension("toml"), "labels = \"names.txt\"").unwrap();
    assert_message(load(&path), &["names.txt", "cannot be read"]);
    fs::write(path.with_file_name("names.txt"), "s0\ns1\ns2").unwrap();
    assert_eq!(load(&path).unwrap().labels, ["s0", "s1", "s2"]);

    let option = path.with_file_name("option.txt");
    fs::write(&option, "o0\no1\no2").unwrap();
    let options = LoadOptions { labels: Some(option.clone()), ..NO_OPTIONS };
    assert_eq!(Detector::load(&path, &options).unwrap().labels, ["o0", "o1", "o2"]);
    fs::write(&option, "o0\no1").unwrap();
    assert_message(Detector::load(&path, &options), &["3 classes", "names 2", "option.txt"]);
}

#[test]
fn a_malformed_sidecar_is_an_error_that_names_the_file() {
    let (_folder, path) = model_path();
    fs::write(&path, model(CLASSIFIER, &[("imgsz", "32")])).unwrap();
    fs::write(path.with_extension("toml"), "boxes = \"ssd\"").unwrap();
    assert_message(load(&path), &["m.toml", "boxes", "`yolox`", "`classify`"]);
    fs::write(path.with_extension("toml"), "boxes = \"yolox\"").unwrap();
    assert_message(load(&path), &["`yolox` needs", "`v3` [1, 3]"]);
    let text = "licence = \"MIT\"\nsource = \"here\"\nmean = 1\nscale = [1, 2, 3]\nchannel_order = \"bgr\"";
    fs::write(path.with_extension("toml"), text).unwrap();
    let detector = load(&path).unwrap();
    assert_eq!(
        (detector.licence.as_deref(), detector.source.as_deref()),
        (Some("MIT"), Some("here"))
    );
    assert_eq!((detector.input.mean, detector.input.scale), ([1.0; 3], [1.0, 2.0, 3.0]));
    assert_eq!(detector.input.channel_order, ChannelOrder::Bgr);
}

#[test]
fn a_family_prepares_images_as_its_models_were_trained() {
    let (_folder, path) = model_path();
    fs::write(&path, model(CLASSIFIER, &[("imgsz", "32")])).unwrap();
    let text = "family = \"yolox\"\nscale = 2\nresize = \"antialiased\"";
    fs::write(path.with_extension("toml"), text).unwrap();
    let input = load(&path).unwrap().input;
    assert_eq!((input.channel_order, input.mean), (ChannelOrder::Bgr, [0.0; 3]));
    assert_eq!(input.fit, Fit::Letterbox { placement: LetterboxAlign::TopLeft, fill: 114 });
    assert_eq!((input.scale, input.resize), ([2.0; 3], ResizeFilter::Antialiased));
    fs::write(path.with_extension("toml"), "family = \"yolo\"").unwrap();
    assert_message(load(&path), &["m.toml", "`yolo`", "`yolox`", "`imagenet`"]);
}

#[test]
fn the_shared_models_describe_themselves() {
    let Some(data) = test_data() else { return };
    let strided = |name| Some(BoxLayout::named(name)?.with_strides(&[8, 16, 32]));
    let yolox = load(&data.join("models/yolox_nano.onnx")).unwrap();
    assert_eq!(yolox.model.name, "yolox_nano");
    assert_eq!(Some(yolox.boxes), strided("yolox"));
    assert_eq!((yolox.labels.len(), yolox.labels[0].as_str()), (80, "person"));
    assert!(matches!(yolox.labels_source, LabelsSource::FileBeside(_)));
    assert_eq!((yolox.input.width, yolox.input.height), (416, 416));
    assert_eq!(yolox.input.fit, Fit::Letterbox { placement: LetterboxAlign::TopLeft, fill: 114 });
    let yunet = load(&data.join("models/yunet_n_320_320.onnx")).unwrap();
    assert_eq!(Some(yunet.boxes), strided("yunet"));
    assert_eq!(
        (yunet.labels, yunet.labels_source),
        (vec!["face".to_owned()], LabelsSource::Layout)
    );

    let options = LoadOptions { input_size: Some(SIZE), ..NO_OPTIONS };
    let smaller = Detector::load(&data.join("models/yolox_nano.onnx"), &options).unwrap();
    assert_eq!(smaller.model.graph.image_shape(), [3, 32, 64]);
    assert!(smaller.guesses.join("\n").contains("states an input of 416x416"));
}

#[test]
fn a_truncated_model_says_what_to_do() {
    let Some(data) = test_data() else { return };
    let whole = fs::read(data.join("models/yolox_nano.onnx")).unwrap();
    let (_folder, path) = model_path();
    for len in [10, whole.len() / 2, whole.len() - 1] {
        fs::write(&path, &whole[..len]).unwrap();
        assert_message(load(&path), &["m.onnx", "copy or export the file again"]);
    }
}
