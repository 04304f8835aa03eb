//! Backends side by side: what is measured, and that a wrong backend is caught.

use std::path::PathBuf;
use std::time::Duration;

use framegate::backends::BackendOptions;
use framegate::bench::report::ModelReport;
use framegate::bench::{Bench, BenchCase, BenchError, RunnerConfig, Step, Worker};
use framegate::stop::StopFlag;
use framegate_backend_api::{Backend, BackendError};
use framegate_testkit::ReferenceBackend;
use framegate_testkit::fake::{Call, FakeBackend, Outcome};
use tempfile::TempDir;

use crate::onnx_model::{OnnxModel, OnnxNode};
use crate::support::colours::{COLOURS, image};
use crate::support::program::{framegate, run};

/// A model that classifies an image by colour, and images of each colour.
struct Data {
    directory: TempDir,
}

impl Data {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let model = OnnxModel::new(13, "image", &[1, 3, 8, 8])
            .node(
                OnnxNode::new("ReduceMean", &["image"], &["mean"])
                    .integers("axes", &[2, 3])
                    .integer("keepdims", 0),
            )
            .node(OnnxNode::new("Sigmoid", &["mean"], &["scores"]))
            .output("scores");
        std::fs::write(directory.path().join("colours.onnx"), model.bytes()).unwrap();
        let labels = COLOURS.map(|(label, _)| format!("\"{label}\"")).join(", ");
        let sidecar = format!(
            "boxes = \"classify\"\nlabels = [{labels}]\nmean = [127.5, 127.5, 127.5]\nscale = [0.1, 0.1, 0.1]\n"
        );
        std::fs::write(directory.path().join("colours.toml"), sidecar).unwrap();
        for number in 0..5 {
            let path = directory.path().join(format!("{number}.jpg"));
            std::fs::write(path, image(number)).unwrap();
        }
        Self { directory }
    }

    fn model(&self) -> PathBuf {
        self.directory.path().join("colours.onnx")
    }

    fn config(&self, backend: &str, batch: usize) -> RunnerConfig {
        RunnerConfig {
            case: BenchCase { model: self.model(), backend: backend.to_owned(), batch },
            images: (0..5)
                .map(|number| self.directory.path().join(format!("{number}.jpg")))
                .collect(),
            threads: 1,
            confidence: 0.25,
            iou: 0.45,
            options: BackendOptions::default(),
        }
    }

    /// Measures the reference and `backend`, both in this process.
    fn bench(&self, batch: usize, backend: &dyn Backend) -> ModelReport {
        let configs = vec![self.config("reference", 1), self.config("fake", batch)];
        let start = |config: RunnerConfig| match config.case.backend.as_str() {
            "reference" => Worker::here(config, &ReferenceBackend),
            _ => Worker::here(config, backend),
        };
        Bench { duration: Duration::from_millis(10) }.run(
            configs,
            start,
            &mut |_| (),
            &StopFlag::new(),
        )
    }
}

fn fake(outcome: Outcome) -> FakeBackend {
    FakeBackend::new([], Call::instant(outcome), |_| ())
}

#[test]
fn a_correct_backend_is_in_parity() {
    let report = Data::new().bench(2, &fake(Outcome::Success));
    assert!(report.holds(), "{report:?}");
    let [reference, fake] = &report.runs[..] else { panic!("{report:?}") };
    assert_eq!((reference.backend.as_str(), fake.backend.as_str()), ("reference", "fake"));
    assert_eq!((fake.model.as_str(), fake.batch), ("colours", 2));
    // Each stage is timed at least once in each of the turns.
    assert!(fake.frames_timed >= 10 && fake.frames_per_s > 0.0);
    assert_eq!(report.parity[0].comparison.boxes, 5);
}

#[test]
fn a_wrong_backend_is_caught() {
    let report = Data::new().bench(2, &fake(Outcome::WrongNumbers));
    assert!(!report.holds());
    let parity = &report.parity[0];
    assert!(!parity.holds && parity.comparison.max_raw_rel_diff > 0.1, "{parity:?}");
}

#[test]
fn a_backend_that_fails_is_reported_and_the_others_go_on() {
    let lost = BackendError::Device { backend: "fake", reason: "lost".to_owned() };
    for outcome in [Outcome::Failure(lost), Outcome::Panic("scripted")] {
        // It gets as far as its second turn.
        let good = std::iter::repeat_n(Call::instant(Outcome::Success), 3);
        let backend = FakeBackend::new(good, Call::instant(outcome), |_| ());
        let report = Data::new().bench(1, &backend);
        assert!(!report.holds());
        assert_eq!(report.runs.len(), 1);
        assert_eq!(report.failures[0].backend, "fake");
        let problem = &report.failures[0].problem;
        assert!(problem.contains("lost") || problem.contains("scripted"), "{problem}");
    }
}

