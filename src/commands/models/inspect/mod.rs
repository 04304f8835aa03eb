//! `framegate models inspect`: what is known about a model file.

mod kernels;
mod operators;
mod report;
mod text;

use std::io::Write;

use framegate_models::detector::{check_input_size, read_onnx_file};
use framegate_models::onnx::OnnxFile;
use framegate_models::{Detector, Size};

use crate::commands::{CommandError, CommandStatus};
use crate::config::InspectConfig;
use crate::report::{write_facts, write_json_to};
use kernels::KernelReport;
use report::Report;

/// Prints everything that is known about a model; where a detector cannot be made of it, also why.
pub(in crate::commands) fn inspect(
    config: &InspectConfig,
    out: &mut dyn Write,
) -> Result<CommandStatus, CommandError> {
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
    if config.json {
        write_json_to(out, &report)?;
    } else {
        write_facts(out, &text::facts(&report))?;
    }
    detector?;
    Ok(CommandStatus::Done)
}

/// The input size given on the command line, or declared in the file.
fn fixed_size(file: &OnnxFile, config: &InspectConfig) -> Option<Size> {
    let declared = match file.image_size() {
        [Some(height), Some(width)] => check_input_size(Size { width, height }).ok(),
        _ => None,
    };
    config.detector.options.input_size.or(declared)
}
