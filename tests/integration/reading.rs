//! Codes are read, in files and live, unless a session or a command asks for none.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use framegate::engine::{
    Client, Engine, EngineSettings, FrameOutcome, FrameResult, LoadedPipeline, StreamHandle,
};
use framegate::stages::{BoxStage, DecodeLimits, Detection, Orientation, RgbImage, Thresholds};
use framegate::{PipelineOptions, Selection, Stage};
use framegate_backend_api::Limits;
use framegate_models::Detector;
use framegate_models::detector::{EMBEDDED_MODEL, LoadOptions, SecondStage};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

use crate::support::backends::{reader, usable};
use crate::support::jpeg::{Coding, encode};
use crate::support::program::{framegate, run};
use crate::support::server::{Setup, TestServer};
use crate::support::symbols::{BADGE, PARCEL, SCENE, jpeg_of, scene_of};
use crate::support::test_data;

const PLACE: (usize, usize) = (120, 60);
/// Enough for a machine that is busy with other tests.
const PATIENT: Duration = Duration::from_secs(20);

fn detector() -> Detector {
    let options = LoadOptions { labels: None, input_size: None };
    Detector::load(Path::new(EMBEDDED_MODEL), &options).expect("it is part of the program")
}

fn texts(detections: &[Detection]) -> Vec<Option<&str>> {
    detections.iter().map(|detection| detection.text.as_deref()).collect()
}

fn on_simd() -> PipelineOptions {
    PipelineOptions { backend: Some("simd".parse().unwrap()), ..PipelineOptions::default() }
}

#[test]
fn a_code_in_an_image_is_read_where_it_is() {
    let mut pipeline = framegate::Pipeline::load(EMBEDDED_MODEL, &on_simd()).unwrap();
    let result = pipeline.detect(&jpeg_of(&PARCEL, PLACE)).unwrap();
    let [code] = &result.detections[..] else { panic!("{result:?}") };
    assert_eq!((&*code.label, code.text.as_deref()), ("qr_code", Some(PARCEL.text)));
    assert_eq!(serde_json::to_value(code).unwrap()["format"], "qr_code");
    assert!(!result.timings[Stage::Read].is_zero());
    // The quiet zone is four modules of six pixels, the code 21.
    let (left, top) = (PLACE.0 as f32 + 24.0, PLACE.1 as f32 + 24.0);
    let corners = code.corners.unwrap();
    for ([x, y], (across, down)) in corners.into_iter().zip([(0, 0), (1, 0), (1, 1), (0, 1)]) {
        let expected = (left + 126.0 * across as f32, top + 126.0 * down as f32);
        assert!((x - expected.0).hypot(y - expected.1) < 6.0, "{corners:?}");
    }

    pipeline.select(Selection { text: false, ..Selection::of_all(Thresholds::DEFAULT) });
    let result = pipeline.detect(&jpeg_of(&PARCEL, PLACE)).unwrap();
    assert_eq!(texts(&result.detections), [None]);
    assert!(result.timings[Stage::Read].is_zero());
}

#[test]
fn a_frame_that_is_stored_turned_is_read_upright() {
    let mut pipeline = framegate::Pipeline::load(EMBEDDED_MODEL, &on_simd()).unwrap();
    let pixels = scene_of(&BADGE, PLACE);
    for orientation in [3, 6, 8] {
        let coding = Coding { orientation: Some(orientation), ..Coding::default() };
        let jpeg = encode(&pixels, SCENE.0, SCENE.1, coding);
        let result = pipeline.detect(&jpeg).unwrap();
        assert_eq!(texts(&result.detections), [Some(BADGE.text)], "{orientation}");
        let code = &result.detections[0];
        let [first, .., last] = code.corners.unwrap();
        let centre = [(first[0] + last[0]) / 2.0, (first[1] + last[1]) / 2.0];
        let (right, bottom) = (code.x + code.width, code.y + code.height);
        let slack = 10.0;
        assert!(centre[0] > code.x - slack && centre[0] < right + slack, "{code:?}");
        assert!(centre[1] > code.y - slack && centre[1] < bottom + slack, "{code:?}");
    }
}

#[test]
fn the_command_reads_texts_unless_asked_not_to() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("parcel.jpg");
    std::fs::write(&file, jpeg_of(&PARCEL, PLACE)).unwrap();
    let file = file.to_str().unwrap();
    let lines = run(&mut framegate(["infer", "--backend", "simd", file])).json_lines();
    let code = &lines[0]["detections"][0];
    assert_eq!((&code["text"], &code["format"]), (&json!(PARCEL.text), &json!("qr_code")));
    assert!(lines[0]["timings_ms"]["read"].as_f64() > Some(0.0));
    let quiet = ["infer", "--backend", "simd", "--no-text", file];
    let lines = run(&mut framegate(quiet)).json_lines();
    let [code] = &lines[0]["detections"].as_array().unwrap()[..] else { panic!("{lines:?}") };
    assert_eq!((code.get("text"), lines[0]["timings_ms"].get("read")), (None, None));
}

fn start() -> Engine {
    let detector = Arc::new(detector());
    let backend = usable("simd").expect("simd runs everywhere");
    let limits = Limits { max_batch: 2, threads: 1 };
    let pipeline = LoadedPipeline {
        session: backend.load(&detector.model, &limits).unwrap(),
        boxes: BoxStage::new(&detector, Thresholds::DEFAULT).unwrap(),
        reader: reader(&detector),
        detector,
    };
    let settings = EngineSettings {
        decode: DecodeLimits::DEFAULT.into(),
        max_batch: 2,
        max_age: Duration::from_secs(60),
        device_check: None,
        read_budget: PATIENT,
    };
    Engine::start(vec![pipeline], 2, settings, |_| {}).unwrap()
}

