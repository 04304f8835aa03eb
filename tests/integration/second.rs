//! A second stage of another model: numbers on plates, read by `models/digits`.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use framegate::engine::reading::TextReader;
use framegate::engine::{Client, Engine, EngineSettings, FrameOutcome, LoadedPipeline};
use framegate::stages::{BoxStage, DecodeLimits, Detection, Thresholds};
use framegate::{PipelineOptions, Selection, Stage};
use framegate_backend_api::{BackendError, InputBatch, Limits, OutputBatch, Session};
use framegate_models::Detector;
use framegate_models::detector::{LoadOptions, SecondStage};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::onnx_model::{OnnxModel, OnnxNode};
use crate::support::backends::usable;
use crate::support::program::{framegate, run};
use crate::support::server::{Setup, TestServer};

/// `python -m digits.sample plates.jpg --seed 4`: the plates in it, left, top, right, bottom, and their numbers.
const PLATES: [([f32; 4], &str); 6] = [
    ([20.0, 20.0, 215.0, 88.0], "09579"),
    ([340.0, 20.0, 476.0, 75.0], "5141"),
    ([20.0, 140.0, 247.0, 212.0], "368021"),
    ([340.0, 140.0, 501.0, 207.0], "5564"),
    ([20.0, 260.0, 128.0, 317.0], "844"),
    ([340.0, 260.0, 507.0, 339.0], "1679"),
];
/// Frame pixels for each pixel of the detector's input.
const SCALE: f32 = 4.0;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn image() -> Vec<u8> {
    fs::read(root().join("tests/integration/data/plates.jpg")).unwrap()
}

/// A model that finds these plates in whatever it is shown; the last is a sign.
fn plate_finder() -> OnnxModel {
    let rows = PLATES.iter().enumerate().flat_map(|(index, (corners, _))| {
        let class = f32::from(u8::from(index + 1 == PLATES.len()));
        let score = 0.9 - 0.05 * index as f32;
        corners.map(|corner| corner / SCALE).into_iter().chain([score, class])
    });
    OnnxModel::new(13, "image", &[1, 3, 90, 160])
        .weights("rows", &[1, 6, 6], rows.collect())
        .weights("zero", &[1], vec![0.0])
        .integers("flat", &[1, 1, 1])
        .node(OnnxNode::new("ReduceMean", &["image"], &["mean"]).integers("axes", &[1, 2, 3]))
        .node(OnnxNode::new("Mul", &["mean", "zero"], &["nothing"]))
        .node(OnnxNode::new("Reshape", &["nothing", "flat"], &["shift"]))
        .node(OnnxNode::new("Add", &["rows", "shift"], &["boxes"]))
        .output("boxes")
}

/// A folder with that model, whose sidecar ends with these lines, and the reader of digits.
fn models(sidecar: &str) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("plates.onnx");
    fs::write(&path, plate_finder().bytes()).unwrap();
    let of_boxes = "boxes = \"end-to-end\"\nfit = \"stretch\"\nlabels = [\"plate\", \"sign\"]\n";
    fs::write(path.with_extension("toml"), format!("{of_boxes}{sidecar}")).unwrap();
    for name in ["digits.onnx", "digits.toml"] {
        fs::copy(root().join("models/digits").join(name), folder.path().join(name)).unwrap();
    }
    (folder, path)
}

fn load(path: &Path) -> Result<Detector, String> {
    let options = LoadOptions { labels: None, input_size: None };
    Detector::load(path, &options).map_err(|error| error.to_string())
}

fn on_simd() -> PipelineOptions {
    PipelineOptions { backend: Some("simd".parse().unwrap()), ..PipelineOptions::default() }
}

fn texts(detections: &[Detection]) -> Vec<Option<&str>> {
    detections.iter().map(|detection| detection.text.as_deref()).collect()
}

