//! The problems of a file, all of them, line by line.

use std::fmt::{self, Display, Formatter};
use std::path::PathBuf;

use serde::Serialize;

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// The line in the file, from 1.
    pub line: usize,
    /// The problem, and what would be right.
    pub message: String,
}

/// A file that cannot be used.
#[derive(Debug, Clone, thiserror::Error)]
pub struct FileError {
    /// The file.
    pub path: PathBuf,
    /// At least one.
    pub problems: Vec<Problem>,
}

impl FileError {
    pub(crate) fn new(path: &std::path::Path, mut problems: Vec<Problem>) -> Self {
        problems.sort_by_key(|problem| problem.line);
        Self { path: path.to_owned(), problems }
    }
}

impl Display for FileError {
    fn fmt(&self, formatter: &mut Formatter) -> fmt::Result {
        let path = self.path.display();
        for (number, Problem { line, message }) in self.problems.iter().enumerate() {
            let end = if number + 1 < self.problems.len() { "\n" } else { "" };
            write!(formatter, "{path}:{line}: {message}{end}")?;
        }
        Ok(())
    }
}