#[test]
fn the_order_is_reversed_after_each_turn() {
    let data = Data::new();
    let mut turns = Vec::new();
    let configs = vec![data.config("a", 1), data.config("b", 1)];
    let start = |config: RunnerConfig| Worker::here(config, &ReferenceBackend);
    let bench = Bench { duration: Duration::from_millis(1) };
    bench.run(
        configs,
        start,
        &mut |step| {
            if let Step::Measuring(case) = step {
                turns.push(case.contains("on a,"));
            }
        },
        &StopFlag::new(),
    );
    assert_eq!(turns, [true, false, false, true, true, false, false, true, true, false]);
}

#[test]
fn a_benchmark_that_is_stopped_reports_what_it_has() {
    let data = Data::new();
    let stop = StopFlag::new();
    let configs = vec![data.config("a", 1), data.config("b", 1)];
    let start = |config: RunnerConfig| Worker::here(config, &ReferenceBackend);
    let bench = Bench { duration: Duration::from_millis(1) };
    let mut steps = 0;
    let mut progress = |_| {
        steps += 1;
        // Both have been loaded, and the first is having its first turn.
        if steps == 3 {
            stop.set();
        }
    };
    let report = bench.run(configs, start, &mut progress, &stop);
    assert_eq!(report.runs.len(), 1, "{report:?}");
    assert!(report.runs[0].frames_per_s > 0.0);
    assert!(report.parity.is_empty() && report.failures.is_empty());
}

#[test]
fn a_worker_that_cannot_start_is_a_failure() {
    let data = Data::new();
    let refuse = |config: RunnerConfig| {
        Err(BenchError::Process { case: config.case.to_string(), problem: "no".to_owned() })
    };
    let bench = Bench { duration: Duration::from_millis(1) };
    let report = bench.run(vec![data.config("a", 1)], refuse, &mut |_| (), &StopFlag::new());
    assert!(!report.holds() && report.failures.len() == 1);
    let mut program = std::process::Command::new("/nonexistent/program");
    let error = Worker::start(data.config("a", 1), &mut program).err().unwrap();
    assert!(error.to_string().contains("colours on a, batch 1"), "{error}");
}

#[test]
fn the_program_compares_writes_reports_and_exits_by_parity() {
    let data = Data::new();
    let [json, html] = ["r.json", "r.html"].map(|name| data.directory.path().join(name));
    let model = data.model();
    let images = data.directory.path().to_string_lossy().into_owned();
    let bench = |backends: &str| {
        let mut command =
            framegate(["bench", "--seconds", "0.05", "--batch", "1,2", "--threads", "1"]);
        command.arg("--model").arg(&model).args(["--images", &images, "--backend", backends]);
        command.arg("--json-file").arg(&json).arg("--html").arg(&html);
        run(&mut command)
    };
    let good = bench("flex,simd");
    assert_eq!(good.status, 0, "{}{}", good.stdout, good.stderr);
    assert!(good.stdout.contains("yes") && !good.stdout.contains("NO"), "{}", good.stdout);
    let report: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(&json).unwrap()).unwrap();
    assert_eq!(report["runs"].as_array().unwrap().len(), 4);
    let run = &report["runs"][0];
    assert_eq!(
        (&run["model"], &run["backend"], &run["batch"]),
        (&"colours".into(), &"flex".into(), &1.into())
    );
    for stage in ["decode", "resize", "normalise", "inference", "postprocess"] {
        assert!(run["stages_ms"][stage]["median"].is_number(), "{stage}");
        assert!(run["stages_ms"][stage]["p95"].is_number(), "{stage}");
    }
    for figure in ["frames_per_s", "load_ms", "threads", "peak_rss_mb"] {
        assert!(run[figure].as_f64().unwrap() > 0.0, "{figure}");
    }
    assert_eq!(report["parity"].as_array().unwrap().len(), 3);
    assert_eq!(report["parity"][0]["unmatched"], 0);
    let page = std::fs::read_to_string(&html).unwrap();
    assert!(page.contains("<svg") && page.contains("framegate bench"));
    assert!(!page.contains("<script") && !page.contains("src=") && !page.contains("@import"));

    // It never detects anything.
    let wrong = bench("flex,null");
    assert_eq!(wrong.status, 1);
    assert!(wrong.stdout.contains("NO"), "{}", wrong.stdout);
}

#[test]
fn what_cannot_be_compared_is_refused_before_any_work() {
    let data = Data::new();
    let model = data.model().to_string_lossy().into_owned();
    let images = data.directory.path().to_string_lossy().into_owned();
    for (arguments, word) in [
        (&["--backend", "abacus"][..], "ndarray"),
        (&["--backend", "flex,auto"], "auto"),
        (&["--batch", "1,17"], "--batch 17"),
        (&["--seconds", "0"], "--seconds 0"),
        (&["--backend", "ort", "--ort-lib", "/nonexistent/library.so"], "ort"),
    ] {
        let mut command = framegate(["bench", "--model", &model, "--images", &images]);
        run(command.args(arguments)).assert_refused(2, &[word]);
    }
    let mut command = framegate(["bench", "--model", &model, "--images", "/nonexistent"]);
    run(&mut command).assert_refused(1, &["/nonexistent"]);
}
