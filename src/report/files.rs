//! Writing reports.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use askama::Template;
use serde::Serialize;

/// A report that could not be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write {path}")]
pub(crate) struct ReportError {
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
/// there until then, and where there is none, there is none until then.
///
/// # Errors
/// [`ReportError`] when the file cannot be written.
pub(crate) fn check_writable(path: &Path) -> Result<(), ReportError> {
    let check = || match fs::metadata(path) {
        Ok(_) => OpenOptions::new().append(true).open(path).map(drop),
        Err(_) => {
            let beside = beside(path);
            File::create(&beside)?;
            fs::remove_file(beside)
        }
    };
    at(path, check().map_err(ReportProblem::from))
}

/// Writes a report as JSON to a file.
///
/// # Errors
/// [`ReportError`] when the file cannot be written.
pub(crate) fn write_json(path: &Path, report: &impl Serialize) -> Result<(), ReportError> {
    at(path, write_json_file(path, report))
}

/// Writes a file as [`write_json`] does, whole or not at all.
///
/// # Errors
/// [`ReportError`] when the file cannot be written.
pub(crate) fn write_text(path: &Path, text: &str) -> Result<(), ReportError> {
    at(path, write(path, text).map_err(ReportProblem::from))
}

/// Writes a report as JSON to a stream.
///
/// # Errors
/// What `out` failed with.
pub(crate) fn write_json_to(out: &mut dyn Write, report: &impl Serialize) -> io::Result<()> {
    writeln!(out, "{}", serde_json::to_string_pretty(report)?)
}

/// Writes a report as an HTML page to a file.
///
/// # Errors
/// [`ReportError`] when the file cannot be written.
pub(crate) fn write_html(path: &Path, page: &impl Template) -> Result<(), ReportError> {
    at(path, write_html_file(path, page))
}

fn write_json_file(path: &Path, report: &impl Serialize) -> Result<(), ReportProblem> {
    Ok(write(path, &(serde_json::to_string_pretty(report)? + "\n"))?)
}

fn write_html_file(path: &Path, page: &impl Template) -> Result<(), ReportProblem> {
    Ok(write(path, &page.render()?)?)
}

/// Writes a file beside, then renames it: a reader finds the old one or the new one, whole.
fn write(path: &Path, text: &str) -> io::Result<()> {
    match fs::canonicalize(path) {
        // A pipe or a terminal.
        Ok(path) if !path.is_file() => fs::write(path, text),
        Ok(path) => replace(&path, text),
        Err(_) => replace(path, text),
    }
}

fn replace(path: &Path, text: &str) -> io::Result<()> {
    let beside = beside(path);
    let written = fs::write(&beside, text).and_then(|()| fs::rename(&beside, path));
    if written.is_err() {
        // There may be nothing to remove.
        let _ = fs::remove_file(&beside);
    }
    written
}

/// A name in the same directory that nothing else has.
fn beside(path: &Path) -> PathBuf {
    let mut name = OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(format!(".{}.part", std::process::id()));
    path.with_file_name(name)
}

fn at(path: &Path, written: Result<(), ReportProblem>) -> Result<(), ReportError> {
    written.map_err(|source| ReportError { path: path.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_there_whole_or_not_at_all() {
        let directory = tempfile::tempdir().unwrap();
        let names = || fs::read_dir(directory.path()).unwrap().count();
        let path = directory.path().join("report.json");
        check_writable(&path).unwrap();
        assert_eq!(names(), 0, "nothing is left behind by the check");
        write_json(&path, &[1, 2, 3]).unwrap();
        let whole = fs::read_to_string(&path).unwrap();
        check_writable(&path).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), whole);
        write_json(&path, &[4]).unwrap();
        assert_ne!(fs::read_to_string(&path).unwrap(), whole);
        assert_eq!(names(), 1, "nothing is left beside it");
        for unwritable in [directory.path().to_owned(), directory.path().join("no/report.json")] {
            assert!(check_writable(&unwritable).is_err(), "{}", unwritable.display());
            assert!(write_json(&unwritable, &[5]).is_err(), "{}", unwritable.display());
        }
    }
}
