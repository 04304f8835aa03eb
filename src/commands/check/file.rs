//! `framegate check --config`: whether a configuration file can be used, without using it.

use std::io::Write;
use std::path::Path;

use framegate_fetch::is_remote;
use serde::Serialize;

use crate::cli::{ConfigFile, Problem};
use crate::commands::{CommandError, CommandStatus};
use crate::config::{file_problems, served_by};
use crate::error_chain::error_chain;
use crate::pipeline::{PipelineError, read_detector};
use crate::report::write_json_to;
use crate::server::ServedPipeline;

/// The report as JSON.
#[derive(Debug, Serialize)]
struct Report<'a> {
    file: &'a Path,
    problems: &'a [Problem],
    /// The pipelines that it serves.
    pipelines: Vec<String>,
}

/// Prints every problem of a file; if there is none, what it serves.
pub(in crate::commands) fn check_file(
    path: &Path,
    json: bool,
    out: &mut dyn Write,
) -> Result<CommandStatus, CommandError> {
    let (problems, pipelines) = match ConfigFile::read(path) {
        Err(error) => (error.problems, Vec::new()),
        Ok(file) => match file_problems(&file) {
            problems if problems.is_empty() => models(&file),
            problems => (problems, Vec::new()),
        },
    };
    if json {
        write_json_to(out, &Report { file: path, problems: &problems, pipelines })?;
    } else {
        for Problem { line, message } in &problems {
            writeln!(out, "{}:{line}: {message}", path.display())?;
        }
        match (problems.len(), pipelines.join(", ")) {
            (0, names) if names.is_empty() => writeln!(out, "{}: no problem", path.display())?,
            (0, names) => writeln!(out, "{}: no problem; serves {names}", path.display())?,
            (1, _) => writeln!(out, "1 problem")?,
            (count, _) => writeln!(out, "{count} problems")?,
        }
    }
    Ok(match problems.is_empty() {
        true => CommandStatus::Done,
        false => CommandStatus::FileHasProblems,
    })
}

/// The models that a file serves and that cannot be read, and the names of all pipelines. Those that would be fetched
/// are not looked at.
fn models(file: &ConfigFile) -> (Vec<Problem>, Vec<String>) {
    let Ok(Some(options)) = served_by(file) else { return (Vec::new(), Vec::new()) };
    let mut problems = Vec::new();
    let mut names = Vec::new();
    for (number, pipeline) in options.pipelines.iter().enumerate() {
        let ServedPipeline { id, model, options: own } = pipeline;
        names.push(id.clone());
        if is_remote(&model.to_string_lossy()) {
            continue;
        }
        let own = own.as_ref().unwrap_or(&options.pipeline);
        let read = read_detector(model, own).map_err(PipelineError::from);
        if let Err(error) = read.and_then(|detector| own.selection(&detector.labels)) {
            let line = file.line_of_pipeline(number).unwrap_or(1);
            let message = format!("pipeline {id}: {}", error_chain(&error));
            problems.push(Problem { line, message });
        }
    }
    (problems, names)
}