fn numbers(count: usize) -> Vec<Option<&'static str>> {
    let number =
        |(index, (_, number)): (usize, &(_, &'static str))| (index < count).then_some(*number);
    PLATES.iter().enumerate().map(number).collect()
}

#[test]
fn numbers_are_read_where_they_are_asked_for() {
    let (_folder, path) = models("second = \"digits.onnx\"\nsecond_classes = [\"plate\"]");
    let mut pipeline = framegate::Pipeline::load(&path, &on_simd()).unwrap();
    let result = pipeline.detect(&image()).unwrap();
    assert_eq!(texts(&result.detections), numbers(5), "and not the one on the sign");
    assert!(!result.timings[Stage::Read].is_zero());
    let first = serde_json::to_value(&result.detections[0]).unwrap();
    assert_eq!((&first["text"], first.get("format")), (&json!("09579"), None));

    pipeline.select(Selection { text: false, ..Selection::of_all(Thresholds::DEFAULT) });
    let result = pipeline.detect(&image()).unwrap();
    assert_eq!(texts(&result.detections), [None; 6]);
    assert!(result.timings[Stage::Read].is_zero());
}

#[test]
fn an_uncertain_text_is_none() {
    let (_folder, path) = models("second = \"digits.onnx\"\nsecond_confidence = 1.0");
    let mut pipeline = framegate::Pipeline::load(&path, &on_simd()).unwrap();
    let result = pipeline.detect(&image()).unwrap();
    assert_eq!(texts(&result.detections), [None; 6]);
}

#[test]
fn the_program_reads_numbers_and_says_what_with() {
    let (folder, path) = models("second = \"digits.onnx\"");
    let file = folder.path().join("image.jpg");
    fs::write(&file, image()).unwrap();
    let (model, file) = (path.to_str().unwrap(), file.to_str().unwrap());
    let infer = ["infer", "--backend", "simd", "--model", model];
    let read = |extra: &[&'static str]| {
        let arguments = infer.iter().chain(extra).copied().chain([file]);
        let lines = run(&mut framegate(arguments)).json_lines();
        let found = lines[0]["detections"].as_array().unwrap().clone();
        found.iter().map(|one| one.get("text").cloned()).collect::<Vec<_>>()
    };
    let all = PLATES.map(|(_, number)| Some(json!(number)));
    assert_eq!(read(&[]), all);
    assert_eq!(read(&["--no-text"]), [const { None::<Value> }; 6]);
    let inspected = run(&mut framegate(["models", "inspect", model]));
    for words in ["second stage", "digits: ctc", "0.8", "2 (plate, sign)", "10 (0, 1, 2"] {
        assert!(inspected.stdout.contains(words), "no {words} in {}", inspected.stdout);
    }
}

/// A session that counts its runs.
struct Counting {
    session: Box<dyn Session>,
    runs: Arc<AtomicUsize>,
}

impl Session for Counting {
    fn infer(&mut self, batch: &InputBatch, out: &mut OutputBatch) -> Result<(), BackendError> {
        self.runs.fetch_add(1, Ordering::Relaxed);
        self.session.infer(batch, out)
    }
}

#[tokio::test]
async fn a_plate_that_stays_is_read_once() {
    let (_folder, path) = models("second = \"digits.onnx\"");
    let detector = Arc::new(load(&path).unwrap());
    let simd = usable("simd").expect("simd runs everywhere");
    let limits = Limits { max_batch: 4, threads: 1 };
    let Some(SecondStage::Model(second)) = &detector.second else { panic!("{detector:?}") };
    let runs = Arc::new(AtomicUsize::new(0));
    let session = simd.load(&second.reader.model, &limits).unwrap();
    let counting: Box<dyn Session> = Box::new(Counting { session, runs: Arc::clone(&runs) });
    let decode = DecodeLimits::DEFAULT.into();
    let pipeline = LoadedPipeline {
        session: simd.load(&detector.model, &limits).unwrap(),
        boxes: BoxStage::new(&detector, Thresholds::DEFAULT).unwrap(),
        reader: TextReader::of(&detector, Some(counting), decode).unwrap(),
        detector,
    };
    let settings = EngineSettings {
        decode,
        max_batch: 1,
        max_age: Duration::from_secs(60),
        device_check: None,
        read_budget: Duration::from_secs(20),
    };
    let engine = Engine::start(vec![pipeline], 2, settings, |_| {}).unwrap();
    let mut stream = engine.open(engine.pipelines()[0], Client::Own).unwrap();
    let began = Instant::now();
    for index in 1..=5 {
        let received = began + Duration::from_millis(index);
        stream.offer(index, received, Bytes::from(image())).unwrap();
        let FrameOutcome::Result(result) = stream.next_reply().await.outcome else { panic!() };
        assert_eq!(texts(&result.detections), numbers(6), "frame {index}");
    }
    // One to see how long it takes, four at once, one that is left: of the first frame alone.
    assert_eq!(runs.load(Ordering::Relaxed), 3);
}

#[tokio::test]
async fn a_server_says_what_it_reads_with() {
    let (_folder, path) = models("second = \"digits.onnx\"");
    let mut setup = Setup::colours();
    setup.front.max_frame_bytes = 1 << 20;
    setup.engine.read_budget = Duration::from_secs(20);
    setup.pipelines = vec![("plates".to_owned(), load(&path).unwrap())];
    let server = TestServer::start(usable("simd").unwrap().as_ref(), setup).await;
    let mut client = server.connect("hello=1").await;
    assert_eq!(client.hear_message().await["session"]["settings"]["text"], true);
    let result = client.ask(image()).await;
    assert_eq!(result["result"]["detections"][5]["text"], "1679", "{result}");
    let mut quiet = server.connect("text=0").await;
    let result = quiet.ask(image()).await;
    assert_eq!(result["result"]["detections"][5].get("text"), None, "{result}");
    let (_, info) = server.get("/info").await;
    let pipeline = &info["pipelines"][0];
    assert_eq!((&pipeline["second"], &pipeline["text"]), (&json!("digits"), &json!(true)));
}

#[test]
fn what_cannot_be_a_second_stage_is_refused() {
    for (sidecar, words) in [
        ("second = \"absent.onnx\"", &["absent.onnx", "check the path"][..]),
        ("second = \"plates.onnx\"", &["second stage", "`second` does not go here"]),
        ("second = \"digits.onnx\"\nsecond_classes = [\"car\"]", &["`car`", "plate, sign"]),
        ("second = \"boxes.onnx\"", &["boxes.onnx", "[1, 6, 6]", "`blank = \"first\"`"]),
        ("second = \"unnamed.onnx\"", &["unnamed.onnx", "`labels = […]`"]),
    ] {
        let (folder, path) = models(sidecar);
        fs::write(folder.path().join("boxes.onnx"), plate_finder().bytes()).unwrap();
        let unnamed = folder.path().join("unnamed.onnx");
        fs::copy(folder.path().join("digits.onnx"), &unnamed).unwrap();
        fs::write(unnamed.with_extension("toml"), "blank = \"last\"").unwrap();
        let message = load(&path).unwrap_err();
        for word in words {
            assert!(message.contains(word), "{sidecar}: no `{word}` in {message}");
        }
    }
    let (folder, _) = models("");
    let message = load(&folder.path().join("digits.onnx")).unwrap_err();
    assert!(message.contains("reads text and finds no boxes"), "{message}");
}
