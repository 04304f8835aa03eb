//! `framegate check`: a wrong backend is found, whichever it is.

use std::path::PathBuf;

use framegate::backends::BackendOptions;
use framegate::bench::check::{Candidate, Check, CheckOutcome, Checked};
use framegate::bench::{BenchCase, BenchError, RunnerConfig, Worker};
use framegate::stop::StopFlag;
use framegate_backend_api::{Backend, BackendError, DeviceInfo, InputBatch, Limits, Model};
use framegate_backend_api::{OutputBatch, Session};
use framegate_testkit::ReferenceBackend;

use crate::support::program::{cpu_backends, framegate, run};

/// Computes like the reference, and then changes one number of each output.
struct Planted;

struct Changing(Box<dyn Session>);

impl Backend for Planted {
    fn name(&self) -> &'static str {
        "planted"
    }

    fn probe(&self) -> Result<DeviceInfo, BackendError> {
        ReferenceBackend.probe()
    }

    fn load(&self, model: &Model, limits: &Limits) -> Result<Box<dyn Session>, BackendError> {
        Ok(Box::new(Changing(ReferenceBackend.load(model, limits)?)))
    }
}

impl Session for Changing {
    fn infer(&mut self, batch: &InputBatch, out: &mut OutputBatch) -> Result<(), BackendError> {
        self.0.infer(batch, out)?;
        for tensor in &mut out.tensors {
            if let Some(first) = tensor.data.first_mut() {
                *first = *first * 2.0 + 1.0;
            }
        }
        Ok(())
    }
}

fn candidate(name: &str) -> Candidate {
    let config = RunnerConfig {
        case: BenchCase { model: PathBuf::from("codes"), backend: name.to_owned(), batch: 1 },
        images: Vec::new(),
        threads: 1,
        confidence: 0.25,
        iou: 0.45,
        options: BackendOptions::default(),
    };
    Candidate { name: name.to_owned(), config: Ok(config) }
}

/// The built-in model on the known frame: `reference` first, then the others.
fn checked(reference: Option<&str>, others: &[&str]) -> Vec<Checked> {
    let start = |config: RunnerConfig| -> Result<Worker, BenchError> {
        match config.case.backend.as_str() {
            "planted" => Worker::here(config, &Planted),
            _ => Worker::here(config, &ReferenceBackend),
        }
    };
    let check = Check {
        reference: reference.map(candidate),
        candidates: others.iter().copied().map(candidate).collect(),
        has_known_boxes: true,
        start: &start,
        stop: &StopFlag::new(),
    };
    let mut all = Vec::new();
    check.run("codes", &mut |checked| all.push(checked));
    all
}

#[test]
fn the_known_boxes_are_those_of_the_scalar_operators_and_a_planted_fault_is_found() {
    let all = checked(Some("reference"), &["planted", "reference"]);
    let [reference, planted, same] = all.as_slice() else { panic!("{all:?}") };
    let CheckOutcome::Right(measured) = &reference.outcome else { panic!("{reference:?}") };
    assert_eq!(measured.against.as_deref(), Some("known boxes"));
    assert!(measured.difference.boxes > 0, "{measured:?}");
    let CheckOutcome::Wrong(measured) = &planted.outcome else { panic!("{planted:?}") };
    assert_eq!(measured.against.as_deref(), Some("reference"));
    assert!(matches!(same.outcome, CheckOutcome::Right(_)), "{same:?}");
}

#[test]
fn the_program_checks_what_is_in_it() {
    if cpu_backends().is_empty() {
        return;
    }
    let ended = run(&mut framegate(["check", "--backend", "simd", "--json"]));
    assert_eq!(ended.status, 0, "{}", ended.stderr);
    let all: serde_json::Value = serde_json::from_str(&ended.stdout).unwrap();
    let outcomes: Vec<_> = all.as_array().unwrap().iter().map(|one| &one["outcome"]).collect();
    assert_eq!(outcomes, ["right", "right"], "{all}");
    let ended = run(&mut framegate(["check", "--backend", "simd"]));
    assert!(ended.stdout.contains("computes what it should"), "{}", ended.stdout);
    let listed = run(framegate(["backends", "--check"]).env("FRAMEGATE_BACKEND", "simd"));
    assert_eq!(listed.status, 0, "{}", listed.stderr);
    assert!(listed.stdout.contains("computes what it should"), "{}", listed.stdout);
}
