//! Writing reports.

use std::fs::{self, OpenOptions};
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

/// Finds out whether a report can be written, before anything is measured for it. What is in the file
/// stays there until then.
///
/// # Errors
/// [`ReportError`] when the file cannot be written.
pub fn check_writable(path: &Path) -> Result<(), ReportError> {
    let opened = OpenOptions::new().append(true).create(true).open(path);
    opened
        .map(drop)
        .map_err(|problem| ReportError { path: path.to_owned(), problem: problem.to_string() })
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
