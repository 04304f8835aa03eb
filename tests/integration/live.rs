//! The engine for frames that do not wait, in process: what its streams get, and how a frame is traced.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bytes::Bytes;
use framegate::engine::{
    Client, Engine, EngineError, EngineSettings, FrameErrorCode, FrameOutcome, FrameResult,
    LoadedPipeline, Reply, StreamHandle,
};
use framegate::stages::{BoxStage, DecodeLimits, Orientation, RgbImage, Stage, Thresholds};
use framegate_backend_api::{Backend, BackendError, Limits};
use framegate_testkit::ReferenceBackend;
use framegate_testkit::fake::{Call, FakeBackend, Outcome};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::Interest;
use tracing::{Event, Metadata, Subscriber};

use crate::support::colours::{COLOURS, colour_detector, image};
use crate::support::jpeg::many_scans;

/// An engine with this many pipelines of the colour detector.
fn start(backend: &dyn Backend, pipelines: usize) -> Result<Engine, EngineError> {
    let settings = EngineSettings {
        decode: DecodeLimits::DEFAULT.into(),
        max_batch: 2,
        max_age: Duration::from_secs(10),
        device_check: None,
        read_budget: Duration::from_millis(20),
    };
    let pipeline = |_| {
        let detector = Arc::new(colour_detector());
        let thresholds = Thresholds { confidence: 0.5, iou: 0.45 };
        let limits = Limits { max_batch: 2, threads: 1 };
        LoadedPipeline {
            session: backend.load(&detector.model, &limits).unwrap(),
            boxes: BoxStage::new(&detector, thresholds).unwrap(),
            detector,
            reader: None,
        }
    };
    Engine::start((0..pipelines).map(pipeline).collect(), 1, settings, |_| {})
}

fn open(engine: &Engine) -> StreamHandle {
    engine.open(engine.pipelines()[0], Client::Own).unwrap()
}

