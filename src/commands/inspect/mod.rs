//! `framegate models inspect`: what a model file is, as far as it can be told.

mod kernels;
mod operators;
mod report;
mod text;

use framegate_models::Size;
use std::io::{self, Write};

use framegate_models::Detector;
use framegate_models::detector::{check_input_size, read_onnx_file};
use framegate_models::onnx::OnnxFile;

use super::{CommandError, Outcome};
use crate::config::InspectConfig;
use kernels::KernelReport;
use report::Report;

/// Prints everything that is known before the first error, and then the error.
pub(super) fn inspect(config: &InspectConfig) -> Result<Outcome, CommandError> {
    let file = read_onnx_file(&config.detector.path)?;
    let detector = Detector::load(&config.detector.path, &config.detector.options);
    let unfused = || {
        let Size { width, height } = fixed_size(&file, config)?;
        file.graph(height, width).ok()
    };
    let mut report = match &detector {
        Ok(detector) => Report::of_detector(&config.detector.path, &file, detector),
        Err(_) => Report::of_file(&config.detector.path, &file, unfused().as_ref()),
    };
    if let (Ok(detector), Some(backend)) = (&detector, &config.backend) {
        report.kernels = KernelReport::of(backend, &detector.model)?;
    }
    let mut out = io::stdout().lock();
    if config.json {
        writeln!(out, "{}", serde_json::to_string_pretty(&report).map_err(io::Error::from)?)?;
    } else {
        text::write(&mut out, &report)?;
    }
    detector?;
    Ok(Outcome::Done)
}

/// The input size asked for, or declared in the file.
fn fixed_size(file: &OnnxFile, config: &InspectConfig) -> Option<Size> {
    let declared = match file.input().dims[..] {
        [_, _, Some(height), Some(width)] => check_input_size(Size { width, height }).ok(),
        _ => None,
    };
    config.detector.options.input_size.or(declared)
}
