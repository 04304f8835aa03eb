//! Writing reports.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use askama::Template;
use serde::Serialize;

/// A report that could not be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write {path}")]
pub struct ReportError {
    path: PathBuf,
    source: ReportProblem,
}

/// Why a report could not be written.
#[derive(Debug, thiserror::Error)]
enum ReportProblem {
    #[error(transparent)]
    File(#[from] io::Error),
    #[error(transparent)]
    Json(#[from] serde_json::Error),
    #[error(transparent)]
    Page(#[from] askama::Error),
}

/// Checks that a report can be written, before anything is measured for it. What is in the file stays
/// there until then.
///
/// # Errors
/// [`ReportError`] when the file cannot be written.
pub fn check_writable(path: &Path) -> Result<(), ReportError> {
    let opened = OpenOptions::new().append(true).create(true).open(path);
    at(path, opened.map(drop).map_err(ReportProblem::from))
}

/// Writes a report as JSON to a file.
///
/// # Errors
/// [`ReportError`] when the file cannot be written.
pub fn write_json(path: &Path, report: &impl Serialize) -> Result<(), ReportError> {
    at(path, write_json_file(path, report))
}

/// Writes a report as JSON to a stream.
///
/// # Errors
/// What `out` failed with.
pub fn write_json_to(out: &mut dyn Write, report: &impl Serialize) -> io::Result<()> {
    writeln!(out, "{}", serde_json::to_string_pretty(report)?)
}

/// Writes a report as an HTML page to a file.
///
/// # Errors
/// [`ReportError`] when the file cannot be written.
pub fn write_html(path: &Path, page: &impl Template) -> Result<(), ReportError> {
    at(path, write_html_file(path, page))
}

fn write_json_file(path: &Path, report: &impl Serialize) -> Result<(), ReportProblem> {
    Ok(fs::write(path, serde_json::to_string_pretty(report)? + "\n")?)
}

fn write_html_file(path: &Path, page: &impl Template) -> Result<(), ReportProblem> {
    Ok(fs::write(path, page.render()?)?)
}

fn at(path: &Path, written: Result<(), ReportProblem>) -> Result<(), ReportError> {
    written.map_err(|source| ReportError { path: path.to_owned(), source })
}
