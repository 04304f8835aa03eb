//! Writing reports.

use std::fs;
use std::path::{Path, PathBuf};

use askama::Template;
use serde::Serialize;

/// A report that could not be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write {path}: {problem}")]
pub struct ReportError {
    path: PathBuf,
    problem: String,
}

/// Writes a report for programs.
///
/// # Errors
/// [`ReportError`] when the file cannot be written.
pub fn write_json(path: &Path, report: &impl Serialize) -> Result<(), ReportError> {
    write(path, serde_json::to_string_pretty(report).map(|text| text + "\n"))
}

/// Writes a report for people.
///
/// # Errors
/// [`ReportError`] when the file cannot be written.
pub fn write_html(path: &Path, page: &impl Template) -> Result<(), ReportError> {
    write(path, page.render())
}

fn write(path: &Path, text: Result<String, impl ToString>) -> Result<(), ReportError> {
    text.map_err(|problem| problem.to_string())
        .and_then(|text| fs::write(path, text).map_err(|problem| problem.to_string()))
        .map_err(|problem| ReportError { path: path.to_owned(), problem })
}
