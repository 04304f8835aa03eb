//! The text and the page of a fixed report.

use askama::Template;

use super::page::Page;
use super::text;
use crate::bench::report::{BenchReport, Failure, ModelReport, Ratio, Run, StageSummary};
use crate::bench::{Comparison, Parity, Percentiles, Verdict};
use crate::report::Machine;

fn run(backend: &str, frames_per_s: f64, inference: f64) -> Run {
    let stage =
        |name, median: f64| StageSummary { name, ms: Percentiles { median, p95: median * 1.5 } };
    Run {
        model: "codes".to_owned(),
        backend: backend.to_owned(),
        device: format!("device of {backend}"),
        batch: 1,
        threads: 2,
        frames_per_s,
        ratio: Ratio {
            against: "ort".to_owned(),
            frames_per_s: frames_per_s / 50.0,
            inference: 12.0 / inference,
        },
        stages_ms: vec![
            stage("decode", 2.0),
            stage("resize", 0.5),
            stage("normalise", 0.25),
            stage("inference", inference),
            stage("postprocess", 0.125),
        ],
        frames_timed: 100,
        peak_rss_mb: Some(64.0),
        read_ms: 10.0,
        load_ms: 30.0,
        first_batch_ms: 15.0,
        inference_shares: vec![(inference, 0.5), (inference * 2.0, 1.0)],
    }
}

fn report() -> BenchReport {
    let comparison =
        Comparison { boxes: 7, unmatched: 1, max_score_diff: 0.01, max_raw_rel_diff: 0.002 };
    BenchReport {
        command: "framegate bench --backend ort,simd --images photos".to_owned(),
        partial: false,
        machine: machine(),
        images: 4,
        seconds: 10.0,
        models: ModelReport {
            runs: vec![run("ort", 50.0, 12.0), run("simd", 75.0, 8.0)],
            parity: vec![Parity {
                model: "codes".to_owned(),
                backend: "simd".to_owned(),
                batch: 1,
                against: "ort".to_owned(),
                comparison,
                verdict: Verdict::Differ,
                holds: false,
            }],
            failures: vec![Failure {
                model: "codes".to_owned(),
                backend: "wgpu".to_owned(),
                batch: 1,
                problem: "the device was lost".to_owned(),
            }],
        },
    }
}

fn machine() -> Machine {
    Machine {
        processor: "A processor".to_owned(),
        vector_instructions: "AVX2",
        cores: 2,
        memory_gib: 8.0,
        system: "Linux".to_owned(),
        framegate: "0.0.0",
        optimised: true,
    }
}

#[test]
fn the_text_of_a_report() {
    let mut text = Vec::new();
    text::write(&mut text, &report()).unwrap();
    insta::assert_snapshot!(String::from_utf8(text).unwrap());
}

#[test]
fn the_page_of_a_report() {
    insta::assert_snapshot!(Page::new(&report()).render().unwrap());
}
