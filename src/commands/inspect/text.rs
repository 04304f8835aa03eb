//! The report as text for people.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::io::{self, Write};

use framegate_models::detector::{NmsScope, ResizeFilter};

use super::kernels::KernelReport;
use super::report::{DetectorReport, GraphReport, Report};

/// Labels shown; the JSON report has them all.
const LABELS_SHOWN: usize = 5;

/// Writes a report, one subject a line.
pub(super) fn write(out: &mut impl Write, report: &Report) -> io::Result<()> {
    let mut line = |name: &str, text: &dyn Display| writeln!(out, "{name:<18} {text}");
    line("file", &report.file)?;
    line("producer", &report.producer)?;
    line("opset", &report.opset)?;
    let axes: Vec<String> = report
        .input
        .shape
        .iter()
        .map(|extent| extent.map_or_else(|| "?".to_owned(), |extent| extent.to_string()))
        .collect();
    line("input", &format!("{} [{}]", report.input.name, axes.join(", ")))?;
    line("operators in file", &counts(&report.operators_in_file))?;
    if let Some(graph) = &report.graph {
        write_graph(&mut line, graph)?;
    }
    if let Some(detector) = &report.detector {
        write_detector(&mut line, detector)?;
    }
    if let Some(KernelReport { backend, kernels, plain }) = &report.kernels {
        let kernels: Vec<String> =
            kernels.iter().map(|(kernel, count)| format!("{count} {kernel}")).collect();
        line(&format!("kernels of {backend}"), &kernels.join(", "))?;
        let slow = if plain.is_empty() { "nothing".to_owned() } else { plain.join(", ") };
        line("no fast kernel for", &slow)?;
    }
    Ok(())
}

/// Writes a line: its subject and what there is to say.
type WriteLine<'a> = dyn FnMut(&str, &dyn Display) -> io::Result<()> + 'a;

fn write_graph(line: &mut WriteLine<'_>, graph: &GraphReport) -> io::Result<()> {
    line("input shape", &format!("{:?}", graph.input_shape))?;
    for output in &graph.outputs {
        line("output", &format!("{} {:?}", output.name, output.shape))?;
    }
    let operators = if graph.fused { "operators fused" } else { "operators unfused" };
    line(operators, &counts(&graph.operators))?;
    line("parameters", &format!("{:.2} million", graph.parameters as f64 / 1e6))?;
    line("multiply-adds", &format!("{:.3} GMAC an image", graph.multiply_adds as f64 / 1e9))?;
    line("batches", &graph.batching)
}

fn write_detector(line: &mut WriteLine<'_>, detector: &DetectorReport) -> io::Result<()> {
    let preparation = &detector.preparation;
    line(
        "frames become",
        &format!(
            "{}x{} {}, {}, {}",
            preparation.width,
            preparation.height,
            preparation.channel_order,
            preparation.fit,
            match preparation.resize {
                ResizeFilter::Bilinear => "bilinear",
                ResizeFilter::Antialiased => "antialiased",
                ResizeFilter::AntialiasedBicubic => "antialiased (bicubic)",
            }
        ),
    )?;
    line("levels", &format!("(0..255 - {:?}) x {:?}", preparation.mean, preparation.scale))?;
    let nms = match detector.nms {
        NmsScope::PerClass => "suppression within each class",
        NmsScope::ClassAgnostic => "suppression between all classes",
    };
    let reason = &detector.box_decoder_reason;
    line("box decoder", &format!("{}: {reason}; {nms}", detector.box_decoder))?;
    let labels = &detector.labels;
    let first = labels[..labels.len().min(LABELS_SHOWN)].join(", ");
    let more = if labels.len() > LABELS_SHOWN { ", …" } else { "" };
    line("labels", &format!("{} ({first}{more}), {}", labels.len(), detector.labels_source))
}

/// `3 Add, 12 Conv`, the most frequent first.
fn counts(counts: &BTreeMap<String, usize>) -> String {
    let mut counts: Vec<_> = counts.iter().collect();
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
    counts.iter().map(|(name, count)| format!("{count} {name}")).collect::<Vec<_>>().join(", ")
}
