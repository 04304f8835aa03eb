//! Every backend that runs here, in batches, and the whole path around it:
//!
//! ```text
//! FRAMEGATE_TEST_DATA=../shared cargo bench --features ort --bench backends
//! ```
//!
//! To compare backends with each other, `framegate bench` is fairer: it lets them take turns.

use std::fs;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use divan::Bencher;
use divan::counter::ItemsCount;
use framegate::backends::{BackendId, BackendOptions};
use framegate::engine::{FrameOrigin, Offline, SourceFrame};
use framegate::stages::{BoxStage, DecodeLimits, Thresholds};
use framegate_backend_api::{InputBatch, Limits, OutputBatch, Session};
use framegate_models::Detector;
use framegate_models::detector::LoadOptions;

const THREADS: usize = 2;
const BATCHES: [usize; 2] = [1, 4];
/// Frames through the whole path in one measurement.
const FRAMES: usize = 24;

fn main() {
    divan::main();
}

#[divan::bench(args = BATCHES)]
fn inference_simd(bencher: Bencher<'_, '_>, batch: usize) {
    inference(bencher, "simd", batch);
}

#[divan::bench(args = BATCHES)]
fn inference_flex(bencher: Bencher<'_, '_>, batch: usize) {
    inference(bencher, "flex", batch);
}

#[divan::bench(args = BATCHES, sample_count = 10)]
fn inference_ndarray(bencher: Bencher<'_, '_>, batch: usize) {
    inference(bencher, "ndarray", batch);
}

#[divan::bench(args = BATCHES)]
fn inference_wgpu(bencher: Bencher<'_, '_>, batch: usize) {
    inference(bencher, "wgpu", batch);
}

#[divan::bench(args = BATCHES)]
fn inference_ort(bencher: Bencher<'_, '_>, batch: usize) {
    inference(bencher, "ort", batch);
}

#[divan::bench(args = BATCHES, sample_count = 20)]
fn pipeline_simd(bencher: Bencher<'_, '_>, batch: usize) {
    pipeline(bencher, "simd", batch);
}

#[divan::bench(args = BATCHES, sample_count = 20)]
fn pipeline_ort(bencher: Bencher<'_, '_>, batch: usize) {
    pipeline(bencher, "ort", batch);
}

fn inference(bencher: Bencher<'_, '_>, backend: &str, len: usize) {
    let Some((detector, mut session)) = load(backend, len) else { return };
    let mut batch = InputBatch::new(detector.model.graph.image_shape(), len);
    batch.set_len(len);
    batch.slots_mut().flatten().enumerate().for_each(|(index, x)| *x = (index % 251) as f32);
    let mut out = OutputBatch::default();
    bencher
        .counter(ItemsCount::new(len))
        .bench_local(|| session.infer(&batch, &mut out).expect("it runs"));
}

fn pipeline(bencher: Bencher<'_, '_>, backend: &str, max_batch: usize) {
    let Some((detector, mut session)) = load(backend, max_batch) else { return };
    let pool = rayon::ThreadPoolBuilder::new().num_threads(THREADS).build().expect("threads");
    let images = images();
    bencher.counter(ItemsCount::new(FRAMES)).bench_local(|| {
        let offline = Offline {
            detector: &detector,
            boxes: BoxStage::new(&detector, Thresholds::DEFAULT).expect("its decoder fits"),
            pool: &pool,
            limits: DecodeLimits::DEFAULT,
            max_batch,
        };
        let frames = images.clone().into_iter().cycle().take(FRAMES).enumerate();
        let frames = frames.map(|(number, jpeg)| SourceFrame {
            origin: FrameOrigin::Stream { number },
            jpeg: Ok(jpeg),
        });
        offline.run(session.as_mut(), frames, |_| Ok::<_, ()>(())).expect("all are delivered");
    });
}

/// The detector on a backend, if both can be had here.
fn load(backend: &str, max_batch: usize) -> Option<(Detector, Box<dyn Session>)> {
    let ort_library = std::env::var_os("ORT_DYLIB_PATH").map(PathBuf::from);
    let options = BackendOptions { ort_library, ..Default::default() };
    let id: BackendId = backend.parse().expect("the name of a backend");
    let created = id.create(&options).and_then(|backend| backend.probe().map(|_| backend));
    let backend = created.inspect_err(|error| println!("skipped: {error}")).ok()?;
    let options = LoadOptions { labels: None, input_size: None };
    let model = test_data().join("models/yolox_nano.onnx");
    let detector = Detector::load(&model, &options).expect("the model can be read");
    let limits = Limits { max_batch, threads: THREADS };
    let session = backend.load(&detector.model, &limits).expect("it can be loaded");
    Some((detector, session))
}

fn images() -> Vec<Bytes> {
    let files = fs::read_dir(test_data().join("images")).expect("images");
    let files = files.map(|file| file.expect("an image").path());
    files.map(|file| fs::read(file).expect("an image").into()).collect()
}

/// The folder of test data, relative to the workspace.
fn test_data() -> PathBuf {
    let folder = std::env::var_os("FRAMEGATE_TEST_DATA").unwrap_or_else(|| "../shared".into());
    Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)
}