fn result(reply: Reply) -> FrameResult {
    match reply.outcome {
        FrameOutcome::Result(result) => result,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn jpegs_and_decoded_images_are_both_taken() {
    let engine = start(&ReferenceBackend, 1).unwrap();
    let mut stream = open(&engine);
    stream.offer(1, Instant::now(), Bytes::from(image(1))).unwrap();
    let jpeg = result(stream.next_reply().await);
    assert_eq!(&*jpeg.detections[0].label, COLOURS[1].0);
    assert!(!jpeg.timings[Stage::Decode].is_zero());

    let pixels = COLOURS[2].1.repeat(6 * 4);
    let frame = RgbImage { pixels, width: 6, height: 4, orientation: Orientation::Upright };
    stream.offer(2, Instant::now(), frame.clone()).unwrap();
    let decoded = result(stream.next_reply().await);
    assert_eq!(&*decoded.detections[0].label, COLOURS[2].0);
    assert_eq!((decoded.size.width, decoded.size.height), (6, 4));
    assert!(decoded.timings[Stage::Decode].is_zero());

    stream.offer(3, Instant::now(), RgbImage { width: 7, ..frame }).unwrap();
    let reply = stream.next_reply().await;
    assert!(
        matches!(&reply.outcome, FrameOutcome::Failed(error) if error.code == FrameErrorCode::DecodeFailed),
        "{reply:?}"
    );
}

#[tokio::test]
async fn a_frame_whose_header_is_refused_is_answered_at_once() {
    let engine = start(&ReferenceBackend, 1).unwrap();
    let mut stream = open(&engine);
    stream.offer(1, Instant::now(), Bytes::from_static(b"\xFF\xD8\xFF\xD9")).unwrap();
    let reply = tokio::time::timeout(Duration::ZERO, stream.next_reply()).await.expect("at once");
    assert!(
        matches!(&reply.outcome, FrameOutcome::Failed(error)
            if error.code == FrameErrorCode::DecodeFailed && error.detail.contains("frame header")),
        "{reply:?}"
    );
}

/// The pool has one worker. Before, it was the expensive frame's, and whatever came after it waited.
#[tokio::test]
async fn an_expensive_frame_holds_up_no_other_stream() {
    let engine = start(&ReferenceBackend, 1).unwrap();
    let (mut expensive, mut cheap) = (open(&engine), open(&engine));
    let jpeg = many_scans(4096, 4096, 18);
    expensive.offer(1, Instant::now(), Bytes::from(jpeg)).unwrap();
    for frame in 1..=5 {
        cheap.offer(frame, Instant::now(), Bytes::from(image(1))).unwrap();
        result(cheap.next_reply().await);
    }
    let early = tokio::time::timeout(Duration::ZERO, expensive.next_reply()).await;
    assert!(early.is_err(), "the expensive frame was done before: {early:?}");
    // Decoded, or abandoned on a busy machine.
    let reply = expensive.next_reply().await;
    assert!(
        matches!(reply.outcome, FrameOutcome::Result(_) | FrameOutcome::Failed(_)),
        "{reply:?}"
    );
}

#[test]
fn a_pipeline_of_another_engine_is_refused() {
    let [small, large] = [1, 2].map(|count| start(&ReferenceBackend, count).unwrap());
    assert_eq!((small.pipelines().len(), large.pipelines().len()), (1, 2));
    let refused = small.open(large.pipelines()[1], Client::Own).unwrap_err();
    assert_eq!(refused.to_string(), "this engine has no pipeline number 1");
    assert!(large.open(large.pipelines()[1], Client::Own).is_ok());
}

#[test]
fn a_model_that_fails_on_its_first_batch_starts_no_engine() {
    let lost = BackendError::Device { backend: "fake", reason: "lost".to_owned() };
    let backend = FakeBackend::new([], Call::instant(Outcome::Failure(lost)), |_| {});
    let error = start(&backend, 1).err().unwrap();
    assert!(matches!(error, EngineError::Backend(BackendError::Device { .. })), "{error}");
}

/// Frame that is traced; every other test's frames are not.
const TRACED: u64 = 987_654_321;

/// Records the spans of one frame, whatever thread they are opened on.
#[derive(Clone, Default)]
struct Recorder(Arc<Recorded>);

#[derive(Default)]
struct Recorded {
    last_id: AtomicU64,
    spans: Mutex<BTreeMap<u64, Recording>>,
}

#[derive(Debug, Clone, Default)]
struct Recording {
    name: &'static str,
    parent: Option<u64>,
    fields: BTreeMap<&'static str, String>,
    /// Names of the threads that entered it.
    threads: Vec<String>,
    closed: bool,
}

thread_local! {
    /// The spans that this thread is in.
    static ENTERED: RefCell<Vec<u64>> = const { RefCell::new(Vec::new()) };
}

impl Visit for Recording {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.fields.insert(field.name(), format!("{value:?}"));
    }
}

impl Subscriber for Recorder {
    /// Whether a span is of interest depends on the thread that enters it, and must not be remembered.
    fn register_callsite(&self, _: &'static Metadata<'static>) -> Interest {
        Interest::sometimes()
    }

    /// Spans of stages are of interest only within a frame that is.
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        let is_stage = metadata.name() == "stage" && !ENTERED.with_borrow(Vec::is_empty);
        metadata.is_span() && (metadata.name() == "frame" || is_stage)
    }

    fn new_span(&self, attributes: &Attributes<'_>) -> Id {
        let id = self.0.last_id.fetch_add(1, Ordering::SeqCst) + 1;
        let parent = ENTERED.with_borrow(|entered| entered.last().copied());
        let name = attributes.metadata().name();
        let mut recording = Recording { name, parent, ..Recording::default() };
        attributes.record(&mut recording);
        let is_traced = recording.fields.get("frame_index") == Some(&TRACED.to_string());
        if is_traced || name == "stage" {
            self.0.spans.lock().unwrap().insert(id, recording);
        }
        Id::from_u64(id)
    }

    fn enter(&self, span: &Id) {
        let id = span.into_u64();
        if let Some(recording) = self.0.spans.lock().unwrap().get_mut(&id) {
            let thread = std::thread::current().name().unwrap_or("?").to_owned();
            recording.threads.push(thread);
            ENTERED.with_borrow_mut(|entered| entered.push(id));
        }
    }

    fn exit(&self, span: &Id) {
        let id = span.into_u64();
        ENTERED.with_borrow_mut(|entered| entered.retain(|entered| *entered != id));
    }

    fn try_close(&self, span: Id) -> bool {
        if let Some(recording) = self.0.spans.lock().unwrap().get_mut(&span.into_u64()) {
            recording.closed = true;
        }
        true
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn event(&self, _: &Event<'_>) {}
}

#[tokio::test]
async fn one_span_follows_a_frame_through_the_threads() {
    let recorder = Recorder::default();
    // Threads have no other way to a subscriber. No other test of this binary sets one.
    tracing::subscriber::set_global_default(recorder.clone()).unwrap();
    let engine = start(&ReferenceBackend, 1).unwrap();
    let mut stream = open(&engine);
    stream.offer(TRACED, Instant::now(), Bytes::from(image(0))).unwrap();
    result(stream.next_reply().await);
    engine.stop();

    let spans = std::mem::take(&mut *recorder.0.spans.lock().unwrap());
    let frames: Vec<_> = spans.iter().filter(|(_, span)| span.name == "frame").collect();
    let [(frame_id, frame)] = frames[..] else { panic!("{spans:?}") };
    assert_eq!(frame.fields["stream"], stream.id().to_string());
    assert!(frame.closed, "the frame's trace has ended");
    for thread in ["infer", "postprocess"] {
        assert!(frame.threads.iter().any(|name| name == thread), "{thread}: {frame:?}");
    }
    let stages = spans.values().filter(|span| span.name == "stage");
    let names: Vec<String> = stages
        .map(|stage| {
            assert_eq!(stage.parent, Some(*frame_id), "{stage:?}");
            assert!(stage.closed, "{stage:?}");
            stage.fields["name"].trim_matches('"').to_owned()
        })
        .collect();
    // There is no code to be read.
    let passed = Stage::ALL.into_iter().filter(|stage| *stage != Stage::Read).map(Stage::name);
    assert!(names.iter().eq(passed), "each stage once, in order: {names:?}");
}
