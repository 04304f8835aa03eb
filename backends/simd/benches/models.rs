//! Times whole models, by batch size.
//!
//! ```text
//! FRAMEGATE_TEST_DATA=../shared cargo bench -p framegate-backend-simd --bench models
//! ```

use std::path::{Path, PathBuf};

use divan::Bencher;
use framegate_backend_api::{InputBatch, Limits, OutputBatch, Session};
use framegate_backend_simd::{Level, Precision, SimdBackend, SimdOptions};
use framegate_models::Detector;
use framegate_models::detector::LoadOptions;

const THREADS: usize = 2;

fn main() {
    divan::main();
}

/// The folder of models, if there is one.
fn models() -> Option<PathBuf> {
    let data = std::env::var_os("FRAMEGATE_TEST_DATA").unwrap_or_else(|| "../shared".into());
    let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(data).join("models");
    models.is_dir().then_some(models)
}

#[divan::bench(args = [1, 4])]
fn yolox_nano(bencher: Bencher<'_, '_>, batch: usize) {
    run(bencher, "yolox_nano", batch);
}

#[divan::bench(args = [1, 4])]
fn yunet(bencher: Bencher<'_, '_>, batch: usize) {
    run(bencher, "yunet_n_320_320", batch);
}

fn run(bencher: Bencher<'_, '_>, model: &str, len: usize) {
    let Some(models) = models() else {
        return println!("skipped: set FRAMEGATE_TEST_DATA to the folder of test data");
    };
    let path = models.join(format!("{model}.onnx"));
    let options = LoadOptions { labels: None, input_size: None };
    let detector = Detector::load(&path, &options).expect("the model can be read");
    let precision = Precision::F32;
    let backend = SimdBackend::new(SimdOptions { level: Level::best(precision), precision });
    let limits = Limits { max_batch: len, threads: THREADS };
    let mut session = backend.load_session(&detector.model, &limits).expect("it can be loaded");
    let mut batch = InputBatch::new(detector.model.graph.image_shape(), len);
    batch.set_len(len);
    batch.slots_mut().flatten().enumerate().for_each(|(index, x)| *x = (index % 251) as f32);
    let mut out = OutputBatch::default();
    bencher
        .counter(divan::counter::ItemsCount::new(len))
        .bench_local(|| session.infer(&batch, &mut out).expect("it runs"));
}
