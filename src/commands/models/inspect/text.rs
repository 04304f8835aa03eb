//! The report as text.

use std::collections::BTreeMap;

use framegate_models::detector::{NmsScope, ResizeFilter};

use super::kernels::KernelReport;
use super::report::{
    DeclaredInput, DetectorReport, GraphReport, PreprocessingReport, Report, SecondModelReport,
    SecondReport,
};
use crate::report::{Facts, fact};

/// Number of labels shown; the JSON report has them all.
const LABELS_SHOWN: usize = 5;

/// The report, one subject per line.
pub(super) fn facts(report: &Report) -> Facts {
    let mut facts = Facts::new();
    fact(&mut facts, "file", &report.file);
    fact(&mut facts, "producer", &report.producer);
    fact(&mut facts, "opset", report.opset);
    let axes = report.input.axes.map_or_else(String::new, |axes| format!(" as {axes}"));
    fact(&mut facts, "input", format!("{}{axes}", declared(&report.input)));
    for input in &report.other_inputs {
        fact(&mut facts, "constant input", declared(input));
    }
    fact(&mut facts, "ONNX operators", counts(&report.operators_in_file));
    if let Some(graph) = &report.graph {
        add_graph(&mut facts, graph);
    }
    if let Some(detector) = &report.detector {
        add_detector(&mut facts, detector);
    }
    if let Some(KernelReport { backend, kernels, plain }) = &report.kernels {
        let kernels: Vec<String> =
            kernels.iter().map(|(kernel, count)| format!("{count} {kernel}")).collect();
        fact(&mut facts, &format!("kernels of {backend}"), kernels.join(", "));
        let slow = if plain.is_empty() { "none".to_owned() } else { plain.join(", ") };
        fact(&mut facts, "no fast kernel for", slow);
    }
    facts
}

/// `images [1, 3, ?, ?]`
fn declared(input: &DeclaredInput) -> String {
    let extent = |extent: &Option<usize>| extent.map_or("?".to_owned(), |it| it.to_string());
    let extents: Vec<String> = input.shape.iter().map(extent).collect();
    format!("{} [{}]", input.name, extents.join(", "))
}

fn add_graph(facts: &mut Facts, graph: &GraphReport) {
    fact(facts, "input shape", format!("{:?}", graph.input_shape));
    for output in &graph.outputs {
        fact(facts, "output", format!("{} {:?}", output.name, output.shape));
    }
    let operators = if graph.fused { "fused operators" } else { "unfused operators" };
    fact(facts, operators, counts(&graph.operators));
    fact(facts, "parameters", format!("{:.2} million", graph.parameters as f64 / 1e6));
    fact(facts, "multiply-adds", format!("{:.3} GMAC per image", graph.multiply_adds as f64 / 1e9));
    fact(facts, "batches", graph.batching);
}

fn add_detector(facts: &mut Facts, detector: &DetectorReport) {
    let preprocessing = &detector.preprocessing;
    fact(facts, "preprocessing", size_and_fit(preprocessing));
    fact(
        facts,
        "normalisation",
        format!("(pixel - {:?}) x {:?}, pixels 0 to 255", preprocessing.mean, preprocessing.scale),
    );
    let nms = match detector.nms {
        Some(NmsScope::PerClass) => "NMS per class",
        Some(NmsScope::ClassAgnostic) => "NMS across all classes",
        None => "no NMS",
    };
    let reason = &detector.box_decoder_reason;
    fact(facts, "box decoder", format!("{}: {reason}; {nms}", detector.box_decoder));
    let source = &detector.labels_source;
    fact(facts, "labels", format!("{}, from {source}", counted(&detector.labels)));
    if let Some(second) = &detector.second {
        add_second(facts, second);
    }
    for guess in &detector.guesses {
        fact(facts, "guessed", guess);
    }
}

fn add_second(facts: &mut Facts, SecondReport { name, model }: &SecondReport) {
    let Some(SecondModelReport { preprocessing, decoder, confidence, labels, classes, guesses }) =
        model
    else {
        return fact(facts, "second stage", name);
    };
    let reads = format!("{name}: {decoder}, from a score of {confidence}");
    fact(facts, "second stage", format!("{reads}, in boxes of {}", counted(classes)));
    fact(facts, "its preprocessing", size_and_fit(preprocessing));
    fact(facts, "its labels", counted(labels));
    for guess in guesses {
        fact(facts, "guessed", guess);
    }
}

/// `416x416 bgr, letterboxed, …`
fn size_and_fit(preprocessing: &PreprocessingReport) -> String {
    let PreprocessingReport { width, height, channel_order, fit, resize, .. } = preprocessing;
    let resize = match resize {
        ResizeFilter::Bilinear => "bilinear",
        ResizeFilter::Antialiased => "antialiased",
        ResizeFilter::AntialiasedBicubic => "antialiased (bicubic)",
    };
    format!("{width}x{height} {channel_order}, {fit}, {resize}")
}

/// `80 (person, bicycle, car, motorcycle, airplane, …)`
fn counted(labels: &[String]) -> String {
    let first = labels[..labels.len().min(LABELS_SHOWN)].join(", ");
    let more = if labels.len() > LABELS_SHOWN { ", …" } else { "" };
    format!("{} ({first}{more})", labels.len())
}

/// `12 Conv, 3 Add`, most frequent first.
fn counts(counts: &BTreeMap<String, usize>) -> String {
    let mut counts: Vec<_> = counts.iter().collect();
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
    counts.iter().map(|(name, count)| format!("{count} {name}")).collect::<Vec<_>>().join(", ")
}
