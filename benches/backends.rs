//! Inference on every backend that runs here, in batches, and the whole path from JPEG to boxes:
//!
//! ```text
//! FRAMEGATE_TEST_DATA=../shared cargo bench --features ort --bench backends
//! ```
//!
//! To compare backends with each other, `framegate bench` is fairer: it interleaves them.

use std::fs;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use divan::Bencher;
use divan::counter::ItemsCount;
use framegate::{
    BackendError, BackendOptions, FrameOrigin, InputBatch, LoadedPipeline, OutputBatch, Pipeline,
    PipelineError, PipelineOptions, SourceFrame,
};

const THREADS: usize = 2;
const BATCHES: [usize; 2] = [1, 4];
/// Frames run through the whole path in one measurement.
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
    let Some(pipeline) = load(backend, len) else { return };
    let LoadedPipeline { detector, mut session, .. } = pipeline.into_parts();
    let mut batch = InputBatch::new(detector.model.graph.image_shape(), len);
    batch.set_len(len);
    batch.slots_mut().flatten().enumerate().for_each(|(index, x)| *x = (index % 251) as f32);
    let mut out = OutputBatch::default();
    bencher
        .counter(ItemsCount::new(len))
        .bench_local(|| session.infer(&batch, &mut out).expect("it runs"));
}

fn pipeline(bencher: Bencher<'_, '_>, backend: &str, max_batch: usize) {
    let Some(mut pipeline) = load(backend, max_batch) else { return };
    let images = images();
    bencher.counter(ItemsCount::new(FRAMES)).bench_local(|| {
        let frames = images.clone().into_iter().cycle().take(FRAMES).enumerate();
        let frames =
            frames.map(|(number, jpeg)| SourceFrame::new(FrameOrigin::Stream { number }, Ok(jpeg)));
        pipeline.run(frames, |_| Ok::<_, PipelineError>(())).expect("all frames are delivered");
    });
}

/// The model on a backend, if that runs here.
fn load(backend: &str, max_batch: usize) -> Option<Pipeline> {
    let ort_library = std::env::var_os("ORT_DYLIB_PATH").map(PathBuf::from);
    let options = PipelineOptions {
        backend: Some(backend.parse().expect("the name of a backend")),
        backend_options: BackendOptions { ort_library, ..Default::default() },
        threads: THREADS,
        max_batch,
        ..Default::default()
    };
    match Pipeline::load(test_data().join("models/yolox_nano.onnx"), &options) {
        Ok(pipeline) => Some(pipeline),
        Err(PipelineError::Backend(error @ BackendError::Unavailable { .. })) => {
            println!("skipped: {error}");
            None
        }
        Err(error) => panic!("{error}"),
    }
}

fn images() -> Vec<Bytes> {
    let files = fs::read_dir(test_data().join("images")).expect("images");
    let files = files.map(|file| file.expect("an image").path());
    files.map(|file| fs::read(file).expect("an image").into()).collect()
}

/// The directory of test data, relative to the workspace.
fn test_data() -> PathBuf {
    let folder = std::env::var_os("FRAMEGATE_TEST_DATA").unwrap_or_else(|| "../shared".into());
    Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)
}
