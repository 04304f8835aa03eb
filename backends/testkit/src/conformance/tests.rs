use std::collections::BTreeSet;

use framegate_backend_api::BackendError;
use framegate_backend_api::graph::Batching;

use super::*;
use crate::ReferenceBackend;
use crate::fake::{Call, FakeBackend, Outcome};

#[test]
fn the_reference_conforms_to_itself() {
    let report = run(&ReferenceBackend, &Options::full());
    println!("{} cases", report.cases);
    report.assert_passed();
}

#[test]
fn every_case_has_its_own_name() {
    let cases = operator_cases();
    let names: BTreeSet<&str> = cases.iter().map(|case| case.name.as_str()).collect();
    assert_eq!(names.len(), cases.len());
}

#[test]
fn both_ways_of_batching_are_covered() {
    let cases = operator_cases();
    let of = |batching| cases.iter().filter(|case| case.graph.batching == batching).count();
    let (together, apart) = (of(Batching::FirstAxis), of(Batching::OneByOne));
    println!("{together} cases in whole batches, {apart} image by image");
    assert!(together >= 200 && apart >= 20);
}

/// A case whose results are the same for every input could not expose a backend that computes nothing.
/// Cases that run image by image are exempt: a softmax over the batch axis is 1 everywhere, and shows that
/// images are kept apart.
#[test]
fn results_depend_on_the_input() {
    for case in operator_cases() {
        if case.graph.batching == Batching::OneByOne {
            continue;
        }
        let batch = case.batch(1, 0);
        let outputs = crate::reference_backend::run_image(&case.graph, batch.image(0));
        let other = case.batch(1, 1);
        let others = crate::reference_backend::run_image(&case.graph, other.image(0));
        assert!(outputs != others, "{}", case.name);
    }
}

/// Of the softmax cases, the second gets wrong numbers, the third a device error and the fourth a panic.
#[test]
fn wrong_numbers_errors_and_panics_are_reported_with_their_cases() {
    let lost = BackendError::Device { backend: "fake", reason: "device lost".to_owned() };
    let script = [
        Outcome::Success,
        Outcome::WrongNumbers,
        Outcome::Failure(lost),
        Outcome::Panic("out of luck"),
    ];
    let backend =
        FakeBackend::new(script.map(Call::instant), Call::instant(Outcome::Success), |_| {});
    let options =
        Options { batches: &[1], inside: &[], only: Some("softmax along"), ..Options::full() };

    let report = run(&backend, &options);

    assert_eq!(report.cases, 8);
    let problems: Vec<(&str, &str)> = report
        .failures
        .iter()
        .map(|failure| (failure.case.as_str(), failure.problem.as_str()))
        .collect();
    assert_eq!(problems.len(), 3, "{report}");
    assert_eq!(problems[0].0, "softmax along axis 1");
    assert!(problems[0].1.contains("batch of 1: output `Softmax0`, image 0: worst at [0, "));
    assert_eq!(problems[1].0, "softmax along axis 2");
    assert!(problems[1].1.contains("device lost"));
    assert_eq!(problems[2].0, "softmax along axis 3");
    assert_eq!(problems[2].1, "panicked: out of luck");
    assert!(report.failures[0].operators.contains("Softmax { axis: 1 }"));
}

#[test]
fn a_session_with_wrong_numbers_fails_every_case() {
    let backend = FakeBackend::new([], Call::instant(Outcome::WrongNumbers), |_| {});
    let report = run(&backend, &Options { batches: &[1], ..Options::full() });
    // The one that passes checks names alone.
    assert_eq!(report.failures.len(), report.cases - 1, "{report}");
}

#[test]
#[should_panic(expected = "no case was selected")]
fn a_run_without_cases_does_not_pass() {
    run(&ReferenceBackend, &Options { only: Some("no such case"), ..Options::full() })
        .assert_passed();
}