async fn ask(stream: &mut StreamHandle, index: u64, jpeg: Vec<u8>) -> FrameResult {
    stream.offer(index, Instant::now(), Bytes::from(jpeg)).unwrap();
    let reply = stream.next_reply().await;
    assert_eq!(reply.frame_index, index, "replies are in order");
    match reply.outcome {
        FrameOutcome::Result(result) => result,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn each_result_of_a_stream_has_its_own_text() {
    let engine = start();
    let mut stream = engine.open(engine.pipelines()[0], Client::Own).unwrap();
    let mut index = 0;
    // Another code comes to the place of the first from one frame to the next.
    for (symbol, frames) in [(&PARCEL, 4), (&BADGE, 3), (&PARCEL, 2)] {
        for _ in 0..frames {
            index += 1;
            let result = ask(&mut stream, index, jpeg_of(symbol, PLACE)).await;
            assert_eq!(texts(&result.detections), [Some(symbol.text)], "frame {index}");
            assert!(result.detections[0].corners.is_some());
        }
    }
    let pixels = scene_of(&BADGE, (200, 100));
    let (width, height) = SCENE;
    let image = RgbImage { pixels, width, height, orientation: Orientation::Upright };
    stream.offer(index + 1, Instant::now(), image).unwrap();
    let FrameOutcome::Result(result) = stream.next_reply().await.outcome else { panic!() };
    assert_eq!(texts(&result.detections), [Some(BADGE.text)], "a frame that came decoded");
}

#[tokio::test]
async fn a_session_says_whether_it_wants_text() {
    let mut setup = Setup::colours();
    setup.front.max_frame_bytes = 1 << 20;
    setup.engine.read_budget = PATIENT;
    setup.pipelines = vec![("codes".to_owned(), detector())];
    let server = TestServer::start(usable("simd").unwrap().as_ref(), setup).await;
    let frame = jpeg_of(&PARCEL, PLACE);
    let text = |message: &Value| message["result"]["detections"][0].get("text").cloned();

    let mut client = server.connect("hello=1").await;
    assert_eq!(client.hear_message().await["session"]["settings"]["text"], true);
    let result = client.ask(frame.clone()).await;
    assert_eq!(text(&result), Some(json!(PARCEL.text)), "{result}");
    let configure = json!({ "configure": { "text": 0 } }).to_string();
    client.send_message(Message::text(configure)).await;
    assert_eq!(client.hear_message().await["session"]["settings"]["text"], false);
    let result = client.ask(frame.clone()).await;
    assert_eq!((text(&result), result["timings_ms"].get("read")), (None, None), "{result}");

    let mut quiet = server.connect("text=0").await;
    assert_eq!(text(&quiet.ask(frame.clone()).await), None);
    let post = |query: &str| {
        let request = reqwest::Client::new().post(server.url(&format!("/infer{query}")));
        request.header("content-type", "image/jpeg").body(frame.clone()).send()
    };
    let answer: Value =
        serde_json::from_str(&post("").await.unwrap().text().await.unwrap()).unwrap();
    assert_eq!(answer["detections"][0]["text"], PARCEL.text);
    let answer: Value =
        serde_json::from_str(&post("?text=0").await.unwrap().text().await.unwrap()).unwrap();
    assert_eq!(answer["detections"][0].get("text"), None);
}

#[tokio::test]
async fn a_pipeline_that_detects_no_codes_reads_none() {
    let server = TestServer::start(&framegate_testkit::ReferenceBackend, Setup::colours()).await;
    let mut client = server.connect("hello=1&text=1").await;
    assert_eq!(client.hear_message().await["session"]["settings"]["text"], false);
}

#[test]
fn the_model_in_the_program_is_one_of_codes() {
    assert!(matches!(detector().second, Some(SecondStage::Codes)));
}

/// On the photographs of the test data: of all texts the program reads, the share that is right, and wrong ones of codes
/// with a check.
#[test]
fn photographed_codes_are_read_right_or_not_at_all() {
    #[derive(serde::Deserialize)]
    struct Photograph {
        codes: Vec<Code>,
    }
    #[derive(serde::Deserialize)]
    struct Code {
        text: Option<String>,
    }
    let Some(data) = test_data() else { return };
    let folder = data.join("codes");
    let labels = std::fs::read(folder.join("codes.json")).unwrap();
    let labels: BTreeMap<String, Photograph> = serde_json::from_slice(&labels).unwrap();
    let mut pipeline = framegate::Pipeline::load(EMBEDDED_MODEL, &on_simd()).unwrap();
    let (mut known, mut right, mut wrong) = (0, 0, Vec::new());
    // Every third, which takes a few seconds.
    for (name, photograph) in labels.iter().step_by(3) {
        let jpeg = std::fs::read(folder.join(name)).unwrap();
        let result = pipeline.detect(&jpeg).unwrap();
        let expected: Vec<String> = photograph
            .codes
            .iter()
            .filter_map(|code| code.text.as_deref())
            .map(comparable)
            .collect();
        known += expected.len();
        for text in result.detections.iter().filter_map(|found| found.text.as_deref()) {
            match expected.contains(&comparable(text)) {
                true => right += 1,
                false => wrong.push((name, text.to_owned())),
            }
        }
    }
    let share = f64::from(right) / known as f64;
    assert!(share >= 0.85, "{right} of {known} are read");
    assert!(wrong.len() * 50 <= known, "{wrong:?}");
}

/// The labels have the first 80 characters, control characters by name or symbol.
fn comparable(text: &str) -> String {
    let plain = text.replace("\r\n", "\n");
    let printable = |letter: &char| letter.is_ascii_alphanumeric();
    plain.chars().take(80).filter(printable).take(40).collect()
}
